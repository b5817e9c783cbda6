"""What a report says of its job beside its figures: names, costs by step, warnings. It changes no result and is in no key."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.charge import Charge
from models.dataset import Dataset
from models.job import Job, JobKind
from models.model import Model
from models.step import Step
from spec.distillation import Distillation
from spec.params import ASKING
from spec.waiting import references


def told(session: Session, job: Job, steps: Sequence[Step]) -> dict[str, Any]:
    """The run's context, as of now."""
    booked = select(Charge.step, func.sum(Charge.usd)).where(Charge.job == job.id).group_by(Charge.step)
    costs = dict(session.execute(booked).all())
    return {
        "job": {"id": job.id, "name": job.name, "created_at": int(job.created_at.timestamp()), "intent": job.intent},
        "inputs": _names(session, job),
        "steps": [_row(step, costs.get(step.id, 0.0)) for step in steps],
        "warnings": [warning["message"] for warning in job.warnings],
        "bill": _bill(session, job),
    }


def _row(step: Step, usd: float) -> dict[str, Any]:
    return {
        "name": step.name,
        "verb": step.verb,
        "queue": step.queue,
        "state": step.state,
        "seconds": round(step.seconds, 3),
        "usd": round(usd, 6),
        "attempts": step.attempts,
        "cached": step.cached_from is not None,
        "cut": step.cut,
        "step": step.summary.get("step"),
        "reason": step.error["message"] if step.error else None,
    }


def _bill(session: Session, job: Job) -> dict[str, Any] | None:
    """What calls to endpoints have cost so far, beside what was expected before the first of them; None where there were none."""
    sums = (Charge.calls, Charge.input_tokens, Charge.output_tokens, Charge.cached_tokens, Charge.usd)
    found = session.execute(
        select(*(func.coalesce(func.sum(one), 0) for one in sums)).where(Charge.job == job.id, Charge.kind == "calls")
    ).one()
    said = job.estimate or {}
    expected = said.get("before_preview") or said.get("usd")  # of devices that have a price, too
    asks = session.scalar(select(Step.id).where(Step.job == job.id, Step.verb.in_(ASKING)).limit(1))
    if asks is None or (expected is None and not found[0]):
        return None
    names = ("calls", "input_tokens", "output_tokens", "cached_tokens", "usd")
    told = dict(zip(names, (*(int(one) for one in found[:-1]), float(found[-1])), strict=True))
    return told | {"expected": expected, "cap": job.usd}


def _names(session: Session, job: Job) -> dict[str, str]:
    """Id to name of the datasets and models that the job reads."""
    if job.kind != JobKind.DISTILLATION or not job.resolved:
        return {}
    ids = {id for id, _ in references(Distillation.model_validate(job.resolved))}
    named = [select(table.id, table.name).where(table.project == job.project) for table in (Dataset, Model)]
    found = named[0].where(Dataset.id.in_(ids)), named[1].where(Model.id.in_(ids))
    return {id: name for statement in found for id, name in session.execute(statement)}
