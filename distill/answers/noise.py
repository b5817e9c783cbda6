"""The noise of a teacher's labels, class by class: gold labels beside the answers to the same rows.

Class-conditional noise, as Natarajan et al. 2013 have it, but counted on rows whose gold label is known instead of supposed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distill.data.rows import Labels
from distill.graders.wilson import wilson
from distill.report.asked import Confused, Noise, OfClass, Share
from distill.signals.scores import Floats

MOST = 1000
"""Pairs of classes that are listed: all of up to 32 classes."""
Pair = tuple[tuple[int, ...], tuple[int, ...]]
"""Places of gold classes, and of those that were answered; one of each where a row has one class."""


def of_arrays(logs: Floats, gold: Labels) -> "Counter[Pair]":
    """How often each pair is there. `logs` (n, V) and `gold` (n,) places; of lists (n, V) log-odds, and zeros and ones."""
    if gold.ndim == 1:
        pairs = Counter(zip(gold.tolist(), logs.argmax(axis=1).tolist(), strict=True))
        return Counter({((one,), (other,)): n for (one, other), n in pairs.items()})
    both = zip(gold == 1, logs > 0, strict=True)
    return Counter((tuple(np.flatnonzero(one).tolist()), tuple(np.flatnonzero(other).tolist())) for one, other in both)


class Log:
    """Counts pairs in lines of the log of answers (distill/verbs/answer.py)."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(classes)}
        self._pairs: Counter[Pair] = Counter()
        self._several = False

    def add(self, line: Mapping[str, Any]) -> None:
        gold, said = line.get("gold"), line["label"]
        if gold is not None and said is not None:
            self._several = isinstance(gold, list)
            self._pairs[self._of(gold), self._of(said)] += 1

    def _of(self, label: str | list[str]) -> tuple[int, ...]:
        return tuple(sorted(self._places[name] for name in ([label] if isinstance(label, str) else label)))

    def noise(self) -> Noise | None:
        return noise(self._pairs, len(self._places), several=self._several)


def noise(pairs: Mapping[Pair, int], classes: int, *, several: bool) -> Noise | None:
    """None where no row has a gold label. `several`: rows have any number of classes, and which was taken for which is not known."""
    gold, said, right = ([0] * classes for _ in range(3))
    for (there, named), rows in pairs.items():
        for counts, places in ((gold, there), (said, named), (right, set(there) & set(named))):
            for place in places:
                counts[place] += rows
    total = sum(pairs.values())
    whole = share(sum(rows for (there, named), rows in pairs.items() if there == named), total)
    if whole is None:
        return None
    wrong = {} if several else {pair: rows for pair, rows in pairs.items() if pair[0] != pair[1]}
    listed = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    return Noise(
        rows=total,
        right=whole,
        classes=tuple(
            OfClass(gold=g, said=s, right=r, of_gold=share(r, g), of_said=share(r, s))
            for g, s, r in zip(gold, said, right, strict=True)
        ),
        confused=tuple(Confused(gold=there, said=named, rows=rows) for ((there,), (named,)), rows in listed),
    )


def share(part: int, whole: int) -> Share | None:
    """None of nothing."""
    if not whole:
        return None
    low, high = wilson(part, whole)
    return Share(value=part / whole, low=low, high=high)
