"""What an endpoint has counted of a job's question before: tokens of calls that put it to the same rows, in whichever job of the project."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from models.charge import Charge
from models.step import Step
from spec.counted import Counted
from spec.facts import Facts
from spec.step import Step as Planned

RECENT = 200
"""Charges of the endpoint that are looked through, the newest first."""
FEWEST = 10
"""Calls that tell something."""
ANSWER = "answer"
ROWS = "train/rows.arrow"


def counted(session: Session, project: str, plan: Iterable[Planned], facts: Facts) -> Facts:
    """The facts with what was billed for the question of the plan's `answer` step, if it was asked often enough; in another wording of the
    same job or of other rows it has other tokens."""
    step = next((one for one in plan if one.name == ANSWER), None)
    if step is None or ROWS not in step.inputs:
        return facts
    recent = (
        select(Charge)
        .where(Charge.project == project, Charge.kind == "calls", Charge.endpoint == step.context["endpoint"])
        .order_by(Charge.created_at.desc())
        .limit(RECENT)
        .subquery()
    )
    sums = select(*(func.coalesce(func.sum(recent.c[name]), 0) for name in ("calls", "input_tokens", "output_tokens")))
    same = (
        Step.project == project,
        Step.verb == step.verb,
        Step.inputs[ROWS]["digest"].astext == step.inputs[ROWS].digest,
        _worded(Step.params["question"]) == _worded(cast(literal(step.params["question"], JSONB), JSONB)),
    )
    calls, given, said = session.execute(sums.join(Step, Step.id == recent.c.step).where(*same)).one()
    if calls < FEWEST or given <= 0:
        return facts
    return facts.model_copy(update={"counted": Counted(calls=calls, input=given / calls, output=said / calls)})


def _worded(question: ColumnElement[Any]) -> ColumnElement[Any]:
    """A question without its seed, which asks for fresh samples of the same."""
    return question.op("#-")(cast(["sampling", "seed"], ARRAY(Text)))
