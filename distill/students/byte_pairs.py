"""A tokenizer from the training rows: byte pairs, the most frequent first (Sennrich, Haddow and Birch 2016, algorithm 1, on bytes).

A pure function of the rows and the size: of pairs that are equally frequent, the one with the lower numbers goes first, and a pair whose
bytes are a token already becomes none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.data.rows import Ints
from distill.students.encoder import FIRST, FIRST_MERGE, joined, pieces
from spec.student import Student, TextEncoder

READ, CHUNK = 200_000, 4096
"""Rows that are read at most, evenly spaced; and at once."""
LEAST = 2
"""Occurrences of a pair that becomes a token."""
Pair = tuple[int, int]


def learned(student: Student, inputs: npt.NDArray[Any], rows: Ints) -> torch.Tensor | None:
    """(vocabulary - 258, 2) int32, -1 where the rows gave no further pair; None for a student without tokens, or with a tokenizer of its user's. `inputs`: texts as padded bytes."""
    if not isinstance(student, TextEncoder) or student.tokenizer:
        return None
    room = student.vocabulary - FIRST_MERGE
    found = np.full((room, 2), -1, dtype=np.int32)
    pairs = merges(texts(inputs, rows), room)
    found[: len(pairs)] = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return torch.from_numpy(found)


def texts(inputs: npt.NDArray[Any], rows: Ints) -> Iterator[str]:
    """Of the rows, or of READ of them."""
    if len(rows) > READ:
        rows = rows[np.linspace(0, len(rows) - 1, READ).round().astype(np.int64)]
    for first in range(0, len(rows), CHUNK):
        for row in inputs[rows[first : first + CHUNK]]:
            yield row.tobytes().rstrip(b"\0").decode()  # the 0 between two texts is a space to a tokenizer


def merges(texts: Iterable[str], most: int) -> list[Pair]:
    """Pairs in the order in which they become tokens, numbered from 258."""
    return _Learner(Counter(piece for text in texts for piece in pieces(text))).learn(most)


class _Learner:
    """Pieces as tokens so far, and how often each pair of neighbours occurs in them."""

    def __init__(self, counted: Counter[str]) -> None:
        self._pieces = [([FIRST + byte for byte in piece.encode()], n) for piece, n in counted.items()]
        self._counts: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for place, (ids, n) in enumerate(self._pieces):
            for pair in pairwise(ids):
                self._counts[pair] += n
                self._where[pair].add(place)

    def learn(self, most: int) -> list[Pair]:
        """The heap holds each pair with a count that is its own or, where it has become rarer, was once."""
        found: list[Pair] = []
        spelled = [b"", b"", *(bytes([byte]) for byte in range(256))]
        known = set(spelled)
        heap = [(-n, pair) for pair, n in self._counts.items()]
        heapify(heap)
        while heap and len(found) < most:
            said, pair = heappop(heap)
            count, both = self._counts[pair], spelled[pair[0]] + spelled[pair[1]]
            if count < LEAST or both in known:
                continue
            if count != -said:
                heappush(heap, (-count, pair))
                continue
            token = FIRST_MERGE + len(found)
            found.append(pair)
            spelled.append(both)
            known.add(both)
            for grown in self._merge(pair, token):
                heappush(heap, (-self._counts[grown], grown))
        return found

    def _merge(self, pair: Pair, token: int) -> set[Pair]:
        """Makes a pair a token everywhere, and gives the pairs that this made."""
        made: set[Pair] = set()
        for place in self._where.pop(pair):
            before, n = self._pieces[place]
            after = joined(before, pair, token)
            for old in pairwise(before):
                self._counts[old] -= n
            for new in pairwise(after):
                self._counts[new] += n
                self._where[new].add(place)
                if token in new:
                    made.add(new)
            self._pieces[place] = after, n
        return made
