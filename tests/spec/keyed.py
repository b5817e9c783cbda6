"""Keys of a whole plan, as the engine makes them: a step's need is known by its outputs, here named after its key."""

from spec.digest import step_key
from spec.distillation import Distillation
from spec.facts import Facts
from spec.plan import plan
from spec.resolve import resolve
from spec.step import Step
from tests.spec.builders import facts


def steps(job: Distillation, known: Facts | None = None) -> dict[str, Step]:
    known = known or facts()
    return {step.name: step for step in plan(resolve(job, known), known)}


def keys(job: Distillation, known: Facts | None = None, project: str = "prj_1") -> dict[str, str]:
    """Step name to key, were all steps to succeed."""
    found: dict[str, str] = {}
    for name, step in steps(job, known).items():
        needs = {path: f"outputs of {found[other]}" for path, other in (step.needs | step.wants).items()}
        found[name] = step_key(step, project, needs)
    return found
