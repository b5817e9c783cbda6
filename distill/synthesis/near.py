"""Texts by their words, so that near-duplicates of a new one are found without comparing it with each."""

from array import array
from collections import Counter
from collections.abc import Iterable

import numpy as np

from distill.data.rows import Ints
from distill.synthesis.rouge import Words, common, words

SLACK = 1e-9
"""0.7 * 10 is 7 and not a little more."""


class Near:
    """Texts that were added, and whether another has a ROUGE-L of `similarity` or more with one of them.

    Exact, and seldom slow, by a bound: a common subsequence has no word more often than both texts have, so LCS <= the number of words
    that they share, each as often as in the one that has fewer. F1 >= s needs 2 LCS >= s (m + n), so a text that shares fewer than
    s (m + n) / 2 words is none, and its order is not looked at. Shared words are counted through lists of the texts that have a word for
    the first, second, ... time: each is then in a text once or not at all.
    """

    def __init__(self, similarity: float, texts: Iterable[str] = ()) -> None:
        self._similarity = similarity
        self._texts: list[str] = []
        self._lengths = array("q")
        self._having: dict[tuple[str, int], array[int]] = {}
        for text in texts:
            self.add(text, words(text))

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str, its_words: Words) -> None:
        number = len(self._texts)
        self._texts.append(text)
        self._lengths.append(len(its_words))
        for key in _numbered(its_words):
            self._having.setdefault(key, array("i")).append(number)

    def of(self, its_words: Words) -> int | None:
        """Number of the first text that these words are a near-duplicate of; None: of no one."""
        for place, needed in zip(*self._candidates(its_words), strict=True):
            number = int(place)
            if common(its_words, words(self._texts[number])) >= needed:
                return number
        return None

    def _candidates(self, its_words: Words) -> tuple[Ints, Ints]:
        """Numbers of the texts that share enough words, ascending, and the least LCS that each needs."""
        lists = [self._having[key] for key in _numbered(its_words) if key in self._having]
        if not lists:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        shared = np.bincount(np.concatenate(lists), minlength=len(self._texts))
        lengths = np.array(self._lengths, dtype=np.int64)
        needed = np.ceil(self._similarity * (lengths + len(its_words)) / 2 - SLACK).astype(np.int64)
        found = np.flatnonzero((shared >= needed) & (shared > 0))
        return found, needed[found]


def _numbered(its_words: Words) -> list[tuple[str, int]]:
    """Each word with the number of its occurrence: a set that stands for the multiset."""
    seen: Counter[str] = Counter()
    found = []
    for word in its_words:
        found.append((word, seen[word]))
        seen[word] += 1
    return found
