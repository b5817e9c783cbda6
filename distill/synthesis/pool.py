"""The texts that are there, on which side, and what becomes of a new one."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from distill.synthesis.near import Near
from distill.synthesis.rouge import words
from spec.outcomes import Fate


class Pool:
    """New texts are taken one after the other: what is kept decides about those that follow."""

    def __init__(self, similarity: float, wanted: int, heldout: Iterable[str], train: Iterable[str]) -> None:
        self._wanted = wanted
        self._near = {"heldout": Near(similarity, heldout), "train": Near(similarity, train), "new": Near(similarity)}
        self.kept: list[str] = []
        self.fates: Counter[Fate] = Counter()

    @property
    def missing(self) -> int:
        return self._wanted - len(self.kept)

    def take(self, text: str) -> Fate:
        fate = self._fate(text)
        self.fates[fate] += 1
        return fate

    def _fate(self, text: str) -> Fate:
        its_words = words(text)
        if not self.missing:
            return "spare"
        sides: tuple[Literal["heldout", "train", "new"], ...] = ("heldout", "train", "new")
        side = next((side for side in sides if self._near[side].of(its_words) is not None), None)
        if side is not None:
            return side
        self.kept.append(text)
        self._near["new"].add(text, its_words)
        return "kept"
