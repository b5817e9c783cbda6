"""Questions whose answers come by calls of batches, until they are told."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.failure import CallFailed
from gateway.front import kept_of, told_of
from gateway.reply import Reply
from models.postage import Entry
from spec.gateway import Answer


@dataclass(kw_only=True)
class Question:
    """`ids`: all that the child calls it; `calls`: those that are still to bring something."""

    ids: list[int]
    have: dict[int, Answer]
    calls: int
    failed: CallFailed | None = None


@dataclass
class Questions:
    """By what finds their answers again. `samples` of each."""

    samples: int
    open: dict[str, Question] = field(default_factory=dict)
    _ready: dict[str, None] = field(default_factory=dict)

    def join(self, key: str, id: int) -> bool:
        """Whether it is asked already: then it is told to both."""
        if (same := self.open.get(key)) is None:
            return False
        same.ids.append(id)
        return True

    def bring(self, entry: Entry, reply: Reply) -> None:
        """Answers of a call, whoever has sent it."""
        if (one := self.open.get(entry.digest)) is not None:
            one.have |= told_of(kept_of(reply, *entry[:3]), entry.first, entry.samples)
            self._look(entry.digest, one)

    def settle(self, key: str, failed: CallFailed | None = None) -> None:
        """One call fewer is to bring something."""
        if (one := self.open.get(key)) is not None:
            one.calls, one.failed = one.calls - 1, failed or one.failed
            self._look(key, one)

    def lacks(self, entry: Entry) -> bool:
        """Whether the call is still needed."""
        one = self.open.get(entry.digest)
        return one is not None and any(i not in one.have for i in range(entry.first, entry.first + entry.samples))

    def ready(self) -> Iterator[Question]:
        """Those that can be told; they are gone then."""
        found, self._ready = list(self._ready), {}
        for key in found:
            yield self.open.pop(key)

    def _look(self, key: str, one: Question) -> None:
        if len(one.have) == self.samples or one.calls <= 0:
            self._ready[key] = None
