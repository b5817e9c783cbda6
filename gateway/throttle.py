"""How fast an endpoint is called: limits that all workers share through Redis, and a concurrency that follows refusals.

Redis holds counters only. Where it does not answer, each worker keeps to its own window, and the endpoint's refusals do the rest.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import ceil
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.retry import ASKED, pause

CONCURRENCY = 32
"""Calls in flight, where nobody has said otherwise."""
BURST = 1000
"""Milliseconds by which calls may come before their time: a rate is no metronome."""
PLACE = 15.0
"""Seconds that a place in flight is held without a word: those of a worker that was killed are free after it."""
SILENT = 5.0
"""Seconds without a try after Redis has failed."""
FIRST, LONGEST, SHARE = 0.004, 0.05, 0.125
"""Until a place is asked for again, and twice that at most: this share of the seconds since the line has last moved, times the places that are short,
between two bounds in seconds. So whoever is next asks soon, and a place that has become free stands empty for a small part of a call."""
STANDS = 0.5
"""Seconds that others let a job pass that has asked for a place, and not asked again."""

# Requests and tokens by the generic cell rate algorithm: a key holds the time at which the next call is due. A refusal holds all.
# Of places, who waits says how many it holds, and since when it stands: of those that are free whoever holds more leaves it as many as both would
# hold alike, and whoever holds as many but came later one. So jobs come to hold as many as each other, and where that is one or none take turns.
ADMIT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local held = redis.call('PTTL', KEYS[4])
if held > 0 then return held end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local short = redis.call('ZCARD', KEYS[1]) + 1 - tonumber(ARGV[2])
local mine, came = tonumber(ARGV[9]), now
local place = redis.call('HGET', KEYS[5], ARGV[8])
if place then
  local stands, since = string.match(place, '(%d+) %d+ (%d+)')
  if tonumber(stands) >= now then came = tonumber(since) end
end
local line = redis.call('HGETALL', KEYS[5])
for i = 1, #line, 2 do
  local stands, held, since = string.match(line[i + 1], '(%d+) (%d+) (%d+)')
  held, since = tonumber(held), tonumber(since)
  if tonumber(stands) < now then redis.call('HDEL', KEYS[5], line[i])
  elseif line[i] ~= ARGV[8] and held < mine then short = short + mine - held
  elseif line[i] ~= ARGV[8] and held == mine and since < came then short = short + 1 end
end
if short > 0 then
  redis.call('HSET', KEYS[5], ARGV[8], string.format('%.0f %d %.0f', now + tonumber(ARGV[10]), mine, came))
  redis.call('PEXPIRE', KEYS[5], tonumber(ARGV[10]) * 2)
  return -short
end
local due = {}
for i, cost in ipairs({1, tonumber(ARGV[6])}) do
  local limit = tonumber(ARGV[3 + i])
  if limit > 0 then
    local at = math.max(now, tonumber(redis.call('GET', KEYS[1 + i]) or '0'))
    if at - now > tonumber(ARGV[7]) then return math.ceil(at - now - tonumber(ARGV[7])) end
    due[i] = at + cost * 60000 / limit
  end
end
for i, at in pairs(due) do redis.call('SET', KEYS[1 + i], at, 'PX', math.ceil(at - now) + 60000) end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]) * 2)
redis.call('HDEL', KEYS[5], ARGV[8])
return 0
"""
# A hold that stands is never shortened: another call may have been told to come back sooner.
HOLD = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""
# Places that are still there are held on.
RENEW = """
local t = redis.call('TIME')
local due = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', due, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]) * 2)
"""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one endpoint; 0: none."""

    concurrency: int = CONCURRENCY
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    seconds: float = 120.0
    """Of one call."""
    stream_idle: float | None = None
    """Seconds without a byte of a streamed reply; None: no reply is streamed."""


class Throttle:
    """One endpoint, as one step's calls see it. `name`: the same in all workers.

    One call of a step asks to be admitted at a time, and the next one once that is: they go in the order in which they came. So one that waits for a
    place or for its tokens holds up all behind it, smaller ones too, and a step begins no more calls a second than questions to Redis have replies one
    after the other (thousands on one machine, 1 / the round trip elsewhere).
    """

    def __init__(self, redis: Redis | None, name: str, limits: Limits) -> None:
        self._redis, self._limits = redis, limits
        self._keys = [f"endpoint:{name}:{part}" for part in ("flight", "requests", "tokens", "hold", "line")]
        self._self = uuid4().hex
        self._window = float(limits.concurrency)
        self._flying = 0
        self._freed = asyncio.Condition()
        self._held_until = 0.0
        self._refusals = 0
        """In a row; those of calls that were in flight together are one."""
        self._refused_since = 0.0
        self._over = asyncio.Event()
        self._door = asyncio.Lock()
        """Who has it asks for a place; the others wait for it in the order in which they came."""
        self._room = asyncio.Event()
        """A place of ours has become free."""
        self._silent_until = 0.0
        self._places: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None

    @property
    def concurrency(self) -> int:
        """The most calls that may ever be in flight."""
        return self._limits.concurrency

    @property
    def counts_tokens(self) -> bool:
        return self._limits.tokens_per_minute > 0

    @property
    def window(self) -> float:
        """Calls that may be in flight now."""
        return self._window

    @property
    def refusing(self) -> float:
        """Seconds for which the endpoint has done nothing but refuse."""
        return time.monotonic() - self._refused_since if self._refusals else 0.0

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[None]:
        """Waits until a call of about so many tokens may be made, and holds its place until it is done. Once all is over nobody waits."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._flying < max(1, int(self._window)))
            self._flying += 1
        member = uuid4().hex
        try:
            async with self._door:
                await self._admission(member, tokens)
            yield
        finally:
            try:
                await self._left(member)  # before ours is free: who comes next would find all places taken
            finally:
                async with self._freed:
                    self._flying -= 1
                    self._freed.notify(2)  # one for this place, one for a window that has grown

    def end(self) -> None:
        """No more calls: whoever waits for a turn has it, to find that out."""
        self._over.set()
        self._room.set()

    def went_well(self) -> None:
        """One more call in flight for each window of calls that were answered."""
        self._window = min(float(self._limits.concurrency), self._window + 1 / max(self._window, 1.0))
        self.not_refused()

    def not_refused(self) -> None:
        """A call was taken, whatever has become of it: the next refusal is the first of a row."""
        self._refusals = 0

    async def refused(self, asked: float | None) -> None:
        """The endpoint has too much: half as many from now on, and nobody calls for the seconds that it asks for; twice as long with each refusal of
        a row, where it asks for less."""
        wait, now = asked or 0.0, time.monotonic()
        if now >= self._held_until:  # else the call was in flight when the refusal came that all wait for
            self._refused_since = self._refused_since if self._refusals else now
            self._window = max(1.0, self._window / 2)
            wait = max(wait, pause(self._refusals, None))
            self._refusals += 1
        await self.hold(wait)

    async def hold(self, seconds: float) -> None:
        """Nobody calls meanwhile, in no worker that Redis reaches."""
        seconds = min(seconds, ASKED)
        self._held_until = max(self._held_until, time.monotonic() + seconds)
        if seconds > 0 and (redis := self._shares) is not None:
            try:
                await redis.eval(HOLD, 1, self._keys[3], ceil(seconds * 1000))
            except (RedisError, OSError):
                self._silence()

    @property
    def _shares(self) -> Redis | None:
        """None: each worker keeps to its own."""
        return self._redis if time.monotonic() >= self._silent_until else None

    async def _admission(self, member: str, tokens: int) -> None:
        """Asks until the call may be made, or all is over."""
        short, moved = 0.0, time.monotonic()
        while not self._over.is_set():
            self._room.clear()
            wait, news = await self._admitted(member, tokens), self._over
            if not wait:
                return
            if wait < 0:
                now = time.monotonic()
                short, moved = wait, moved if wait == short else now
                again = min(max(FIRST, SHARE * (now - moved)) * -short, LONGEST)
                wait, news = again * random.uniform(1, 2), self._room
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), wait)

    async def _admitted(self, member: str, tokens: int) -> float:
        """Seconds until it is worth another try; 0: the call may be made; below 0: so many places are short."""
        held, redis = self._held_until - time.monotonic(), self._shares
        if held > 0 or redis is None:
            return max(0.0, held)
        limits = self._limits
        arguments: list[str | int] = [
            member, limits.concurrency, int(PLACE * 1000), limits.requests_per_minute,
            limits.tokens_per_minute, tokens, BURST, self._self, len(self._places), int(STANDS * 1000),
        ]  # fmt: skip
        try:
            wait = int(await redis.eval(ADMIT, len(self._keys), *self._keys, *arguments))
        except (RedisError, OSError) as error:
            log.warning("limits_not_shared", error=repr(error))
            self._silence()
            return 0.0
        if not wait:
            self._places.add(member)
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._renew())
        return wait if wait < 0 else wait / 1000

    async def _renew(self) -> None:
        """Until no call is in flight."""
        await asyncio.sleep(PLACE / 3)
        while self._places and self._redis is not None:
            try:
                await self._redis.eval(RENEW, 1, self._keys[0], int(PLACE * 1000), *self._places)
            except (RedisError, OSError):
                self._silence()
            await asyncio.sleep(PLACE / 3)

    async def _left(self, member: str) -> None:
        self._places.discard(member)
        if (redis := self._shares) is not None:
            try:
                await redis.zrem(self._keys[0], member)
            except (RedisError, OSError):
                self._silence()
        self._room.set()

    def _silence(self) -> None:
        self._silent_until = time.monotonic() + SILENT
