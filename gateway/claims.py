"""Which questions are being asked, by whichever job of a project: the first one asks and pays, the others wait for its answers.

A claim lies in Redis under a lease. Where Redis does not answer, or has forgotten it, each job asks for itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

LEASE = 15.0
"""Seconds that a claim holds without a word: those of a worker that was killed are free after it."""
LOOK = 0.5
"""Seconds between two looks at questions that others have claimed."""
LATER = 0.05
"""Seconds that claims which are over wait for others to be given up with."""
TOGETHER = 256
"""Questions of one statement."""
SILENT = 5.0
"""Seconds without a try after Redis has failed."""

# Whoever has a claim takes it again to hold it on. The reply is a character a question: a list would be read item by item.
TAKE = """
local ours = {}
for i, key in ipairs(KEYS) do
  local who = redis.call('GET', key)
  ours[i] = (not who or who == ARGV[1]) and '1' or '0'
  if ours[i] == '1' then redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
end
return table.concat(ours)
"""
GIVE_UP = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""
Held = Mapping[tuple[str, int], dict[str, Any]]
"""(digest, sample) to an answer that was paid for."""
Waiting = asyncio.Future[dict[int, dict[str, Any]]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Seen:
    """One question. `ours`: nobody else asks it, and we may."""

    ours: bool
    answers: dict[int, dict[str, Any]]
    """By sample, of those that are there."""


class Claims:
    """Of one step, on one event loop. `held` looks up answers, in a thread."""

    def __init__(self, redis: Redis | None, project: str, held: Callable[[Iterable[str]], Held], samples: int) -> None:
        self._redis, self._project, self._held, self._samples = redis, project, held, samples
        self._own = uuid4().hex
        self._ours: set[str] = set()
        self._over: set[str] = set()
        self._waiting: dict[str, Waiting] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._silent_until = 0.0
        self._ended = False

    async def look(self, digests: Sequence[str]) -> dict[str, Seen]:
        """Claims questions, then looks at what was answered: whoever had claimed one has kept its answer before."""
        ours = await self._take(digests)
        found: dict[str, Seen] = {digest: Seen(digest in ours, {}) for digest in digests}
        for (digest, sample), answer in (await asyncio.to_thread(self._held, digests)).items():
            if sample < self._samples:
                found[digest].answers[sample] = answer
        return found

    async def elsewhere(self, digest: str) -> dict[int, dict[str, Any]]:
        """What is there of a question that somebody else has claimed, once it is all, or the question is ours. Raises what `held` raises."""
        if self._ended:
            return {}
        waiting: Waiting = asyncio.get_running_loop().create_future()
        self._waiting[digest] = waiting
        self._keep("watch", self._watch)
        try:
            return await waiting
        finally:
            del self._waiting[digest]

    def give_up(self, digest: str) -> None:
        """Its answers are kept, or it is not asked any more."""
        if digest in self._ours:
            self._ours.discard(digest)
            self._over.add(digest)
            self._keep("clear", self._clear)

    def end(self) -> None:
        """Nothing is asked any more: nobody is waited for."""
        self._ended = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result({})

    async def close(self) -> None:
        """Gives up all."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for group in _groups(self._over | self._ours):
            await self._say(GIVE_UP, group)

    def _keep(self, name: str, work: Callable[[], Any]) -> None:
        """One task of a name runs as long as it has something to do."""
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(work())

    async def _take(self, digests: Sequence[str]) -> set[str]:
        """Those that are ours now; all, where nobody can be asked."""
        self._over -= set(digests)
        found = await self._say(TAKE, digests, int(LEASE * 1000))
        ours = {digest for place, digest in enumerate(digests) if found is None or found[place] == ord("1")}
        self._ours |= ours
        if self._redis is not None and ours:
            self._keep("renew", self._renew)
        return ours

    async def _say(self, script: str, digests: Sequence[str], *arguments: int) -> bytes | None:
        """None: Redis does not answer."""
        if self._redis is None or time.monotonic() < self._silent_until:
            return None
        keys = [f"asked:{self._project}:{digest}" for digest in digests]
        try:
            return bytes(await self._redis.eval(script, len(keys), *keys, self._own, *arguments) or b"")
        except (RedisError, OSError) as error:
            log.warning("claims_not_shared", error=repr(error))
            self._silent_until = time.monotonic() + SILENT
            return None

    async def _renew(self) -> None:
        while self._ours:
            await asyncio.sleep(LEASE / 3)
            for group in _groups(self._ours):
                await self._say(TAKE, group, int(LEASE * 1000))

    async def _clear(self) -> None:
        while self._over:
            await asyncio.sleep(LATER)
            for group in _groups(self._over):
                self._over -= set(group)
                await self._say(GIVE_UP, group)

    async def _watch(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LOOK)
                for group in _groups(self._waiting):
                    self._tell(await self.look(group))
        except Exception as error:  # noqa: BLE001  # whatever it was, those who wait must hear of it
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(error)

    def _tell(self, seen: Mapping[str, Seen]) -> None:
        for digest, one in seen.items():
            waiting = self._waiting.get(digest)
            if waiting is None or waiting.done():
                self.give_up(digest)
            elif one.ours or len(one.answers) == self._samples:
                waiting.set_result(one.answers)


def _groups(digests: Iterable[str]) -> list[list[str]]:
    every = list(digests)
    return [every[start : start + TOGETHER] for start in range(0, len(every), TOGETHER)]
