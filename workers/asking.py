"""The gateway of one attempt: its child asks a teacher through a socket in the run folder, and everything that costs money happens here.

A thread with an event loop of its own, from before the child starts until after it has ended.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import structlog
from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.typing import FilteringBoundLogger

from gateway.call import Endpoint as Called
from gateway.claims import Claims
from gateway.client import Client
from gateway.desk import Desk
from gateway.form import Form
from gateway.reply import Sampling
from gateway.seal import Keyring, Sealed, Unsealable
from gateway.socket import Conversation
from gateway.throttle import Limits, Throttle
from models import answer, endpoint, purse
from models.answer import Kept
from models.claim import Grip
from models.endpoint import Endpoint
from models.project import Project
from models.purse import Lot, Spent
from models.start import Work
from settings import Settings
from spec.facts import Capabilities
from spec.gateway import LONGEST
from spec.params import ASKING, AnswerParams, SynthesiseParams
from spec.problem import Problem
from spec.responses import schema
from spec.run import GATEWAY
from workers.claim import Away, Ledger
from workers.heartbeat import Heartbeat

AGAIN = 0.25  # seconds until a transaction is tried again while the database is away
Params = AnswerParams | SynthesiseParams
P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Lost(Exception):
    """The step is somebody else's, or the worker ends: nobody waits for the database any more."""


class LedgerBook:
    """The desk's book in PostgreSQL. What cannot be written now is written later, for as long as the step is ours."""

    def __init__(self, ledger: Ledger, work: Work, endpoint: str, lost: Callable[[], bool]) -> None:
        self._ledger, self._grip, self._project, self._endpoint, self._lost = (
            ledger, work.grip, work.project, endpoint, lost,
        )  # fmt: skip
        self._lots = count(1)

    def held(self, digests: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]:
        return self._patiently(answer.held, self._project, tuple(digests))

    def reserve(self, wanted: int, least: int) -> Lot:
        return self._patiently(purse.reserve, self._grip, self._endpoint, next(self._lots), wanted, least)

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
    answer.keep(session, project, answers)
    purse.settle(session, grip, project, spent)


class Asking:
    """Runs as long as the `with` block. `problem`: why the endpoint could not be opened, or is given up."""

    def __init__(self, ledger: Ledger, settings: Settings, work: Work, run: Path, heartbeat: Heartbeat) -> None:
        self._ledger, self._settings, self._work, self._run, self._heartbeat = ledger, settings, work, run, heartbeat
        self.problem: Problem | None = None
        self._over = self._unbooked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run_loop,), name=f"gateway-{work.grip.step}", daemon=True
        )
        self._log: FilteringBoundLogger = structlog.get_logger(__name__)

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._ending is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _run_loop(self) -> None:
        try:
            asyncio.run(self._serve())
        except Lost:
            self._log.warning("gateway_lost")
        except Exception:  # noqa: BLE001  # whatever it was, it is logged, and the step's failure says so
            self._log.exception("gateway_failed")
            self.problem = self.problem or Problem(code="internal", message="The gateway failed.")
        finally:
            self._opened.set()

    async def _serve(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        params = ASKING[self._work.verb].model_validate(self._work.params)
        id = str(self._work.context["endpoint"])
        row, monthly = await asyncio.to_thread(self._ledger, _known, self._work.project, id)
        if row is None:
            self.problem = Problem(code="endpoint_refuses", message="The endpoint was deleted.")
            return
        if row.known().digest != params.question.endpoint:
            message = f"{row.id} has another URL than when the job was planned: its answers would be another teacher's."
            self.problem = Problem(
                code="endpoint_refuses", message=message, hint="PATCH its URL back, or post the job again."
            )
            return
        if monthly is not None and (why := unholdable(row, params)):
            self.problem = why
            return
        try:
            key = opened(row, self._settings)
        except Unsealable as error:
            self.problem = Problem(code="endpoint_key", message=f"The key of {row.id} cannot be opened: {error}.")
            return
        limits = limits_of(row)
        redis = Redis.from_url(
            self._settings.broker_url.replace("redis+socket://", "unix://", 1),
            socket_timeout=2,
            socket_connect_timeout=2,
        )
        called = Called(row.url, key, "anthropic" if row.wire == "anthropic" else "openai", limits.stream_idle)
        client = Client(private=row.private, seconds=limits.seconds, connections=limits.concurrency)
        try:
            async with client:
                await self._converse(params, row, limits, redis, client, called)
        finally:
            await redis.aclose()

    async def _converse(
        self, params: Params, row: Endpoint, limits: Limits, redis: Redis, client: Client, called: Called
    ) -> None:
        assert self._ending is not None
        book = LedgerBook(self._ledger, self._work, row.id, self._lost)
        throttle = Throttle(redis, f"{self._work.project}:{row.id}", limits)
        spoke, ended = asyncio.Event(), asyncio.Event()

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if spoke.is_set():  # one child, one conversation
                writer.close()
                return
            spoke.set()
            talk = Conversation(reader, writer)
            how = form(params, row)
            desk = Desk(
                form=how, book=book, client=client, endpoint=called, throttle=throttle, tell=talk.tell,
                most=self._work.context.get("questions"), claims=Claims(redis, self._work.project, book.held, how.samples),
            )  # fmt: skip
            try:
                await talk.listen(desk.take)
            finally:
                try:
                    await desk.close(0.0 if self._lost() else self._settings.stop_seconds)
                finally:
                    self.problem, self._unbooked = desk.stopped, desk.till.unbooked
                    talk.close()
                    ended.set()

        folder = os.open(self._run, os.O_RDONLY | os.O_DIRECTORY)  # a socket's path is short, a run folder's is not
        try:
            server = await asyncio.start_unix_server(converse, f"/proc/self/fd/{folder}/{GATEWAY}", limit=LONGEST)
            async with server:
                self._opened.set()
                await self._ending.wait()
                if spoke.is_set():
                    await ended.wait()
            if not self._unbooked and not self._lost():
                await asyncio.to_thread(book.give_back)  # else it is booked as paid, when the step ends
        finally:
            os.close(folder)

    def _lost(self) -> bool:
        """The step is somebody else's, or its lease is over: what is set aside is then booked by whoever takes it back."""
        self._over = self._over or self._heartbeat.lost or time.monotonic() >= self._heartbeat.until
        return self._over


def _known(session: Session, project: str, id: str) -> tuple[Endpoint | None, float | None]:
    """The endpoint, and the project's cap of a month."""
    cap = session.scalar(select(Project.usd_per_month).where(Project.id == project))
    return session.scalars(endpoint.one(project, id)).one_or_none(), cap


def unholdable(row: Endpoint, params: Params) -> Problem | None:
    """Why no cap of a month can be held: calls would be booked at nothing, or have no bound. A job's own cap has rules for it (spec/rules/endpoint.py)."""
    price = row.known().price
    if price is None:
        message = f"The project has a cap of this month, which cannot be held: {row.id} has no price."
        hint = f"PATCH /v1/endpoints/{row.id} with its price, or the project with no usd_per_month; then resume."
        return Problem(code="month_cap", message=message, hint=hint)
    if price.output > 0 and params.question.sampling.max_tokens is None:
        message = "The project has a cap of this month, which cannot be held: sampling.max_tokens is null, so an answer has no bound."
        hint = "Post the job with max_tokens, or PATCH the project with no usd_per_month and resume."
        return Problem(code="month_cap", message=message, hint=hint)
    return None


def opened(row: Endpoint, settings: Settings) -> str | None:
    """The endpoint's key. Raises Unsealable."""
    if row.sealed_by is None or row.sealed is None:
        return None
    try:
        keyring = Keyring.parse(settings.sealing_keys)
    except ValueError as error:
        raise Unsealable("STILLHOUSE_SEALING_KEYS is not set here") from error
    return keyring.open(Sealed(row.sealed_by, row.sealed), project=row.project, endpoint=row.id)


def limits_of(row: Endpoint) -> Limits:
    return Limits(**row.limits)


def form(params: Params, row: Endpoint) -> Form:
    """What all questions of a step have in common, as its params say and the endpoint's row stands now."""
    question, known = params.question, row.known()
    able = known.probed.get(question.model, Capabilities())
    sampling = question.sampling
    return Form(
        endpoint=row.id,
        digest=question.endpoint,
        model=question.model,
        sampling=Sampling(
            temperature=sampling.temperature, top_p=sampling.top_p, max_tokens=sampling.max_tokens, seed=sampling.seed
        ),
        samples=sampling.n,
        several=able.several,
        top_logprobs=question.top_logprobs or None,
        schema=schema(params.classes, several=params.several)
        if isinstance(params, AnswerParams) and params.question.structured
        else None,
        price=known.price,
        tokens_per_byte=able.tokens_per_byte,
    )
