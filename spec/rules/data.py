"""Rules about rows: columns that are there, sides that do not touch, and something left on each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from spec import rows
from spec.condition import Condition
from spec.distillation import Distillation
from spec.facts import LISTS, Facts, Roles
from spec.nearest import suggestion
from spec.problem import Problem
from spec.rows import RowSet
from spec.student import TextStudent
from spec.waiting import compared, overlap, taken_by

ARRAYS = ("array", "image")
TEXTS = ("text",)
TOLD = 5
"""Unknown values of one list that are told one by one."""


def columns_exist(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Columns that the job names are in the training rows (the label: or in held-out rows of their own), and input, label and id in held-out and validation rows too."""
    named, gold_apart = rows.roles(spec, facts), rows.prompts(spec, facts)
    for one in rows.row_sets(spec, facts) if named else ():
        for role, column in _named(named, "group" if one.part == "train" else None) if named else ():
            if column not in one.dataset.columns and not (role == "label" and one.part == "train" and gold_apart):
                hint = "Set data.columns.id to null: ids serve signals alone." if role == "id" else None
                yield Problem(
                    code="no_such_column",
                    message=f'{one.reference} has no column "{column}".',
                    param=f"data.columns.{role}",
                    hint=suggestion(column, one.dataset.columns) or hint,
                )


def _named(roles: Roles, more: str | None) -> Iterator[tuple[str, str]]:
    """(role, column): input, label, id, and one more role."""
    yield from (("input", column) for column in roles.inputs)
    for role in ("label", "id", more):
        if role is not None and (column := getattr(roles, role)) is not None:
            yield role, column


def input_suits_the_student(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The input is a column of arrays or images; of texts, for a student of texts. So it is in other datasets than the training rows'."""
    train, named = rows.train(spec, facts), rows.roles(spec, facts)
    if train is None or named is None:
        return
    if named.input is None:
        message = f"{train.reference} does not say which column is the input."
        yield Problem(code="input_missing", message=message, param="data.columns.input", hint="Name the column.")
        return
    takes, kinds = ("texts", TEXTS) if isinstance(spec.student, TextStudent) else ("arrays or images", ARRAYS)
    for id, one in {one.id: one for one in reversed(rows.row_sets(spec, facts))}.items():
        for name in named.inputs:
            column, of = one.dataset.columns.get(name), f" of {id}" if id != train.id else ""
            if column is not None and column.kind not in kinds:
                message = f'Column "{name}"{of} holds {column.kind} values; {spec.student.type} takes {takes}.'
                yield Problem(code="input_kind", message=message, param="data.columns.input")


def pairs_are_of_texts(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Two columns are the input only of a student of texts, and they are not one column twice."""
    named = rows.roles(spec, facts)
    if named is None or len(named.inputs) < 2:
        return
    if named.inputs[0] == named.inputs[1]:
        message = f'"{named.inputs[0]}" is named twice: a pair is of two columns.'
        yield Problem(code="input_twice", message=message, param="data.columns.input[1]")
    if not isinstance(spec.student, TextStudent):
        message = f"{spec.student.type} takes one column, and the input has two."
        hint = "Name one of the two, or take a student of texts."
        yield Problem(code="input_kind", message=message, param="data.columns.input", hint=hint)


def group_and_id_are_one_value(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A group or an id is one value a row, in every set of rows that has it."""
    named = rows.roles(spec, facts)
    datasets = {one.id: one.dataset for one in rows.row_sets(spec, facts)} if named else {}
    for (id, dataset), role in product(datasets.items(), ("group", "id")):
        name = getattr(named, role)
        column = dataset.columns.get(name or "")
        if column is not None and column.kind in LISTS:
            message = f'Column "{name}" of {id} holds {column.kind} values, and the {role} is one value a row.'
            yield Problem(code="not_a_scalar", message=message, param=f"data.columns.{role}")


def same_kind_of_rows(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Held-out and validation rows have the shape and number type of the training rows."""
    train = rows.train(spec, facts)
    mine = rows.input_column(spec, facts, train) if train else None
    for one in rows.row_sets(spec, facts):
        theirs = rows.input_column(spec, facts, one)
        if mine and theirs and (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype):
            yield Problem(
                code="shape_mismatch",
                message=f"{one.reference} has {theirs.dtype} {theirs.shape}, the training rows {mine.dtype} {mine.shape}.",
                param=f"data.{one.part}",
            )


def condition_has_one_list(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A condition has exactly one of `among` and `not_among`, and that list is not empty."""
    for index, condition in enumerate(spec.data.where):
        yield from one_list(condition, f"data.where[{index}]")


def one_list(condition: Condition, param: str) -> Iterator[Problem]:
    """The problem of a condition with both lists, neither, or an empty one."""
    given = [values for values in (condition.among, condition.not_among) if values is not None]
    if len(given) != 1 or not given[0]:
        what = "an empty list" if len(given) == 1 else ("both among and not_among" if given else "neither list")
        message = f"The condition on {condition.column} has {what}; give one of among and not_among."
        yield Problem(code="condition_lists", message=message, param=param)


def condition_is_known(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A condition names a column of the training rows and values that it has."""
    train = rows.train(spec, facts)
    for index, condition in enumerate(spec.data.where):
        yield from unknown(condition, f"data.where[{index}]", train)


def unknown(condition: Condition, param: str, train: RowSet | None) -> Iterator[Problem]:
    """Problems of a condition whose column or values the training rows do not have."""
    if train is None:
        return
    if condition.column not in train.dataset.columns:
        yield Problem(
            code="no_such_column",
            message=f'{train.reference} has no column "{condition.column}".',
            param=f"{param}.column",
            hint=suggestion(condition.column, train.dataset.columns),
        )
        return
    if (kind := train.dataset.columns[condition.column].kind) in LISTS:
        message = f'Column "{condition.column}" holds {kind} values, and a condition compares one value a row.'
        yield Problem(code="not_a_scalar", message=message, param=f"{param}.column")
        return
    known = train.dataset.columns[condition.column].values
    for name in ("among", "not_among") if known is not None else ():
        yield from _unknown_values(f"{param}.{name}", condition.column, getattr(condition, name) or (), known or {})


def _unknown_values(param: str, column: str, asked: Sequence[str | int], known: Mapping[str, int]) -> Iterator[Problem]:
    """The first few with their places; the first with the nearest known one, which takes a while to find."""
    unknown = [(place, value) for place, value in enumerate(asked) if str(value) not in known]
    for place, value in unknown[:TOLD]:
        yield Problem(
            code="no_such_value",
            message=f'No row has "{str(value)[:64]}" in column "{column}".',
            param=f"{param}[{place}]",
            hint=suggestion(str(value)[:64], known) if place == unknown[0][0] else None,
        )
    if len(unknown) > TOLD:
        message = f'No row has {len(unknown) - TOLD:,} further values of this list in column "{column}".'
        yield Problem(code="no_such_value", message=message, param=param)


def rows_are_left(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Something is left to train on, and to report about."""
    if rows.train(spec, facts) is None:
        return
    count = rows.counts(spec, facts)
    if count.train <= count.written:
        yield Problem(
            code="no_rows", message="No training row is left after the draws and conditions.", param="data.train"
        )
    apart = isinstance(rows.heldout_choice(spec, facts), str)
    if count.heldout < 1 and not rows.golden(spec) and (not apart or rows.heldout(spec, facts)):
        yield Problem(code="no_rows", message="No held-out row is there to report about.", param="data.heldout")
    chosen = rows.validation_choice(spec)
    if count.validation < 1 and chosen is not None and (isinstance(chosen, float) or rows.validation(spec, facts)):
        yield Problem(code="no_rows", message="No validation row is there to choose by.", param="data.validation")


def sides_do_not_touch(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """No row is on two sides (training, validation, held-out), unless `allow_overlap` says so."""
    if not spec.data.allow_overlap:
        yield from overlapping(spec, facts)


def overlapping(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Every pair of sides that share rows."""
    for first, second in compared(spec, facts):
        shared = overlap(first, second, facts, taken_by(spec, facts, first, second))
        if shared:
            yield Problem(
                code="overlap",
                message=f"{shared:,} of {second.facts.rows:,} rows of {_side(second)} are among those of {_side(first)}.",
                param=f"data.{second.part}",
                hint="Take them out, or set data.allow_overlap, and the report will say so.",
            )


def _side(rows: RowSet) -> str:
    return f"{rows.reference} ({rows.part})"


def jitter_moves(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Jitter shifts, turns or scales: with all three at zero it would change nothing."""
    jitter = spec.data.jitter
    if jitter is not None and not (jitter.pixels or jitter.rotation or jitter.scale):
        yield Problem(
            code="changes_nothing",
            message="The jitter moves nothing: pixels, rotation and scale are all zero.",
            param="data.augment",
        )


def jitter_takes_images(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Only images are jittered: rows of shape (height, width) or (channels, height, width)."""
    train = rows.train(spec, facts)
    column = rows.input_column(spec, facts, train) if train else None
    if spec.data.jitter is not None and column is not None and len(column.shape) not in (2, 3):
        message = f"Jitter moves images, and the rows have shape {column.shape}."
        yield Problem(code="not_images", message=message, param="data.augment")


def jitter_is_scored(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """With a teacher that scores, jitter has a fixed number of `copies`; uploaded signals have scores for no copy."""
    jitter, teacher = spec.data.jitter, spec.teacher
    if jitter is None or teacher is None:
        return
    if teacher.signals is not None:
        message = "The signals have no scores for jittered copies."
        yield Problem(code="jitter_unscored", message=message, param="data.augment", hint="Leave augment out.")
    elif jitter.copies is None:
        yield Problem(
            code="jitter_unscored",
            message="A teacher scores each row once, so a new draw each epoch would have no scores.",
            param="data.augment.copies",
            hint="Set copies, for instance 4.",
        )


RULES = (
    columns_exist, input_suits_the_student, pairs_are_of_texts, group_and_id_are_one_value, same_kind_of_rows, condition_has_one_list, condition_is_known, rows_are_left,
    sides_do_not_touch, jitter_moves, jitter_takes_images, jitter_is_scored,
)  # fmt: skip
