"""Jobs whose rows have any number of classes, and that the rules refuse, in the form of refused.py."""

from typing import Any

from spec.facts import ColumnFacts, DatasetFacts, Facts, ModelFacts, Roles, SplitFacts
from spec.rules import choices, data, endpoint, labels, teacher, training
from tests.spec import builders
from tests.spec.builders import DIGITS, LABELS_ONLY, dataset, facts, images, model, names, split
from tests.spec.leaves import ASKED

COUNTS = dict.fromkeys(DIGITS, 300)
LISTS = ColumnFacts(kind="classes", dtype="str", values=COUNTS)
COLUMNS = {"image": images(), "label": LISTS, "tags": LISTS, "form": names(("a", "b"))}
TOLD = [{"column": "label", "among": [3]}, {"column": "image", "among": [3]}]


def rows(name: str, count: int) -> SplitFacts:
    """More names than rows: a row has some three of them, and a tenth of the rows has no label."""
    return split(name, count, labels=COUNTS).model_copy(update={"labelled": count * 9 // 10})


def lists(columns: dict[str, ColumnFacts] = COLUMNS) -> DatasetFacts:
    return dataset({"train": rows("train", 1029), "test": rows("test", 768)}, columns)


def taught(id: str) -> ModelFacts:
    given = model(digest=id).signature
    several = given.output.model_copy(update={"kind": "multilabel"})
    return model(digest=id).model_copy(update={"signature": given.model_copy(update={"output": several})})


def several(**more: Any) -> Facts:
    """What the digits job names, of rows with any number of digits."""
    held = {f"mdl_{one}": taught(one) for one in "xyz"}
    return facts(
        datasets={"ds_digits": lists()} | more.pop("datasets", {}), models=held | more.pop("models", {}), **more
    )


def texts(label: tuple[str, ...] = DIGITS) -> Facts:
    """The same of a teacher that is asked."""
    column = ColumnFacts(kind="classes", dtype="str", values=dict.fromkeys(label, 30))
    counted = split("train", 1029, labels=dict.fromkeys(label, 30))
    made = dataset(
        {"train": counted, "test": counted.model_copy(update={"digest": "other"})},
        {"text": ColumnFacts(kind="text", dtype="str"), "label": column},
        Roles(input="text", label="label"),
    )
    return facts(datasets={"ds_texts": made}, endpoints={"ep_open": builders.endpoint()})


# fmt: off
MULTILABEL: list[Any] = [
    (teacher.same_output, {}, several(models={"mdl_y": model(digest="y")}),
      [("teacher.models[1]", "output_mismatch", "mdl_y gives one class a row, ds_digits/train any number.")]),
    (teacher.same_output, {}, facts(models={"mdl_z": taught("z")}),
      [("teacher.models[2]", "output_mismatch", "mdl_z gives any number of classes a row, ds_digits/train one.")]),
    (teacher.same_output, {"data.columns": {"label": None}}, facts(models={"mdl_z": taught("z")}),
      [("teacher.models[2]", "output_mismatch", "mdl_z gives any number of classes a row, the first teacher one.")]),
    (labels.labels_are_of_one_kind, {"data.heldout": "ds_other"}, several(datasets={"ds_other": dataset()}),
      [("data.heldout", "label_kind", "ds_other/test has one class a row, ds_digits/train any number.")]),
    (labels.labels_are_of_one_kind, {"data.heldout": "ds_other"}, facts(datasets={"ds_other": lists()}),
      [("data.heldout", "label_kind", "ds_other/test has any number of classes a row, ds_digits/train one.")]),
    (data.group_and_id_are_one_value, {"data.columns": {"group": "tags", "id": "image"}}, several(),
      [("data.columns.group", "not_a_scalar", 'Column "tags" of ds_digits holds classes values, and the group is one value a row.'),
       ("data.columns.id", "not_a_scalar", 'Column "image" of ds_digits holds image values, and the id is one value a row.')]),
    (data.condition_is_known, {"data.where": TOLD}, several(),
      [("data.where[0].column", "not_a_scalar", 'Column "label" holds classes values, and a condition compares one value a row.'),
       ("data.where[1].column", "not_a_scalar", 'Column "image" holds image values, and a condition compares one value a row.')]),
    (training.bias_correction_is_of_one_class, {"training.bias_correction": True}, several(),
      [("training.bias_correction", "not_for_multilabel", "bias_correction shifts classes against each other, and here each is decided by itself.")]),
    (labels.labels_come_from_somewhere, LABELS_ONLY | {"data.labelled": 0.0001}, several(),
      [("objective[0]", "labels_missing", 'No training row of ds_digits/train has a label that may be seen (column "label" is empty).')]),
    (labels.labels_are_classes, {}, several(datasets={"ds_digits": dataset({"train": split("train", 1029, labels={})}, {"image": images(), "label": ColumnFacts(kind="classes", dtype="str")}, overlaps={})}),
      [("data.columns.label", "too_many_classes", 'Column "label" has more than 1,000 different values.')]),
    (labels.labels_are_taught, {}, several(models={f"mdl_{one}": taught(one).model_copy(update={"signature": model(DIGITS[:9]).signature}) for one in "xyz"}, datasets={"ds_digits": lists()}),
      [("data.train", "unknown_label", 'ds_digits/train has the label "9", which is no class of the teacher.'),
       ("data.heldout", "unknown_label", 'ds_digits/test has the label "9", which is no class of the teacher.')]),
    (choices.lists_are_read, ASKED | {"data.responses.read": "logprobs"}, texts(),
      [("data.responses.read", "not_for_multilabel", "Log probabilities are read of an answer with one name, and a row has any number of them.")]),
    (choices.lists_are_read, ASKED, texts(("a", "b, c", "None")),
      [("data.responses.choices[0]", "choice_unlistable", '"None" cannot be told apart in a list of names.'),
       ("data.responses.choices[2]", "choice_unlistable", '"b, c" cannot be told apart in a list of names.')]),
    (choices.lists_are_read, ASKED, texts(("- b", "1. x", "2. x", "None.", "U.S", "U.S.", "b")),
      [("data.responses.choices[3]", "choice_unlistable", '"None." cannot be told apart in a list of names.'),
       ("data.responses.choices[5]", "choice_unlistable", '"U.S." cannot be told apart in a list of names beside "U.S".'),
       ("data.responses.choices[6]", "choice_unlistable", '"b" cannot be told apart in a list of names beside "- b".')]),
    (endpoint.template_shows_the_row, ASKED | {"data.responses.prompt.template": "{text} {tags}"}, facts(datasets={"ds_texts": dataset(columns={"text": ColumnFacts(kind="text", dtype="str"), "label": LISTS, "tags": LISTS})}),
      [("data.responses.prompt.template", "template_columns", 'ds_texts/train cannot be shown in words by its column "tags".'),
       ("data.responses.prompt.template", "template_columns", 'ds_texts/test cannot be shown in words by its column "tags".')]),
]
