"""Questions whose answers come by calls of batches, until they are told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.failure import CallFailed
from gateway.front import kept_of, told_of
from gateway.reply import Reply
from gateway.spool import Call
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
    _expected: Counter[str] = field(default_factory=Counter)
    """Batches that were sent before, by question; 0: they have come."""
    _parked: dict[str, list[Call]] = field(default_factory=dict)
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

    def expect(self, keys: set[str]) -> None:
        """A batch is under way that has these questions."""
        self._expected.update(keys)

    def came(self, key: str) -> bool:
        """Whether such a batch has come: its answers may be younger than what was looked up before."""
        return self._expected.get(key) == 0

    def park(self, key: str, calls: list[Call]) -> bool:
        """Whether the calls wait, for such a batch."""
        if self._expected.get(key, 0) > 0:
            self._parked[key] = calls
        return key in self._parked

    def unpark(self, keys: set[str]) -> list[Call]:
        """A batch of these questions has come: calls that waited for it, and for no other."""
        self._expected.subtract(keys)
        return [call for key in keys if self._expected[key] <= 0 for call in self._parked.pop(key, ())]

    def add(self, held: Mapping[tuple[str, int], Mapping[str, Any]]) -> None:
        """Answers that were kept meanwhile, by question and sample."""
        for (key, sample), reply in held.items():
            if (one := self.open.get(key)) is not None and sample < self.samples:
                one.have[sample] = Answer.model_validate(reply)

    def lacking(self, calls: Sequence[Call]) -> list[Call]:
        """Those that are still needed; the others bring nothing more."""
        found = [call for call in calls if self._lacks(call.entry)]
        for call in calls:
            if not self._lacks(call.entry):
                self.settle(call.entry.digest)
        return found

    def _lacks(self, entry: Entry) -> bool:
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
