"""The sets of rows that a job names: which split of which dataset, what its columns mean, how many rows are left."""

from collections.abc import Callable
from dataclasses import dataclass

from spec.condition import Condition
from spec.distillation import Distillation
from spec.facts import ColumnFacts, DatasetFacts, Facts, Roles, SplitFacts
from spec.responses import TeacherResponses

PREFERRED = {"train": ("train",), "heldout": ("test", "train"), "validation": ("validation", "train")}
"""Splits taken where a reference names none, best first."""


@dataclass(frozen=True, kw_only=True)
class RowSet:
    """One split that a job reads."""

    part: str
    """`train`, `heldout`, `validation` or `signals`."""
    id: str
    split: str
    dataset: DatasetFacts
    facts: SplitFacts

    @property
    def reference(self) -> str:
        return f"{self.id}/{self.split}"


def divide_reference(reference: str) -> tuple[str, str | None]:
    """`ds_x/test` is ("ds_x", "test"), and `ds_x` is ("ds_x", None)."""
    id, _, split = reference.partition("/")
    return id, split or None


def find(part: str, reference: str, facts: Facts) -> RowSet | None:
    """The split that a reference means; None where it is unknown."""
    id, named = divide_reference(reference)
    dataset = facts.datasets.get(id)
    if dataset is None:
        return None
    splits = tuple(dataset.splits)
    candidates = (named,) if named else (*PREFERRED.get(part, ("train",)), *(splits if len(splits) == 1 else ()))
    split = next((name for name in candidates if name in dataset.splits), None)
    if split is None:
        return None
    return RowSet(part=part, id=id, split=split, dataset=dataset, facts=dataset.splits[split])


def train(spec: Distillation, facts: Facts) -> RowSet | None:
    return find("train", spec.data.train, facts)


def heldout_choice(spec: Distillation, facts: Facts) -> str | float:
    """The held-out rows; for `auto` the `test` split of the training rows' dataset, else a tenth of the training rows (`golden`: of those with a label)."""
    if spec.data.heldout != "auto":
        return spec.data.heldout
    rows = train(spec, facts)
    return f"{rows.id}/test" if rows and rows.split != "test" and "test" in rows.dataset.splits else 0.1


def validation_choice(spec: Distillation) -> str | float | None:
    """The validation rows; for `auto` a tenth of the training rows where something is chosen by them, else none."""
    if spec.data.validation != "auto":
        return spec.data.validation
    return 0.1 if chooses(spec) else None


def golden(spec: Distillation) -> bool:
    """Whether rows that are held out or validate are rows with a label: where a teacher answers, the others are prompts to learn from."""
    return isinstance(spec.data.responses, TeacherResponses)


def chooses(spec: Distillation) -> bool:
    """Whether training decides something by validation rows."""
    return spec.training.select == "best" or spec.training.bias_correction


def heldout(spec: Distillation, facts: Facts) -> RowSet | None:
    """The held-out split; None where it is a share of the training rows, or unknown."""
    choice = heldout_choice(spec, facts)
    return find("heldout", choice, facts) if isinstance(choice, str) else None


def validation(spec: Distillation, facts: Facts) -> RowSet | None:
    """The validation split; None where it is a share of the training rows, none, or unknown."""
    choice = validation_choice(spec)
    return find("validation", choice, facts) if isinstance(choice, str) else None


def signals(spec: Distillation, facts: Facts) -> RowSet | None:
    if spec.teacher is None or spec.teacher.signals is None:
        return None
    return find("signals", spec.teacher.signals, facts)


def row_sets(spec: Distillation, facts: Facts) -> list[RowSet]:
    """Training, held-out and validation rows, as far as they are splits of their own and known."""
    found = (train(spec, facts), heldout(spec, facts), validation(spec, facts))
    return [rows for rows in found if rows is not None]


def columns(spec: Distillation, facts: Facts) -> frozenset[str]:
    """Names of the columns that some of these rows have: what a template may show."""
    return frozenset(name for one in row_sets(spec, facts) for name in one.dataset.columns)


def most(spec: Distillation, facts: Facts) -> int:
    """Rows of training and held-out splits, before any draw, and new ones: no step asks about more."""
    own, data = train(spec, facts), spec.data
    new = data.synthesise.rows if data.synthesise else 0
    new += data.words.copies * own.facts.rows if data.words and own else 0
    return new + sum(one.facts.rows for one in (own, heldout(spec, facts)) if one is not None)


def roles(spec: Distillation, facts: Facts) -> Roles | None:
    """The job's word on each column; `auto` leaves it to the training rows' dataset, and where that has no label to the held-out rows'. All rows follow."""
    rows, judged = train(spec, facts), heldout(spec, facts)
    if rows is None:
        return None
    given, named = rows.dataset.roles, spec.data.columns
    gold = given.label or (judged.dataset.roles.label if judged else None)
    return Roles(
        input=given.input if named.input == "auto" else named.input,
        label=gold if named.label == "auto" else named.label,
        group=given.group if named.group == "auto" else named.group,
        id=given.id if named.id == "auto" else named.id,
    )


def input_column(spec: Distillation, facts: Facts, rows: RowSet) -> ColumnFacts | None:
    """What the student sees of these rows, of pairs both texts as one; None where there is no such column."""
    named = roles(spec, facts)
    found = [rows.dataset.columns.get(name) for name in named.inputs] if named else []
    columns = [column for column in found if column is not None]
    if not columns or len(columns) < len(found):
        return None
    return columns[0] if len(columns) == 1 else ColumnFacts(kind=columns[0].kind, shape=(2,), dtype=columns[0].dtype)


def label(spec: Distillation, facts: Facts) -> str | None:
    named = roles(spec, facts)
    return named.label if named else None


def prompts(spec: Distillation, facts: Facts) -> bool:
    """Whether held-out rows of their own have the label column, and the training rows have none of its name: all of these are without a label."""
    name, own, judged = label(spec, facts), train(spec, facts), heldout(spec, facts)
    if name is None or own is None or judged is None:
        return False
    return name not in own.dataset.columns and name in judged.dataset.columns


def label_is_lost(spec: Distillation, facts: Facts) -> bool:
    """Whether a label column is named that training rows would need (`columns_exist` tells)."""
    name, own = label(spec, facts), train(spec, facts)
    return name is not None and own is not None and name not in own.dataset.columns and not prompts(spec, facts)


def labels(spec: Distillation, facts: Facts, rows: RowSet) -> dict[str, int]:
    """Counts of the labels in a split; for a column that is not the dataset's own label, in all its splits."""
    name = label(spec, facts)
    if name is None:
        return {}
    if name == rows.dataset.roles.label:
        return rows.facts.labels
    column = rows.dataset.columns.get(name)
    return dict(column.values or {}) if column else {}


def labelled(spec: Distillation, facts: Facts, rows: RowSet) -> int:
    """Rows of a split that have a label; for a column that is not the dataset's own label as many as there may be, for they are counted in all its splits."""
    name = label(spec, facts)
    if name == rows.dataset.roles.label:
        return rows.facts.labelled
    column = rows.dataset.columns.get(name or "")
    if column is None:
        return 0
    return max(0, min(rows.facts.rows, sum(one.rows for one in rows.dataset.splits.values()) - column.missing))


def several(spec: Distillation, facts: Facts, rows: RowSet) -> bool | None:
    """Whether a row of these has any number of classes, by its label column; None where no column is the label."""
    column = rows.dataset.columns.get(label(spec, facts) or "")
    return None if column is None else column.kind == "classes"


def keeps(condition: Condition) -> Callable[[str], bool]:
    """Whether a value, as text, meets the condition."""
    if condition.among is not None:
        among = set(map(str, condition.among))
        return lambda value: value in among
    barred = set(map(str, condition.not_among or ()))
    return lambda value: value not in barred


def values(column: str, spec: Distillation, facts: Facts) -> dict[str, int]:
    """Counts of a column's values among the training rows (of a column other than the label, in all splits)."""
    rows = train(spec, facts)
    if rows is None:
        return {}
    if column == label(spec, facts):
        return labels(spec, facts, rows)
    found = rows.dataset.columns.get(column)
    return dict(found.values or {}) if found else {}


def kept(column: str, spec: Distillation, facts: Facts) -> dict[str, int]:
    """Those of the values that meet all conditions on this column."""
    tests = [keeps(condition) for condition in spec.data.where if condition.column == column]
    return {value: n for value, n in values(column, spec, facts).items() if all(test(value) for test in tests)}


def transfer_labels(spec: Distillation, facts: Facts) -> dict[str, int]:
    """Counts of the labels of the training split that meet the conditions on the label column."""
    name = label(spec, facts)
    return kept(name, spec, facts) if name else {}


def transfer_labelled(spec: Distillation, facts: Facts) -> int:
    """Rows of the training split that have a label and meet the conditions on it; where rows have several classes, no condition is on them."""
    rows = train(spec, facts)
    if rows is None or not several(spec, facts, rows):
        return sum(transfer_labels(spec, facts).values())
    if label(spec, facts) == rows.dataset.roles.label:
        return rows.facts.labelled
    column = rows.dataset.columns[label(spec, facts) or ""]
    return max(0, rows.facts.rows - column.missing)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Rows of each side, in the order of the draws; estimates where a condition or duplicates decide."""

    heldout: int
    validation: int
    train: int
    """New rows included."""
    written: int
    """New rows: what a teacher is to write, or copies of texts."""
    items: int
    """Training rows and their fixed jittered copies: what an epoch passes over."""


def counts(spec: Distillation, facts: Facts) -> Counts:
    """How many rows each side has: held-out, validation, `where`, `share`, and then the new ones. Where a teacher answers, those that are held out have a label."""
    rows, apart, chosen = train(spec, facts), heldout(spec, facts), validation(spec, facts)
    heldout_share, validation_share = heldout_choice(spec, facts), validation_choice(spec)
    among = _eligible(spec, facts, rows)
    drawn = round(among * heldout_share) if isinstance(heldout_share, float) else 0
    picked = round((among - drawn) * validation_share) if isinstance(validation_share, float) else 0
    left = (rows.facts.rows if rows else 0) - drawn - picked
    for column in dict.fromkeys(condition.column for condition in spec.data.where):
        found = values(column, spec, facts)
        left = round(left * sum(kept(column, spec, facts).values()) / sum(found.values())) if found else left
    rest = round(left * spec.data.share)
    copies = (spec.data.jitter.copies or 0) if spec.data.jitter else 0
    written = spec.data.synthesise.rows if spec.data.synthesise else 0
    written += rest * spec.data.words.copies if spec.data.words else 0
    return Counts(
        heldout=_eligible(spec, facts, apart) if apart else drawn,
        validation=chosen.facts.rows if chosen else picked,
        train=rest + written,
        written=written,
        items=rest * (1 + copies) + written,
    )


def _eligible(spec: Distillation, facts: Facts, rows: RowSet | None) -> int:
    """Rows of a split that can be held out."""
    if rows is None:
        return 0
    return labelled(spec, facts, rows) if golden(spec) else rows.facts.rows


def unlike_texts(spec: Distillation, facts: Facts) -> str | None:
    """What the input is, where it is known and is not one column of texts."""
    given, named = train(spec, facts), roles(spec, facts)
    if given is None or named is None:
        return None
    if len(named.inputs) > 1:
        return "pairs of texts"
    column = given.dataset.columns.get(named.inputs[0]) if named.inputs else None
    return f"{column.kind} values" if column is not None and column.kind != "text" else None
