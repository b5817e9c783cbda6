"""What the teacher is shown in a call: some old texts, and some of its own, drawn by hash."""

import json
from collections.abc import Sequence

import numpy as np

from distill.data.canonical import text_digests
from distill.data.draw import Hashes, salted
from spec.gateway import Message
from spec.params import Request
from spec.template import render

OWN = 4
"""One of so many examples is a new text, once there are enough (Wang et al. 2022, section 2.2: two of eight)."""


class Examples:
    """Draws are a pure function of the seed, the call's number, the old texts, and the new ones before its round."""

    def __init__(self, request: Request, seed: int, old: Sequence[str]) -> None:
        self._request, self._seed = request, seed
        self._old = list(dict.fromkeys(old))
        self._old_digests = _digests(self._old)

    def messages(self, calls: range, new: Sequence[str]) -> list[tuple[Message, ...]]:
        """What each of these calls says; `new`: what was kept before."""
        digests = _digests(new)
        return [(self._message(self._shown(call, new, digests)),) for call in calls]

    def _shown(self, call: int, new: Sequence[str], digests: Hashes) -> list[str]:
        purpose, number = f"synthesise {call}", self._request.examples
        own = min(len(new), number // OWN)
        found = [(mark, new[i]) for mark, i in self._lowest(digests, own, purpose)]
        found += [(mark, self._old[i]) for mark, i in self._lowest(self._old_digests, number - own, purpose)]
        return [text for _, text in sorted(found)]

    def _lowest(self, digests: Hashes, number: int, purpose: str) -> list[tuple[int, int]]:
        """(hash, place) of so many, or of all where there are fewer."""
        hashes = salted(digests, self._seed, purpose)
        least = np.argpartition(hashes, number - 1)[:number] if 0 < number < len(hashes) else np.arange(len(hashes))
        return [(int(hashes[i]), i) for i in least.tolist()] if number else []

    def _message(self, shown: Sequence[str]) -> Message:
        told = render(self._request.instruction, {"count": str(self._request.per_call)})
        listed = ",\n".join(json.dumps(text, ensure_ascii=False) for text in shown)
        return Message(role="user", content=f"{told}\n\n[\n{listed}\n]")


def _digests(texts: Sequence[str]) -> Hashes:
    """(n, 2)."""
    return np.ascontiguousarray(text_digests(texts)).view(np.uint64).reshape(-1, 2)
