"""The student's signature: what it takes and what it gives, from the facts of what it learns from."""

from typing import Literal

from spec import rows
from spec.distillation import Distillation
from spec.facts import ColumnFacts, Facts, InputSignature, ModelFacts, OutputKind, OutputSignature, Signature
from spec.responses import TeacherResponses
from spec.student import TextStudent
from spec.teacher import asked


def teachers(spec: Distillation, facts: Facts) -> list[ModelFacts]:
    """Facts of the teachers that are known, in the order of the job."""
    named = spec.teacher.models if spec.teacher else ()
    return [facts.models[id] for id in named if id in facts.models]


def ordered(labels: set[str]) -> tuple[str, ...]:
    """Class names in their natural order: as numbers, if all are whole numbers."""
    try:
        return tuple(sorted(labels, key=int))
    except ValueError:
        return tuple(sorted(labels))


def classes(spec: Distillation, facts: Facts) -> tuple[str, ...]:
    """Class names in order: the choices, the first teacher's, the signals', else the labels of all rows named; () where unknown."""
    responses = spec.data.responses
    if isinstance(responses, TeacherResponses) and responses.choices != "auto":
        return responses.choices
    held = teachers(spec, facts)
    if held:
        return held[0].signature.output.classes
    signals = rows.signals(spec, facts)
    if signals is not None:
        return signals.dataset.classes or ()
    if spec.teacher is not None and not asked(spec.teacher):
        return ()
    return ordered({value for split in rows.row_sets(spec, facts) for value in rows.labels(spec, facts, split)})


def output_kind(spec: Distillation, facts: Facts) -> OutputKind:
    """The first teacher's, else by the label column of the training rows, or of the held-out ones; one class a row where nothing says it."""
    held = teachers(spec, facts)
    if held:
        return held[0].signature.output.kind
    return "multilabel" if any(rows.several(spec, facts, one) for one in rows.row_sets(spec, facts)) else "classes"


def signature(spec: Distillation, facts: Facts) -> Signature:
    """The student's signature. Asserts that the rules found nothing: facts are complete and the input column exists."""
    train = rows.train(spec, facts)
    assert train is not None
    column = rows.input_column(spec, facts, train)
    assert column is not None
    scale, offset = _scaling(spec, facts, column)
    output = OutputSignature(kind=output_kind(spec, facts), classes=classes(spec, facts))
    if isinstance(spec.student, TextStudent):
        return Signature(input=InputSignature(kind="text", shape=column.shape, dtype="str"), output=output)
    kind: Literal["image", "array"] = "image" if column.kind == "image" else "array"
    return Signature(
        input=InputSignature(kind=kind, shape=column.shape, dtype=column.dtype, scale=scale, offset=offset),
        output=output,
    )


Scaling = float | tuple[float, ...]


def _scaling(spec: Distillation, facts: Facts, column: ColumnFacts) -> tuple[Scaling, Scaling]:
    """The first teacher's, so that teachers that differ agree by themselves; else 1/high of unsigned integers."""
    if not isinstance(spec.student, TextStudent) and spec.student.normalise is False:
        return 1.0, 0.0
    held = teachers(spec, facts)
    if held:
        return held[0].signature.input.scale, held[0].signature.input.offset
    if column.dtype.startswith("uint") and column.high:
        return 1.0 / column.high, 0.0
    return 1.0, 0.0
