"""What a plan is expected to take, with the basis of the estimate. A function of plan and facts alone."""

from collections.abc import Collection, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from spec import cost
from spec.facts import Facts
from spec.plan import Step


class Estimate(BaseModel):
    """Of the whole job."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    seconds: float
    """Of all steps that are not cached, one after the other, on one CPU core."""
    memory_bytes: int
    """Of the largest step."""
    minimum_seconds: float
    """Of device steps, when a cap cuts all that can be cut: `budget.hours` must cover it."""
    basis: str


def estimate(plan: Sequence[Step], facts: Facts, cached: Collection[str] = ()) -> Estimate:
    """The sum over the plan's steps. `cached`: names of those whose outputs are there already."""
    rows = sum(split.rows for dataset in facts.datasets.values() for split in dataset.splits.values())
    return Estimate(
        seconds=round(sum(step.seconds for step in plan if step.name not in cached), 1),
        memory_bytes=max((step.memory for step in plan), default=0),
        minimum_seconds=minimum(plan),
        basis=f"{len(plan)} steps over sets of {rows:,} rows, in turn on one CPU core at {cost.RATE / 1e9:g} GFLOP/s, {cost.STEP * 1000:g} ms beside the "
        f"arithmetic of an optimizer step, {cost.START:g} s to start a step; {len(cached) or 'none'} of them cached.",
    )


def minimum(plan: Iterable[Step]) -> float:
    """Seconds of device steps that are neither optional nor can be cut, and the floor of training."""
    device = (step for step in plan if step.queue == "gpu" and not step.optional)
    return sum(cost.SLICE if step.divisible else step.seconds for step in device)
