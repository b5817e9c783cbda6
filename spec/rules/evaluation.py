"""Rules about what is measured, against whom, and what the cap must leave room for."""

from collections.abc import Iterator
from math import ceil

from spec import cost, rows
from spec.distillation import Distillation
from spec.evaluation import Contract
from spec.facts import Facts
from spec.problem import Problem
from spec.signature import classes


def graders_differ(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """No grader is listed twice."""
    graders = spec.evaluation.graders if spec.evaluation.graders != "auto" else ()
    for index, grader in enumerate(graders):
        if grader in graders[:index]:
            message = f"{grader.type} is already evaluation.graders[{graders.index(grader)}]."
            yield Problem(code="changes_nothing", message=message, param=f"evaluation.graders[{index}]")


def baselines_differ(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """No baseline is listed twice."""
    asked = spec.evaluation.baselines if spec.evaluation.baselines != "auto" else ()
    for index, role in enumerate(asked):
        if role in asked[:index]:
            message = f"{role} is already evaluation.baselines[{asked.index(role)}]."
            yield Problem(code="changes_nothing", message=message, param=f"evaluation.baselines[{index}]")


def no_teacher_has_a_teacher(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The baseline `no_teacher` is asked for only where there is a teacher to do without."""
    asked = spec.evaluation.baselines if spec.evaluation.baselines != "auto" else ()
    for index, role in enumerate(asked):
        if role == "no_teacher" and spec.teacher is None:
            message = "Without a teacher, no_teacher is the job itself."
            yield Problem(code="changes_nothing", message=message, param=f"evaluation.baselines[{index}]")


def all_labels_has_more(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The baseline `all_labels` is asked for only where the job may not see all labels."""
    asked = spec.evaluation.baselines if spec.evaluation.baselines != "auto" else ()
    for index, role in enumerate(asked):
        if role == "all_labels" and spec.data.labelled == 1:
            yield Problem(
                code="all_labels_seen",
                message="The job sees all labels already: data.labelled is 1.",
                param=f"evaluation.baselines[{index}]",
                hint="Leave all_labels out, or set data.labelled.",
            )


def contract_matters(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`contract` asks for retention only of a teacher, and for lift only over a baseline."""
    asked, free = spec.evaluation.contract, Contract()
    if asked.retention != free.retention and spec.teacher is None:
        yield _changes_nothing("evaluation.contract.retention", "there is no teacher to keep anything of")
    compared = spec.evaluation.baselines if spec.evaluation.baselines != "auto" else spec.teacher
    if asked.lift != free.lift and not compared:
        yield _changes_nothing("evaluation.contract.lift", "there is no baseline to gain over")


def _changes_nothing(param: str, reason: str) -> Problem:
    return Problem(
        code="changes_nothing", message=f"{param} changes nothing here: {reason}.", param=param, hint="Leave it out."
    )


def cap_covers_minimum(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`budget.hours` covers what cannot be cut: scoring, one slice of training, grading."""
    known = rows.train(spec, facts) is not None and len(classes(spec, facts)) > 1
    if spec.budget.hours is None or not known:
        return
    needed = cost.minimum(spec, facts)
    if spec.budget.hours * 3600 < needed:
        yield Problem(
            code="cap_too_small",
            message=f"A cap of {spec.budget.hours:g} hours does not cover the {ceil(needed):,} seconds that the job needs at least.",
            param="budget.hours",
            hint=f"Allow {ceil(needed / 36) / 100:g} hours or more.",
        )


RULES = (
    graders_differ, baselines_differ, no_teacher_has_a_teacher, all_labels_has_more, contract_matters, cap_covers_minimum,
)  # fmt: skip
