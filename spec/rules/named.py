"""Rules about what the job names: it exists, was inspected without fault, and has the splits that are asked for."""

from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.nearest import suggestion
from spec.problem import Problem
from spec.waiting import references


def exists(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Every model, endpoint, dataset and file that the job names exists in the project."""
    made = {**facts.datasets, **facts.models, **facts.endpoints, **facts.tokenizers}
    known = {**made, **facts.processing, **facts.failed}
    for id, param in references(spec):
        if id not in known:
            yield Problem(code="not_found", message=f"There is no {id} in this project.", param=param)


def inspected(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """What was inspected and found bad is refused, with the reason, file and line that inspection gave."""
    for id, param in references(spec):
        if id in facts.failed:
            found = facts.failed[id]
            yield found.model_copy(update={"param": param, "message": f"{id} cannot be used: {found.message}"})


def has_split(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A dataset has the split that is named, or one that is meant where none is named."""
    for param, reference in _row_references(spec):
        id, split = rows.divide_reference(reference)
        part = param.rpartition(".")[2]
        if id in facts.datasets and rows.find(part, reference, facts) is None:
            yield Problem(
                code="no_such_split",
                message=f'{id} has no split "{split}".' if split else f"{id} has several splits, and none is named.",
                param=param,
                hint=suggestion(split or "", facts.datasets[id].splits),
            )


def _row_references(spec: Distillation) -> Iterator[tuple[str, str]]:
    for part in ("train", "heldout", "validation"):
        value = getattr(spec.data, part)
        if isinstance(value, str) and value != "auto":
            yield f"data.{part}", value
    if spec.teacher and spec.teacher.signals:
        yield "teacher.signals", spec.teacher.signals


RULES = (exists, inspected, has_split)
