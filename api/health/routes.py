"""Health: alive, ready, measured. No key is asked for, and nothing of any project is told."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.bell import Bell
from api.database import Database
from api.deps import Config, Db, Ring, Store
from api.errors import Failure, Unavailable
from api.metrics import CONTENT_TYPE, Gauge, Values, exposition
from models import census
from models.step import Queue
from spec.problem import Problem
from storage import StorageError

router = APIRouter(tags=["health"])
PATIENCE = 2.0  # seconds that storage may take to say that it is there


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Requests can be served. Without the broker they still can: jobs start some seconds later."""

    status: Literal["ready"] = "ready"
    postgres: Literal["up"] = "up"
    storage: Literal["up"] = "up"
    broker: Literal["up", "down"]


@router.get("/healthz", operation_id="get_health")
async def alive() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.get("/readyz", operation_id="get_readiness")
async def ready(db: Db, storage: Store, bell: Ring) -> Ready:
    """Whether PostgreSQL and the storage answer: 503 with the reasons if not."""
    answers = await asyncio.gather(
        complaint("postgres", db(lambda session: session.execute(select(1)).all())),
        complaint("storage", asyncio.wait_for(asyncio.to_thread(storage.check), PATIENCE)),
    )
    problems = [problem for problem in answers if problem is not None]
    if problems:
        raise Unavailable(" ".join(problem.message for problem in problems), code="not_ready", problems=problems)
    return Ready(broker="down" if await bell.lengths([Queue.CPU]) is None else "up")


async def complaint(name: str, asked: Awaitable[object]) -> Problem | None:
    """What is wrong with a thing that we stand on."""
    try:
        await asked
    except TimeoutError:
        return Problem(code=f"{name}_unavailable", message=f"{name} does not answer.")
    except (Failure, StorageError) as error:
        return Problem(code=f"{name}_unavailable", message=f"{name}: {error}")
    return None


@router.get("/metrics", operation_id="get_metrics", response_class=Response)
async def measured(request: Request, db: Db, bell: Ring, config: Config) -> Response:
    """Prometheus: requests and their latencies, jobs and steps by state, queues, workers."""
    return Response(
        request.app.state.requests.exposition() + exposition(await gauges(db, bell, config.lease_seconds)),
        media_type=CONTENT_TYPE,
    )


async def gauges(db: Database, bell: Bell, lease: float) -> list[Gauge]:
    """What there is now; without a database, that there is none."""
    lengths = await bell.lengths(list(Queue))
    found = [Gauge("stillhouse_broker_up", "The broker answers.", (), {(): float(lengths is not None)})]
    if lengths is not None:
        bells: Values = {(queue,): float(length) for queue, length in lengths.items()}
        found.append(Gauge("stillhouse_bells", "Doorbells that no worker has heard yet.", ("queue",), bells))
    try:
        found += await db(counted, lease)
    except Unavailable:
        return [*found, Gauge("stillhouse_postgres_up", "PostgreSQL answers.", (), {(): 0.0})]
    return [*found, Gauge("stillhouse_postgres_up", "PostgreSQL answers.", (), {(): 1.0})]


def counted(session: Session, lease: float) -> list[Gauge]:
    jobs: Values = {(kind, state): float(count) for kind, state, count in session.execute(census.jobs())}
    steps: Values = {(queue, state): float(count) for queue, state, count in session.execute(census.steps())}
    workers = float(session.scalars(census.workers(timedelta(seconds=lease))).one())
    return [
        Gauge("stillhouse_jobs", "Jobs.", ("kind", "state"), jobs),
        Gauge("stillhouse_steps", "Steps that wait for a worker or have one.", ("queue", "state"), steps),
        Gauge("stillhouse_workers", "Workers heard of within a lease.", (), {(): workers}),
    ]
