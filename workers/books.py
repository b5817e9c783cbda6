"""What desks, couriers and carriers write down, in PostgreSQL."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session, undefer

from gateway.shipment import Shipment
from models import answer, batch, postage, purse, scribe
from models.answer import Kept
from models.batch import Batch, BatchState
from models.claim import Grip
from models.postage import Entry, Parcel, Settlement, Stamped
from models.purse import Lot, Spent
from models.start import Work
from spec.facts import Price
from workers.claim import Away, Ledger

AGAIN = 0.25  # seconds until a transaction is tried again while the database is away
P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Postbook(ABC):
    """What the carrier of batches writes down (gateway/carrier.py). Each call is a transaction of its own."""

    @abstractmethod
    def _patiently(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T: ...

    def note(self, id: str, *, file: str | None = None, remote: str | None = None) -> bool:
        return self._patiently(postage.note, id, file=file, remote=remote)

    def settle(self, id: str, part: Settlement) -> int | None:
        return self._patiently(postage.settle, id, part)

    def end(self, id: str, state: BatchState) -> None:
        self._patiently(postage.close, id, state)

    def lose(self, id: str) -> None:
        self._patiently(postage.lose, id)

    def unlisted(self, id: str) -> None:
        self._patiently(postage.unlisted, id)


def shipment(row: Batch, *, own: bool) -> Shipment:
    return Shipment(
        id=row.id,
        entries=[Entry(*line) for line in row.lines],
        endpoint=row.endpoint,
        price=None if row.price is None else Price.model_validate(row.price),
        own=own,
        since=row.created_at.timestamp(),
        file=row.file,
        remote=row.remote,
        settled=row.settled,
    )


class Lost(Exception):
    """The step is somebody else's, or the worker ends: nobody waits for the database any more."""


class LedgerBook(Postbook):
    """The book of desk and courier in PostgreSQL. What cannot be written now is written later, for as long as the step is ours."""

    def __init__(self, ledger: Ledger, work: Work, endpoint: str, lost: Callable[[], bool]) -> None:
        self._ledger, self._grip, self._project, self._endpoint, self._lost = (
            ledger, work.grip, work.project, endpoint, lost,
        )  # fmt: skip
        self._lots = count(1)

    def settle(self, id: str, part: Settlement) -> int | None:
        return self._patiently(_settle, self._grip, id, part)

    def stamp(self, parcel: Parcel) -> Stamped:
        return self._patiently(postage.stamp, self._grip, parcel)

    def under_way(self, place: str) -> list[Shipment]:
        rows = self._patiently(_live, self._project, self._endpoint, place, self._grip.step)
        return [shipment(row, own=row.step == self._grip.step) for row in rows]

    def held(self, digests: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]:
        return self._patiently(answer.held, self._project, tuple(digests))

    def reserve(self, wanted: int, least: int, bound: int) -> Lot:
        return self._patiently(purse.reserve, self._grip, self._endpoint, next(self._lots), wanted, least, bound)

    def commit(self, answers: Sequence[Kept], spent: Spent) -> None:
        self._patiently(_commit, self._grip, self._project, answers, spent)

    def give_back(self) -> None:
        """What is set aside and was not spent."""
        self._patiently(purse.give_back, self._grip, self._endpoint)

    def _patiently(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises Lost."""
        while not self._lost():
            try:
                return self._ledger(work, *args, **kwargs)
            except Away as error:
                log.warning("database_away", error=str(error))
                time.sleep(AGAIN)
        raise Lost


def _commit(session: Session, grip: Grip, project: str, answers: Sequence[Kept], spent: Spent) -> None:
    if answers:
        scribe.answered(session, grip)
    answer.keep(session, project, answers)
    purse.settle(session, grip, project, spent)


def _settle(session: Session, grip: Grip, id: str, part: Settlement) -> int | None:
    if part.kept:
        scribe.answered(session, grip)
    return postage.settle(session, id, part)


def _live(session: Session, project: str, endpoint: str, place: str, step: str) -> Sequence[Batch]:
    return session.scalars(batch.live(project, endpoint, place, step).options(undefer(Batch.lines))).all()
