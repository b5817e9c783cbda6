"""The front of every desk: takes a child's questions, answers at once what was paid for before, and leaves the rest to whoever asks."""

import asyncio
import errno
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from gateway.answer import answered
from gateway.failure import CallFailed, Retryable
from gateway.form import Form
from gateway.reply import Message, Reply
from gateway.retry import HOPELESS, UNSURE
from models.answer import Kept
from models.purse import Cap
from spec.gateway import Answer, Asked, Told
from spec.problem import Problem

TOO_MANY = "too_many_questions"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SPENT: dict[Cap, Problem] = {
    "job": Problem(code="over_budget", message="The cap leaves no money for one more call.", param="budget.usd"),
    "project": Problem(code="month_cap", message="The project's cap of this month leaves no money for one more call."),
}
Tell = Callable[[Told], Awaitable[None]]
"""Sends a reply to the child."""


class Shelf(Protocol):
    """Answers that were paid for before; each call is a transaction of its own, from a thread."""

    def held(self, digests: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]: ...


class Front(ABC):
    """Of one step, on one event loop."""

    def __init__(self, *, form: Form, shelf: Shelf, tell: Tell, most: int | None = None) -> None:
        """`most`: questions that the step may have, one a row; None: not known."""
        self.form, self._shelf, self._tell, self._most, self._taken = form, shelf, tell, most, 0
        self.stopped: Problem | None = None
        """Why nothing more is asked; code `over_budget` where a cap was reached."""
        self._heard = self._ending = False
        """Something was answered, now or before; nothing more is asked."""

    @property
    def unbooked(self) -> bool:
        """Calls were made that could not be booked: what is set aside must be booked as paid."""
        return False

    async def take(self, questions: Sequence[Asked]) -> None:
        """Answers what was paid for before at once, and begins to ask the rest. Of too many questions none is answered."""
        asked = [one for one in questions if not one.whole]
        self._taken += len(asked)
        if self._most is not None and self._taken > self._most:
            message = f"The step's process has put more questions than it has rows ({self._most:,})."
            await self._stop(Problem(code=TOO_MANY, message=message))
            return
        named = [(one.id, [Message(m.role, m.content) for m in one.messages]) for one in asked]
        digests = [self.form.digest_of(messages) for _, messages in named]
        there = await self._look(digests)
        for (id, messages), key in zip(named, digests, strict=True):
            have = dict(there[key])
            if len(have) == self.form.samples:
                await self._answered(id, have)
            else:
                await self._ask(id, messages, key, have)
        if len(asked) < len(questions):
            await self._whole()

    async def _look(self, digests: Sequence[str]) -> Mapping[str, dict[int, Answer]]:
        """What was paid for before, by question and sample."""
        found: dict[str, dict[int, Any]] = {key: {} for key in digests}
        for (key, sample), answer in (await asyncio.to_thread(self._shelf.held, digests)).items():
            if sample < self.form.samples:
                found[key][sample] = answer
        return {key: read(answers) for key, answers in found.items()}

    @abstractmethod
    async def _ask(self, id: int, messages: list[Message], key: str, have: dict[int, Answer]) -> None:
        """Begins to ask what `have` lacks; waits where too much is under way."""

    @abstractmethod
    async def _whole(self) -> None:
        """The child has put its last question."""

    @abstractmethod
    async def hang_up(self) -> None:
        """The child has ended: whoever waits to take a question waits no longer."""

    @property
    def flying(self) -> int:
        """Calls in flight, whose answers are lost where nobody waits for them. What is in a batch is none: another attempt finds it."""
        return 0

    def end(self) -> None:
        """No further call is made. Those in flight go on, and their answers are kept as ever."""
        self._ending = True

    @abstractmethod
    async def close(self, patience: float, *, cancelled: bool = False) -> None:
        """No more questions. What is under way has `patience` seconds to be answered, and what was answered is kept.

        `cancelled`: nobody will come back for what is not answered by then.
        """

    async def give_up(self, error: Exception, what: str) -> None:
        """After an error that nobody foresaw."""
        await self._stop(trouble(error, what))

    async def _answered(self, id: int, have: dict[int, Answer], paid: float = 0.0) -> None:
        self._heard = True
        await self._tell(Told(id=id, answers=tuple(have[i] for i in range(self.form.samples)), paid=paid))

    async def _stop(self, problem: Problem) -> None:
        """Nothing more is asked; the child is told once."""
        if self.stopped is None:
            self.stopped = problem
            await self._tell(Told(stop=problem.code))


def read(answers: Mapping[int, Any]) -> dict[int, Answer]:
    """Answers as they are kept, by sample."""
    return {sample: Answer.model_validate(answer) for sample, answer in answers.items()}


def failed(id: int, error: CallFailed, paid: float = 0.0) -> Told:
    """What says nothing against the question may pass."""
    passing = isinstance(error, Retryable) or error.kind in (*HOPELESS, *UNSURE)
    return Told(id=id, failed=error.kind, message=error.message, passing=passing, paid=paid)


def kept_of(reply: Reply, key: str, first: int, samples: int) -> list[Kept]:
    """The answers of a reply to a call for these samples, as they are kept."""
    answers = [answered(choice) for choice in reply.choices[:samples]]
    return [Kept(digest=key, sample=first + i, reply=one.model_dump()) for i, one in enumerate(answers)]


def told_of(kept: Sequence[Kept], first: int, samples: int) -> dict[int, Answer]:
    """Answers of the samples; where fewer came than were asked for, the rest are empty, and not kept."""
    answers = dict.fromkeys(range(first, first + samples), Answer(text=""))
    return answers | {one.sample: Answer.model_validate(one.reply) for one in kept}


def trouble(error: Exception, what: str) -> Problem:
    """What an error that nobody foresaw means for the job: on a full disk it waits for room."""
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        hint = "Free space; the job then goes on."
        return Problem(code="disk_full", message=f"The disk is full ({error}).", hint=hint)
    return Problem(code="internal", message=what)


def exceeded(cost: int, bound: int) -> Problem:
    """A price that is wrong."""
    message = f"A call was billed ${cost / 1e6:.6f}, and could cost ${bound / 1e6:.6f} at most by the endpoint's price."
    return Problem(code="bill_exceeded", message=message)
