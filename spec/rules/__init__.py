"""What the types of the spec cannot say: functions of (spec, facts) that yield problems, all found at once. A rule whose facts are missing stays silent."""

from collections.abc import Callable, Iterator

from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.rules import (
    choices,
    data,
    endpoint,
    evaluation,
    keep,
    labels,
    named,
    student,
    synthesis,
    teacher,
    terms,
    training,
    warned,
    words,
)  # fmt: skip

Rule = Callable[[Distillation, Facts], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    *named.RULES,
    *teacher.RULES,
    *endpoint.RULES,
    *choices.RULES,
    *keep.RULES,
    *synthesis.RULES,
    *terms.RULES,
    *data.RULES,
    *words.RULES,
    *labels.RULES,
    *student.RULES,
    *training.RULES,
    *evaluation.RULES,
)
WARNINGS: tuple[Rule, ...] = (*warned.RULES, *terms.WARNINGS)


def problems(spec: Distillation, facts: Facts) -> tuple[Problem, ...]:
    """Everything that the job is refused for, as far as facts are known; () means accepted."""
    return tuple(problem for rule in RULES for problem in rule(spec, facts))


def warnings(spec: Distillation, facts: Facts) -> tuple[Problem, ...]:
    """What the user should know though the job goes on."""
    return tuple(problem for rule in WARNINGS for problem in rule(spec, facts))
