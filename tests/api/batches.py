"""Rows of batches, as a worker's courier leaves them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from models import postage
from models.batch import Batch, BatchState
from spec.ids import new_id
from tests.api.service import Service


@contextmanager
def opened(service: Service) -> Iterator[Session]:
    """One transaction."""
    engine = create_engine(service.postgres.url)
    with Session(engine) as session, session.begin():
        yield session
    engine.dispose()


def sent(service: Service, project: str, job: str, endpoint: str = "ep_words") -> str:
    """The batch of a job that has ended, not fetched yet. Returns its id."""
    row = Batch(
        id=new_id("bat_"), project=project, endpoint=endpoint, place="p", job=job, step="stp_x", fence=1,
        state=BatchState.LEFT, file="file-1", remote="batch_1", lines=[["d", 0, 1, 5]], open=5,
    )  # fmt: skip
    id = row.id
    with opened(service) as session:
        session.add(row)
    return id


def settle(service: Service, id: str) -> None:
    with opened(service) as session:
        postage.close(session, id, BatchState.DONE)


def of_job(service: Service, job: str) -> list[str]:
    with opened(service) as session:
        return list(session.scalars(select(Batch.id).where(Batch.job == job)))
