"""The front of every desk: takes a child's questions, answers at once what was paid for before, and leaves the rest to whoever asks."""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from gateway.failure import CallFailed, Retryable
from gateway.form import Form
from gateway.reply import Choice, Message, Reply
from models.answer import Kept
from models.purse import Cap
from spec.gateway import Answer, Asked, Told
from spec.problem import Problem

TOO_MANY = "too_many_questions"
LONGEST_TEXT = 65_536
"""Characters of an answer that are kept."""
PLACES = 32
"""Places of an answer whose likely tokens are kept: names are short."""
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
        held = await asyncio.to_thread(self._shelf.held, digests)
        for (id, messages), key in zip(named, digests, strict=True):
            have = {i: Answer.model_validate(held[key, i]) for i in range(self.form.samples) if (key, i) in held}
            if len(have) == self.form.samples:
                await self._answered(id, have)
            else:
                await self._ask(id, messages, key, have)
        if len(asked) < len(questions):
            await self._whole()

    @abstractmethod
    async def _ask(self, id: int, messages: list[Message], key: str, have: dict[int, Answer]) -> None:
        """Begins to ask what `have` lacks; waits where too much is under way."""

    @abstractmethod
    async def _whole(self) -> None:
        """The child has put its last question."""

    @abstractmethod
    async def hang_up(self) -> None:
        """The child has ended: whoever waits to take a question waits no longer."""

    @abstractmethod
    async def close(self, patience: float, *, cancelled: bool = False) -> None:
        """No more questions. What is under way has `patience` seconds to be answered, and what was answered is kept.

        `cancelled`: nobody will come back for what is not answered by then.
        """

    async def _answered(self, id: int, have: dict[int, Answer]) -> None:
        await self._tell(Told(id=id, answers=tuple(have[i] for i in range(self.form.samples))))

    async def _stop(self, problem: Problem) -> None:
        """Nothing more is asked; the child is told once."""
        if self.stopped is None:
            self.stopped = problem
            await self._tell(Told(stop=problem.code))


def failed(id: int, error: CallFailed) -> Told:
    return Told(id=id, failed=error.kind, message=error.message, passing=isinstance(error, Retryable))


def kept_of(reply: Reply, key: str, first: int, samples: int) -> list[Kept]:
    """The answers of a reply to a call for these samples, as they are kept."""
    answers = [answer(choice) for choice in reply.choices[:samples]]
    return [Kept(digest=key, sample=first + i, reply=one.model_dump()) for i, one in enumerate(answers)]


def told_of(kept: Sequence[Kept], first: int, samples: int) -> dict[int, Answer]:
    """Answers of the samples; where fewer came than were asked for, the rest are empty, and not kept."""
    answers = dict.fromkeys(range(first, first + samples), Answer(text=""))
    return answers | {one.sample: Answer.model_validate(one.reply) for one in kept}


def exceeded(cost: int, bound: int) -> Problem:
    """A price that is wrong."""
    message = f"A call was billed ${cost / 1e6:.6f}, and could cost ${bound / 1e6:.6f} at most by the endpoint's price."
    return Problem(code="bill_exceeded", message=message)


def answer(choice: Choice) -> Answer:
    """As the database and the child can take it: without NUL, within bounds, and log-probabilities that are some."""
    tops = tuple(
        {_clean(token): min(0.0, value) for token, value in place.items() if math.isfinite(value)}
        for place in (choice.top_logprobs or ())[:PLACES]
    )
    text = _clean(choice.text)[:LONGEST_TEXT]
    return Answer(text=text, finish_reason=choice.finish_reason, refused=choice.refused, top_logprobs=tops)


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
