"""Prompts without labels as one dataset, and gold rows as another: the label is the held-out rows' own column."""

from typing import Any

import pytest

from spec import rows
from spec.bill import bill
from spec.distillation import Distillation
from spec.facts import ColumnFacts, DatasetFacts, Facts, PairFacts, Roles
from spec.plan import plan
from spec.resolve import refusal, resolve
from spec.rules import problems
from spec.signature import classes, output_kind
from tests.spec.builders import dataset, endpoint, facts, images, job, names, split
from tests.spec.leaves import ASKED, BAG

TEXT = ColumnFacts(kind="text", dtype="str")
APART = ASKED | {"data.train": "ds_prompts", "data.heldout": "ds_gold", "data.labelled": 1.0}
GOLD = dataset(
    {"train": split("gold", 100, labels={"cat": 60, "dog": 30})},
    {"text": TEXT, "intent": names(("cat", "dog"))},
    Roles(input="text", label="intent"),
)


def prompts(columns: tuple[str, ...] = ("text",), **roles: Any) -> DatasetFacts:
    made = {"train": split("prompts", 1000, labels={}), "validation": split("more", 100, labels={})}
    return dataset(made, dict.fromkeys(columns, TEXT), Roles(input="text", **roles))


def known(own: DatasetFacts | None = None, gold: DatasetFacts | None = GOLD, **more: Any) -> Facts:
    sets = {"ds_prompts": own or prompts()} | ({"ds_gold": gold} if gold else {})
    made = facts(datasets=sets, endpoints={"ep_open": endpoint()}, **more)
    digests = [one.facts.digest for id in sets if (one := rows.find("train", id, made)) is not None]
    return made.model_copy(update={"pairs": {"|".join(digests): PairFacts(overlap=0)}})


def resolved(changes: dict[str, Any], found: Facts) -> Distillation:
    spec = job(changes)
    assert problems(spec, found) == ()
    made = resolve(spec, found)
    assert (problems(made, found), resolve(made, found)) == ((), made)
    return made


def test_the_label_is_the_held_out_rows_own() -> None:
    made = resolved(APART, known())
    assert made.data.columns.label == "intent" and classes(made, known()) == ("cat", "dog")
    count = rows.counts(made, known())
    assert (count.heldout, count.train, rows.transfer_labelled(made, known())) == (90, 1000, 0)
    paid = bill(made, known())
    assert paid is not None and paid.rows == 1090
    assert made.evaluation.baselines == ()
    why = refusal(made, known())
    assert why is not None and why.message == (
        'No training row of ds_prompts/train has a label that may be seen (column "intent" is not there).'
    )
    package = plan(made, known())[-1]
    assert package.params["baseline_reasons"] == {"no_teacher": why.message}


def test_a_name_that_the_job_says_is_the_same() -> None:
    assert resolved(APART | {"data.columns.label": "intent"}, known()) == resolved(APART, known())


def test_rows_of_any_number_of_classes_and_columns_that_only_one_of_the_two_has() -> None:
    topics = ColumnFacts(kind="classes", dtype="str", values={"cat": 60, "dog": 60})
    gold = GOLD.model_copy(update={"columns": {"text": TEXT, "intent": topics, "more": TEXT}})
    found = known(prompts(("text", "writer", "label"), group="writer"), gold)
    made = resolved(APART, found)
    assert (made.data.columns.label, made.data.columns.group) == ("intent", "writer")
    assert output_kind(made, found) == "multilabel"


def test_nothing_is_said_of_gold_rows_that_are_still_looked_at() -> None:
    found = known(gold=None, processing={"ds_gold": "inspection of ds_gold"})
    assert problems(job(APART), found) == ()


BEST = APART | {"training.select": "best"}
PICTURE = GOLD.model_copy(update={"columns": {"text": TEXT, "intent": images()}})
STRING = GOLD.model_copy(update={"columns": GOLD.columns | {"text": ColumnFacts(kind="string", dtype="str")}})
# fmt: off
LISTED = GOLD.model_copy(
    update={"columns": GOLD.columns | {"writer": ColumnFacts(kind="classes", dtype="str", values={"a": 60})}}
)
REFUSED: list[Any] = [
    (APART | {"data.responses.prompt.examples": 2}, known(),
     [("data.responses.prompt.examples", "too_few_examples", "2 examples are to be shown, and 0 training rows have labels that may be seen.")]),
    (APART | {"evaluation.baselines": ["no_teacher"]}, known(),
     [("evaluation.baselines[0]", "labels_missing", 'No training row of ds_prompts/train has a label that may be seen (column "intent" is not there).')]),
    (BAG | {"data.train": "ds_prompts", "data.heldout": "ds_gold"}, known(),
     [("objective[0]", "labels_missing", 'No training row of ds_prompts/train has a label that may be seen (column "intent" is not there).')]),
    (BEST, known(),
     [("data.validation", "no_rows", "No validation row is there to choose by."),
      ("data.validation", "validation_labels", "select best needs labelled validation rows; ds_prompts/train has no labels.")]),
    (BEST | {"data.validation": "ds_prompts/validation"}, known(),
     [("data.columns.label", "no_such_column", 'ds_prompts/validation has no column "intent".')]),
    (APART | {"data.columns.label": "kind"}, known(),
     [("data.columns.label", "no_such_column", 'ds_prompts/train has no column "kind".'),
      ("data.columns.label", "no_such_column", 'ds_gold/train has no column "kind".')]),
    (APART | {"data.columns.label": None}, known(),
     [("data.heldout", "heldout_labels", "The held-out rows (ds_gold/train) have no labels to be graded by."),
      ("data.columns.label", "classes_unknown", "No class name is known.")]),
    (APART, known(prompts(("text", "number"), id="number")),
     [("data.columns.id", "no_such_column", 'ds_gold/train has no column "number".')]),
    (APART, known(prompts(("text", "writer"), group="writer"), LISTED),
     [("data.columns.group", "not_a_scalar", 'Column "writer" of ds_gold holds classes values, and the group is one value a row.')]),
    (APART, known(gold=PICTURE),
     [("data.columns.label", "label_kind", 'Column "intent" holds arrays of shape (8, 8), not class names.')]),
    (APART, known(gold=STRING),
     [("data.columns.input", "input_kind", 'Column "text" of ds_gold holds string values; text_classifier takes texts.')]),
]
# fmt: on


@pytest.mark.parametrize(("changes", "found", "told"), REFUSED)
def test_what_is_refused_of_them(changes: dict[str, Any], found: Facts, told: list[tuple[str, str, str]]) -> None:
    assert [(one.param, one.code, one.message) for one in problems(job(changes), found)] == told
