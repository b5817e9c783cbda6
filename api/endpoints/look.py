"""A look at an endpoint: which models it lists, and what those can do that are meant."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.endpoints.guess import likely
from gateway.call import Endpoint as Called
from gateway.client import Client
from gateway.failure import CallFailed, Retryable
from gateway.front import SPENT
from gateway.meter import Meter
from gateway.probe import models as listed
from gateway.probe import probe
from gateway.purse import Broke
from gateway.subject import NOTHING, SHORT, Subject
from spec.facts import Capabilities
from spec.passages import PROSE
from spec.problem import Problem

SECONDS = 30.0
"""Of one call of a probe."""
WHOLE = 50.0
"""Of a look, in seconds: a client that waits a minute gets its reply, and has no reason to ask for another look."""
AT_ONCE = 4
"""Models that are looked at, each by up to six calls in flight, and all together by as many as the endpoint's limit allows."""
REFUSED = ("bad_request", "forbidden", "not_found")
"""Failures that another model may not have."""
UNLISTED = ("bad_request", "not_found")
"""Refusals of a list that say that there is none."""
GUESSED = 8
"""Models that are tried where nobody has named one, and that are named to choose from."""
PASSED = (*REFUSED, "unpaid", "server_error")
"""Failures after which the next one is tried."""
BROKE = SPENT["project"].model_copy(
    update={
        "param": "model",
        "hint": "Raise the project's usd_per_month, or wait for the next month; then probe it again.",
    }
)
"""Its `param` is `model`, as the endpoint itself is none the worse."""


@dataclass(frozen=True)
class Target:
    """What a look calls; holds the key in the open, and lives as long as the look."""

    called: Called
    private: bool
    concurrency: int
    """Calls in flight, of this look; those of jobs and other looks are not counted."""
    probed: Mapping[str, Capabilities]
    """Models that were looked at before."""
    meter: Meter = field(default_factory=Meter)


@dataclass
class Seen:
    """What came of a look, as far as it went."""

    models: tuple[str, ...] | None = None
    """None: it does not tell now which it has."""
    probed: dict[str, Any] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    """Models that were refused while another answered."""
    problem: Problem | None = None
    """The first one. Its `param` is `model` where another model answered, or may, and where this one did, but not all of it was seen."""


@dataclass(frozen=True)
class Looking:
    """A look under way: what it calls, until when, and what has come of it."""

    found: Target
    client: Client
    until: float
    places: asyncio.Semaphore
    seen: Seen
    failed: dict[str, CallFailed]
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def at(self, name: str) -> None:
        """At one model."""
        found, before = self.found, self.found.probed.get(name, NOTHING)
        subject = Subject(
            client=self.client, endpoint=found.called, model=name, before=before, until=self.until, places=self.places, meter=found.meter,
        )  # fmt: skip
        try:
            async with self.room:
                able = await probed(subject)
        except CallFailed as error:
            self.failed[name] = error
        except Broke:
            pass  # told once, of all models
        else:
            self.seen.probed[name] = able.model_dump(mode="json")
            self.failed.update(left(name, able))


async def look(found: Target, model: str | None) -> Seen:
    """The models, and what those can do that are meant: the named one, else all that were probed before, else the first of those that are listed that answers.

    What one model does not answer ends the look at no other. The network's time, WHOLE seconds at most, no database held. Every call is on the
    meter; where that has no money for the plain questions, none is made.
    """
    if not found.meter.affords(len(SHORT.encode()), len(PROSE.encode())):
        return Seen(problem=BROKE)
    seen = await paid(found, model)
    if found.meter.broke:
        seen.problem = BROKE
    return seen


async def paid(found: Target, model: str | None) -> Seen:
    """The same, where the month has money for it."""
    seen, failed, until = Seen(), dict[str, CallFailed](), asyncio.get_running_loop().time() + WHOLE
    async with Client(private=found.private, seconds=SECONDS) as client:
        try:
            seen.models = await listed(client, found.called, until)
        except CallFailed as error:
            named = model or found.probed
            if error.status is None or not (named or error.kind in UNLISTED):
                seen.problem = Problem(code=f"endpoint_{error.kind}", message=error.message, param="url")
                return seen
            seen.models = () if error.kind in UNLISTED else None
        one = Looking(found, client, until, asyncio.Semaphore(found.concurrency), seen, failed).at
        if meant := [model] if model else list(found.probed):
            async with asyncio.TaskGroup() as looks:
                for name in meant:
                    looks.create_task(one(name))
        else:
            await guess(one, seen, failed)
    if seen.probed:
        seen.refused = frozenset(name for name, error in failed.items() if error.kind in REFUSED)
    ordered = {name: failed[name] for name in meant or failed if name in failed}
    seen.problem = problem(ordered, seen, guessed=not meant)
    return seen


async def probed(subject: Subject) -> Capabilities:
    """Raises CallFailed, Broke."""
    try:
        return await probe(subject)
    except TimeoutError as error:
        raise late() from error


def left(name: str, able: Capabilities) -> dict[str, CallFailed]:
    """What is to be said of a model of which not all was seen."""
    more = f", or before its rate limit: {', '.join(able.unseen)} are left, and another probe goes on with them"
    return {name: late(more)} if able.unseen else {}


def late(more: str = "") -> CallFailed:
    return Retryable("timeout", f"not all of it was seen within {WHOLE:g} s{more}", sent=True)


async def guess(one: Callable[[str], Awaitable[None]], seen: Seen, failed: dict[str, CallFailed]) -> None:
    """Looks at listed models, one after the other, until one answers: then nobody has asked for the others."""
    for name in likely(seen.models or ())[:GUESSED]:
        await one(name)
        if name in seen.probed:
            for other in failed.keys() - {name}:
                del failed[other]
            return
        if name not in failed or failed[name].kind not in PASSED:
            return


def problem(failed: Mapping[str, CallFailed], seen: Seen, *, guessed: bool) -> Problem | None:
    """The first failure; `guessed`: nobody has named the model."""
    if failed:
        name, error = next(iter(failed.items()))
        hint = named_of(seen.models or (), len(failed)) if guessed and error.kind in PASSED else None
        param = "model" if hint or seen.probed else "url"
        return Problem(code=f"endpoint_{error.kind}", message=f"{name}: {error.message}", param=param, hint=hint)
    if not seen.probed:
        message, hint = "It lists no models, and none was named.", 'POST it to …/probe: {"model": "…"}.'
        return Problem(code="model_unknown", message=message, param="model", hint=hint)
    return None


def named_of(models: Sequence[str], tried: int) -> str:
    """What to do where none of those that were tried has answered."""
    more = f" and {len(models) - GUESSED:,} more" if len(models) > GUESSED else ""
    listed = f"{', '.join(likely(models)[:GUESSED])}{more}"
    return f"None of the first {tried} of those that are listed has answered ({listed}): name the one that you mean."
