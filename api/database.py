"""PostgreSQL as a route sees it: one function, one transaction, one deadline."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from api.errors import Unavailable
from models.base import ALIVE

P = ParamSpec("P")
T = TypeVar("T")
TURNS = 5  # in which the deadline is counted
BUSY = 100  # turns after which a queue that does move is given up, too


class Database:
    """Runs plain sync functions over `Session`, the same that the workers run.

        job = await db(jobs.get, caller.project, id)

    The transaction has been committed when the call returns; if the function raises, it is rolled back and the
    exception comes through. What the function returns must not need the session any more: rows are not expired.
    """

    def __init__(self, url: str, seconds: float) -> None:
        milliseconds = int(seconds * 1000)
        guards = {"statement_timeout": 10 * milliseconds, "idle_in_transaction_session_timeout": 2 * milliseconds}
        self.seconds = seconds
        self._heard = 0  # answers, to statements and commits
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=8,
            max_overflow=8,
            pool_pre_ping=False,
            connect_args={
                "connect_timeout": 2,
                "application_name": "stillhouse-api",
                **ALIVE,
                "options": " ".join(f"-c {name}={value}" for name, value in guards.items()),
            },
        )
        event.listen(self.engine.sync_engine, "after_cursor_execute", self._hear)
        self._session = async_sessionmaker(self.engine, expire_on_commit=False)
        self._running: set[asyncio.Task[object]] = set()

    async def __call__(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work(session, ...)` in one transaction, commits, returns its result.

        Raises Unavailable (503 with Retry-After) if PostgreSQL refuses, is gone, or has answered nobody for the
        deadline: a queue that moves is no outage. A commit whose reply is lost may have landed: only an
        Idempotency-Key makes the retry safe.
        """
        task = asyncio.create_task(self._transaction(work, *args, **kwargs))
        self._running.add(task)
        task.add_done_callback(self._forget)
        if not await self._answered(task):
            # A frozen server answers no cancel either: psycopg waits seconds for one, so nobody waits for psycopg.
            task.cancel()
            raise Unavailable("The database does not answer.", code="database_unavailable")
        try:
            return task.result()
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise Unavailable("The database is not available.", code="database_unavailable") from error
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            raise Unavailable("The database is not available.", code="database_unavailable") from error

    async def _answered(self, task: asyncio.Task[object]) -> bool:
        """Waits for the task as long as PostgreSQL answers anybody; False once it has been silent for the deadline.

        Silence is counted in turns of our own loop, so that a process that was given no time blames nobody else.
        """
        silent = 0
        for _ in range(BUSY):
            heard = self._heard
            if (await asyncio.wait({task}, timeout=self.seconds / TURNS))[0]:
                return True
            silent = silent + 1 if self._heard == heard else 0
            if silent == TURNS:
                return False
        return False

    async def _transaction(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._session() as session, session.begin():
            done = await AsyncSession.run_sync(session, work, *args, **kwargs)
        self._hear()
        return done

    def _hear(self, *_: object) -> None:
        self._heard += 1

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # marked as seen: an abandoned transaction reports to nobody

    async def close(self) -> None:
        """Ends all connections, those of abandoned transactions last."""
        for task in tuple(self._running):
            task.cancel()
        await self.engine.dispose()
