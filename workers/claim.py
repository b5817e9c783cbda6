"""The worker's transactions: each one short, each one fenced, each one safe to repeat."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from models import claim, finish, lease, scribe, start
from models.base import ALIVE
from models.claim import Grip
from models.event import Line
from models.finish import Outcome, Patience
from models.lease import Pulse
from models.start import Work

P = ParamSpec("P")
T = TypeVar("T")
DEADLOCK = "40P01"


class Away(Exception):
    """The database refuses, is gone, or has dropped our connection. Whether a commit landed is not known: every call is safe to repeat."""


class Ledger:
    """The database as workers see it. No session outlives a call; a call raises Away where it cannot be had at the moment.

    A frozen server keeps a call waiting until it thaws: whoever has a clock to watch must not call from that thread.
    """

    def __init__(self, url: str, *, lease_seconds: float, connections: int) -> None:
        # A frozen worker must not keep its job's lock: the server ends transactions that stand idle.
        guards = "-c idle_in_transaction_session_timeout=2s -c lock_timeout=10s -c statement_timeout=60s"
        arguments = {"options": guards, "application_name": "stillhouse-worker", "connect_timeout": 5, **ALIVE}
        self.engine = create_engine(
            url, pool_size=connections, max_overflow=connections, pool_pre_ping=True, connect_args=arguments
        )
        self.lease_seconds = lease_seconds
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def __call__(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work(session, ...)` in a transaction of its own, and once more if it met a deadlock. Raises Away."""
        try:
            return self._transaction(work, *args, **kwargs)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != DEADLOCK:
                raise _told(error) from error
        try:
            return self._transaction(work, *args, **kwargs)
        except DBAPIError as error:
            raise _told(error) from error

    def _transaction(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._sessions.begin() as session:
            return work(session, *args, **kwargs)

    def claim(self, worker: str, queue: str, memory: int, *, begun: bool) -> Grip | None:
        return self(claim.claim, worker, queue, memory, self.lease_seconds, begun=begun)

    def waits(self, queues: Iterable[str], memory: int) -> set[str]:
        return self(claim.waits, queues, memory)

    def start(self, grip: Grip) -> tuple[Work | None, set[str]]:
        return self(start.start, grip, self.lease_seconds)

    def renew(self, grip: Grip) -> Pulse | None:
        return self(lease.renew, grip, self.lease_seconds)

    def write(self, grip: Grip, lines: Sequence[tuple[int, Line]]) -> bool:
        return self(scribe.write, grip, lines)

    def progress(self, grip: Grip, data: dict[str, Any]) -> None:
        self(scribe.progress, grip, data)

    def checkpoint(
        self, grip: Grip, path: str, number: int, files: dict[str, Any], log: dict[str, Any] | None = None
    ) -> bool:
        return self(scribe.checkpoint, grip, path, number, files, log)

    def finish(self, grip: Grip, outcome: Outcome, patience: Patience) -> set[str]:
        return self(finish.finish, grip, outcome, patience)

    def close(self) -> None:
        self.engine.dispose()


def _told(error: DBAPIError) -> Exception:
    """Away, where trying again may help. A transaction that stood idle too long ends as an InternalError (25P03) of a broken connection."""
    away = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return Away(str(error.orig)) if away else error
