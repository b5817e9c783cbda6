"""Rules about the teacher: it is there where it is needed, it is used, and it speaks of the same rows and classes."""

from collections.abc import Iterator

from spec import rows
from spec.baseline import needs_teacher
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.responses import TeacherResponses
from spec.signature import teachers
from spec.teacher import Teacher
from spec.waiting import pair_key


def one_source(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A teacher is models or signals: exactly one of the two."""
    if spec.teacher is not None and bool(spec.teacher.models) == bool(spec.teacher.signals):
        which = "both models and signals" if spec.teacher.models else "neither models nor signals"
        yield Problem(
            code="teacher_source", message=f"The teacher names {which}; name one of the two.", param="teacher"
        )


def teachers_differ(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """No model is listed twice: an ensemble of one model and itself is that model, and a weight says how much it counts."""
    named = spec.teacher.models if spec.teacher else ()
    for index, id in enumerate(named):
        if id in named[:index]:
            yield Problem(
                code="changes_nothing",
                message=f"{id} is already teacher.models[{named.index(id)}].",
                param=f"teacher.models[{index}]",
                hint="Leave it out; teacher.weights says how much each model counts.",
            )


def weights_match(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """There are as many weights as models."""
    teacher = spec.teacher
    if teacher is not None and teacher.weights != "auto" and len(teacher.weights) != len(teacher.models):
        yield Problem(
            code="weights_count",
            message=f"There are {len(teacher.weights)} weights for {len(teacher.models)} models.",
            param="teacher.weights",
        )


def ensemble_options_matter(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`combine` and `weights` are set only where there are two models or more to combine: a field that changes nothing is refused."""
    teacher = spec.teacher
    if teacher is None or len(teacher.models) > 1:
        return
    if teacher.combine != Teacher.model_fields["combine"].default:
        yield _changes_nothing("teacher.combine", "there is one teacher, and nothing to combine")
    if teacher.weights != "auto" and len(teacher.models) == len(teacher.weights) == 1 and teacher.weights[0] != 1:
        yield _changes_nothing("teacher.weights", "the weight of a single model is divided by itself")


def _changes_nothing(param: str, reason: str) -> Problem:
    return Problem(
        code="changes_nothing", message=f"{param} changes nothing here: {reason}.", param=param, hint="Leave it out."
    )


def teacher_is_used(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A teacher is used by a term of the objective."""
    answers = isinstance(spec.data.responses, TeacherResponses)
    if spec.teacher is not None and not answers and not any(needs_teacher(term) for term in spec.objective):
        yield Problem(
            code="teacher_unused",
            message="No term of the objective asks the teacher.",
            param="teacher",
            hint="Add a soft_targets term, or leave the teacher out.",
        )


def teacher_is_there(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A term that compares with a teacher has one."""
    for index, term in enumerate(spec.objective):
        if spec.teacher is None and needs_teacher(term):
            yield Problem(
                code="teacher_missing",
                message=f"{term.type} needs a teacher, and the job names none.",
                param=f"objective[{index}]",
                hint="Name teacher.models or teacher.signals, or train on labels alone.",
            )


def same_input(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Each teacher takes rows of the shape that the training rows have; another normalisation is applied, and no fault."""
    train = rows.train(spec, facts)
    column = rows.input_column(spec, facts, train) if train else None
    if column is None or column.kind not in ("array", "image", "text"):
        return
    for index, id in enumerate(spec.teacher.models if spec.teacher else ()):
        held = facts.models.get(id)
        if held is not None and held.signature.input.shape != column.shape:
            yield Problem(
                code="shape_mismatch",
                message=f"{id} takes inputs of shape {held.signature.input.shape}, the rows have {column.shape}.",
                param=f"teacher.models[{index}]",
            )


def same_classes(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """All teachers know the same set of classes; another order is mapped, and no fault."""
    held = teachers(spec, facts)
    for index, id in enumerate(spec.teacher.models if spec.teacher else ()):
        mine = facts.models.get(id)
        if mine is None:
            continue
        ours, first = set(mine.signature.output.classes), set(held[0].signature.output.classes)
        if ours != first:
            odd = ", ".join(f'"{name}"' for name in sorted(ours ^ first)[:5])
            yield Problem(
                code="class_mismatch",
                message=f"{id} and the first teacher differ in their classes: {odd}.",
                param=f"teacher.models[{index}]",
            )


def same_output(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Teachers give one class a row, or any number of them, as the rows' labels do (without labels: as the first teacher does)."""
    held = teachers(spec, facts)
    told = [
        (one.reference, found)
        for one in rows.row_sets(spec, facts)
        if (found := rows.several(spec, facts, one)) is not None
    ]
    if not told and held:
        told = [("the first teacher", held[0].signature.output.kind == "multilabel")]
    for index, id in enumerate(spec.teacher.models if spec.teacher and told else ()):
        mine = facts.models.get(id)
        if mine is not None and (mine.signature.output.kind == "multilabel") != told[0][1]:
            given, wanted = ("one class", "any number") if told[0][1] else ("any number of classes", "one")
            yield Problem(
                code="output_mismatch",
                message=f"{id} gives {given} a row, {told[0][0]} {wanted}.",
                param=f"teacher.models[{index}]",
            )


def signals_are_scores(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Signals are a dataset with a column of scores whose classes are named, one a score."""
    signals = rows.signals(spec, facts)
    if signals is None:
        return
    name = signals.dataset.roles.signal
    if name is None:
        message, hint = f"{signals.id} has no column of scores.", "Create the dataset with `signal`, the column's name."
    elif not signals.dataset.classes:
        message, hint = (
            f"{signals.id} does not say whose scores they are.",
            "Create the dataset with `classes`, in order.",
        )
    elif signals.dataset.columns[name].shape != (len(signals.dataset.classes),):
        shape, count = signals.dataset.columns[name].shape, len(signals.dataset.classes)
        message, hint = f"{signals.id} has scores of shape {shape} for {count} classes.", None
    else:
        return
    yield Problem(code="not_signals", message=message, param="teacher.signals", hint=hint)


def signals_match_rows(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Signals have a row for every training row, found by id, or by the row itself where there are no ids."""
    signals, train, named = rows.signals(spec, facts), rows.train(spec, facts), rows.roles(spec, facts)
    if signals is None or train is None or named is None:
        return
    theirs = signals.dataset.roles
    if not (named.id and theirs.id) and not (named.input and theirs.input):
        yield Problem(
            code="signals_ids",
            message=f"Nothing tells which row of {train.reference} a row of {signals.reference} belongs to.",
            param="teacher.signals",
            hint="Give both datasets an id column.",
        )
    pair = facts.pairs.get(pair_key(train, signals))
    if pair is not None and pair.unmatched:
        yield Problem(
            code="signals_rows",
            message=f"{signals.reference} has no scores for {pair.unmatched:,} of {train.facts.rows:,} training rows.",
            param="teacher.signals",
        )


RULES = (
    one_source, teachers_differ, weights_match, ensemble_options_matter, teacher_is_used, teacher_is_there,
    same_input, same_classes, same_output, signals_are_scores, signals_match_rows,
)  # fmt: skip
