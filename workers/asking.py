"""The gateway of one attempt: its child asks a teacher through a socket in the run folder, and everything that costs money happens here.

A thread with an event loop of its own, from before the child starts until after it has ended.
"""

import asyncio
import os
import threading
import time
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.typing import FilteringBoundLogger

from gateway.call import Endpoint as Called
from gateway.claims import Claims
from gateway.client import Client
from gateway.courier import Courier
from gateway.desk import Desk
from gateway.front import Front, trouble
from gateway.seal import Unsealable
from gateway.socket import Conversation
from gateway.throttle import Limits, Throttle
from models import endpoint, scribe
from models.endpoint import Endpoint
from models.job import Intent
from models.project import Project
from models.start import Work
from settings import Settings
from spec.gateway import LONGEST
from spec.params import ASKING
from spec.problem import Problem
from spec.run import GATEWAY
from workers.books import LedgerBook, Lost
from workers.callee import Params, form, limits_of, opened, unholdable
from workers.claim import Ledger
from workers.heartbeat import Heartbeat

LOOK = 0.1
"""Seconds between two looks at calls in flight, once nothing more is asked."""
SILENT = 1.0
"""Seconds that these take before the job says so."""


class Asking:
    """Runs as long as the `with` block. `problem`: why the endpoint could not be opened, or is given up."""

    def __init__(
        self, ledger: Ledger, settings: Settings, work: Work, run: Path, heartbeat: Heartbeat, stopping: threading.Event
    ) -> None:
        """`stopping`: the worker itself is to end."""
        self._ledger, self._settings, self._work, self._run, self._heartbeat = ledger, settings, work, run, heartbeat
        self._stopping = stopping
        self.problem: Problem | None = None
        self._over = self._unbooked = False
        self._taking: Front | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run_loop,), name=f"gateway-{work.grip.step}", daemon=True
        )
        self._log: FilteringBoundLogger = structlog.get_logger(__name__)

    @property
    def stopped(self) -> bool:
        """Whether the child was told that nothing more is answered. From any thread."""
        return self._taking is not None and self._taking.stopped is not None

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
        except Exception as error:  # noqa: BLE001  # whatever it was, it is logged, and the step's failure says so
            self._log.exception("gateway_failed")
            self.problem = self.problem or trouble(error, "The gateway failed.")
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
        ending = self._ending
        book = LedgerBook(self._ledger, self._work, row.id, self._lost)
        throttle = Throttle(redis, f"{self._work.project}:{row.id}", limits)
        spoke, ended = asyncio.Event(), asyncio.Event()

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if spoke.is_set():  # one child, one conversation
                writer.close()
                return
            spoke.set()
            talk = Conversation(reader, writer)
            front = self._front(params, row, book, client, called, throttle, redis, talk)
            hanging = asyncio.create_task(_hang_up(front, ending))
            self._taking = front
            try:
                await talk.listen(front.take)
            except Lost:
                self._log.warning("gateway_lost")
            except Exception as error:  # noqa: BLE001  # whatever it was, the child and the step hear of it
                self._log.exception("questions_failed")
                await front.give_up(error, "A question could not be taken.")
            finally:
                hanging.cancel()
                try:
                    await self._close(front, limits.seconds)
                finally:
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

    def _front(
        self, params: Params, row: Endpoint, book: LedgerBook, client: Client, called: Called, throttle: Throttle,
        redis: Redis, talk: Conversation,
    ) -> Front:  # fmt: skip
        """Who takes the child's questions: call by call, or by batches."""
        how, most = form(params, row), self._work.context.get("questions")
        if not self._work.context.get("batch"):
            return Desk(
                form=how, book=book, client=client, endpoint=called, throttle=throttle, tell=talk.tell, most=most,
                claims=Claims(redis, self._work.project, book.held, how.samples),
            )  # fmt: skip
        how = replace(how, price=how.price and how.price.in_batches())
        return Courier(
            form=how, book=book, client=client, endpoint=called, tell=talk.tell, most=most,
            seconds=self._settings.batch_seconds, folder=str(self._settings.scratch),
        )  # fmt: skip

    async def _close(self, front: Front, seconds: float) -> None:
        """Whatever goes wrong while calls are seen out, those in flight are booked."""
        try:
            await self._see_out(front, seconds)
        finally:
            try:
                await front.close(0.0 if self._lost() else self._settings.stop_seconds, cancelled=self._cancelled)
            finally:
                self.problem, self._unbooked = front.stopped, front.unbooked

    async def _see_out(self, front: Front, seconds: float) -> None:
        """Waits for calls in flight for as long as one may take: they are paid for, and who asks again pays again. Not where the worker is to end, the job is
        cancelled or the step lost: there closing has its own patience."""
        front.end()
        began, told = time.monotonic(), False
        while front.flying and not (self._cancelled or self._stopping.is_set() or self._lost()):
            waited = time.monotonic() - began
            if waited >= seconds:
                return
            if waited >= SILENT and not told:
                told = True
                await self._say(
                    f"Stopping: {front.flying} calls are in flight and waited for, {seconds:.0f} s at most."
                )
            await asyncio.sleep(LOOK)

    async def _say(self, text: str) -> None:
        """An event of the step, where it can be written now."""
        try:
            await asyncio.to_thread(self._ledger, scribe.say, self._work.grip, text)
        except Exception as error:  # noqa: BLE001  # whatever it was: calls are in flight, and are seen out unsaid
            self._log.warning("not_said", error=str(error))

    @property
    def _cancelled(self) -> bool:
        return self._heartbeat.pulse.intent is Intent.CANCEL

    def _lost(self) -> bool:
        """The step is somebody else's, or its lease is over: what is set aside is then booked by whoever takes it back."""
        self._over = self._over or self._heartbeat.lost or time.monotonic() >= self._heartbeat.until
        return self._over


async def _hang_up(front: Front, ending: asyncio.Event) -> None:
    await ending.wait()
    await front.hang_up()


def _known(session: Session, project: str, id: str) -> tuple[Endpoint | None, float | None]:
    """The endpoint, and the project's cap of a month."""
    cap = session.scalar(select(Project.usd_per_month).where(Project.id == project))
    return session.scalars(endpoint.one(project, id)).one_or_none(), cap
