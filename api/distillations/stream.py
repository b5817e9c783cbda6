"""Live streams of events: one LISTEN connection a process wakes every stream whose job has something new."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

import psycopg
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import make_url
from starlette.routing import Match
from starlette.types import Scope

from models.event import CHANNEL

log = structlog.get_logger(__name__)
RETRY = 1.0  # seconds until a lost connection is tried again; meanwhile streams look for themselves as often
IDLE = 15.0  # seconds after which a stream looks for itself although nothing was heard


class Hub:
    """Who waits for which job. A wake-up may be lost (the connection broke): waiters look for themselves, too."""

    def __init__(self, url: str) -> None:
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.closing = False
        self._listens = False

    @contextmanager
    def listening(self, job: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job has something new, and when the process is about to end."""
        bell = asyncio.Event()
        self._waiting[job].add(bell)
        try:
            yield bell
        finally:
            self._waiting[job].discard(bell)
            if not self._waiting[job]:
                del self._waiting[job]

    async def heard(self, bell: asyncio.Event) -> None:
        """Returns when there may be something new."""
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), IDLE if self._listens else RETRY)

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                log.warning("listen_lost", error=str(error))
            self._turn(listens=False)
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="stillhouse-events"
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._turn(listens=True)
            async for notice in connection.notifies():
                self._wake(notice.payload)

    def _turn(self, *, listens: bool) -> None:
        """What was told while nobody listened is lost: everybody looks once."""
        self._listens = listens
        for job in self._waiting:
            self._wake(job)

    def _wake(self, job: str) -> None:
        for bell in self._waiting.get(job, ()):
            bell.set()

    def close(self) -> None:
        """Ends all streams; their clients come back with Last-Event-ID."""
        self.closing = True
        for job in self._waiting:
            self._wake(job)


@asynccontextmanager
async def hub_of(app: FastAPI) -> AsyncIterator[None]:
    """Runs the hub beside the application. Streams end at SIGTERM: uvicorn waits for them before it shuts down."""
    hub = app.state.hub = Hub(app.state.settings.database_url)
    task = asyncio.create_task(hub.run())
    with _heard(signal.SIGTERM, hub), _heard(signal.SIGINT, hub):
        yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@contextmanager
def _heard(number: signal.Signals, hub: Hub) -> Iterator[None]:
    """Closes the hub at a signal, then does what was to be done."""
    before, loop = signal.getsignal(number), asyncio.get_running_loop()

    def handle(signum: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(hub.close)
        if callable(before):
            before(signum, frame)

    try:
        signal.signal(number, handle)
    except ValueError:  # not the main thread: whoever runs us ends us in another way
        yield
        return
    yield
    signal.signal(number, before)


class LiveRoute(APIRoute):
    """Shares its path with a plain list; it is the one meant by `Accept: text/event-stream` or `?stream=true`."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found = super().matches(scope)
        return found if scope["type"] == "http" and wants_stream(scope) else (Match.NONE, {})


def wants_stream(scope: Scope) -> bool:
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return b"text/event-stream" in accepted or b"stream=true" in scope["query_string"].split(b"&")
