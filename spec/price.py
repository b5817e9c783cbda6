"""What a plan is expected to take, with the basis of the estimate. A function of plan and facts alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from spec import cost
from spec.bill import able
from spec.bills import WHY, bills
from spec.distillation import Distillation
from spec.facts import Facts
from spec.money import dollars
from spec.passages import rates
from spec.problem import Problem
from spec.step import Step

LOW, HIGH = 0.7, 1.5
"""Of what devices are expected to cost."""


class Dollars(BaseModel):
    """US dollars, with an interval: of what the endpoint has counted before, as few calls tell; else wider, since other texts than the probe's prose have other tokens."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    low: float
    expected: float
    high: float
    minimum: float
    """`budget.usd` must cover it: held-out answers at their bounds and a floor of training answers, each as long as `max_tokens` allows (where there is a
    judge, all answers), and devices for what cannot be cut. Of few rows it may be above `high`."""
    answers: float
    """Of the expected: calls to the endpoint."""
    answers_low: float
    answers_high: float
    devices: float
    """Of the expected: workers that have a price."""


class Estimate(BaseModel):
    """Of the whole job."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    seconds: float
    """Of all steps that are not cached, one after the other, on one CPU core."""
    memory_bytes: int
    """Of the largest step."""
    minimum_seconds: float
    """Of device steps, when a cap cuts all that can be cut: `budget.hours` must cover it."""
    usd: Dollars | None = None
    """None: nothing of the job has a price. What was answered before costs nothing, and is not taken off here."""
    basis: str
    """How all of it was reckoned."""
    before_preview: Dollars | None = None
    """`usd` as it was said before a preview, where one has changed it: the report compares the bill with this."""


def estimate(
    plan: Sequence[Step],
    facts: Facts,
    cached: Collection[str] = (),
    *,
    resolved: Distillation | None = None,
    rates: Mapping[str, float] | None = None,
) -> Estimate:
    """The sum over the plan's steps. `cached`: names of those whose outputs are there already; `rates`: dollars an hour by queue."""
    rows = sum(split.rows for dataset in facts.datasets.values() for split in dataset.splits.values())
    usd = priced(plan, facts, cached, resolved, rates or {})
    return Estimate(
        seconds=round(sum(step.seconds for step in plan if step.name not in cached), 1),
        memory_bytes=max((step.memory for step in plan), default=0),
        minimum_seconds=minimum(plan),
        usd=usd,
        basis=f"{len(plan)} steps over sets of {rows:,} rows, in turn on one CPU core at {cost.RATE / 1e9:g} GFLOP/s, {cost.STEP * 1000:g} ms beside the "
        f"arithmetic of an optimizer step, {cost.START:g} s to start a step; {len(cached) or 'none'} of them cached."
        + (_counted(facts, resolved) if resolved is not None and usd is not None and usd.answers else ""),
    )


def _counted(facts: Facts, resolved: Distillation) -> str:
    """By what the tokens of answers are reckoned."""
    found, probe = facts.counted, able(resolved, facts)
    if found is not None:
        return f" Tokens as the endpoint has counted them in {found.calls:,} calls that put this question to these rows, give or take {found.margin:.0%}."
    if probe is not None and rates(probe.passages):
        return " Tokens by what a sample of the rows is made of (prose, other languages, digits, symbols), at the rates at which the endpoint has counted each of these in its probe."
    return " Tokens by usual rates, since the endpoint has not counted any yet: its tokenizer may make several times as many. Another probe has it count some."


def minimum(plan: Iterable[Step]) -> float:
    """Seconds of device steps that are neither optional nor can be cut, and the floor of training."""
    device = (step for step in plan if step.queue == "gpu" and not step.optional)
    return sum(cost.SLICE if step.divisible else step.seconds for step in device)


def priced(
    plan: Sequence[Step],
    facts: Facts,
    cached: Collection[str],
    resolved: Distillation | None,
    rates: Mapping[str, float],
) -> Dollars | None:
    """Answers and new texts by the endpoint's price, devices by the dearest connected worker's."""
    answers = bills(resolved, facts, cached) if resolved is not None else None
    hourly = [
        (rates.get(step.queue, 0.0) / 3600, step) for step in plan if step.queue != "io" and step.name not in cached
    ]
    devices = sum(rate * step.seconds for rate, step in hourly)
    floor = sum(
        rate * (min(cost.SLICE, step.seconds) if step.divisible else step.seconds)
        for rate, step in hourly
        if not step.optional
    )
    if answers is None and not devices:
        return None
    low, expected, high, least = (
        (answers.low, answers.expected, answers.high, answers.minimum) if answers else (0, 0, 0, 0)
    )
    return Dollars(
        low=round(low / 1e6 + LOW * devices, 6),
        expected=round(expected / 1e6 + devices, 6),
        high=round(high / 1e6 + HIGH * devices, 6),
        minimum=round(least / 1e6 + floor, 6),
        answers=round(expected / 1e6, 6),
        answers_low=round(low / 1e6, 6),
        answers_high=round(high / 1e6, 6),
        devices=round(devices, 6),
    )


def uncovered(resolved: Distillation, expected: Estimate) -> Problem | None:
    """Why a cap in dollars cannot be held, with the prices of devices, which no rule knows."""
    cap, least = resolved.budget.usd, expected.usd.minimum if expected.usd else 0.0
    if cap is None or cap >= least:
        return None
    needed = dollars(least, up=True)
    message = f"A cap of {dollars(cap)} does not cover the {needed} that the job needs at least."
    return Problem(
        code="cap_too_small",
        message=message,
        param="budget.usd",
        hint=f"Allow {needed} or more." + (f" {WHY}" if expected.usd and expected.usd.answers else ""),
    )
