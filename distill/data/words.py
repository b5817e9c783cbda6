"""Copies of texts with words left out (Tang et al. 2019, "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks", section 3.2).

Each word is left out with a probability (the paper masks it), or, with another, all but one to five neighbouring words are. There the paper replaces
words by others of their kind too, which needs a tagger, and is left out. A copy is a function of (seed, row digest, number of the copy, attempt) alone.
"""

import numpy as np
import numpy.typing as npt

from distill.data.canonical import text_digests
from distill.data.draw import Hashes, salted, splitmix64
from distill.data.rows import Ints
from spec.data import Words

ATTEMPTS = 8
"""Draws of a copy, until it is a text that is not there yet."""
LONGEST = 5
"""Words of a sampled n-gram."""


def copies(
    texts: list[str], digests: Hashes, seed: int, words: Words, number: int, known: set[bytes]
) -> tuple[list[str], Ints]:
    """Copy `number` of each text, and which text each is of, ascending. `known`: digests that no copy may have; grows by theirs."""
    made: dict[int, str] = {}
    left = np.arange(len(texts))
    for attempt in range(ATTEMPTS):
        keys = salted(digests[left], seed, f"words {number} {attempt}")
        drawn = [copy(texts[place].split(), key, words) for place, key in zip(left.tolist(), keys, strict=True)]
        again = []
        for place, text, digest in zip(left.tolist(), drawn, text_digests(drawn), strict=True):
            if not text or digest.tobytes() in known:
                again.append(place)
            else:
                known.add(digest.tobytes())
                made[place] = text
        left = np.array(again, dtype=np.int64)
    places = sorted(made)
    return [made[place] for place in places], np.array(places, dtype=np.int64)


def copy(words: list[str], key: np.uint64, wanted: Words) -> str:
    """What is left of them, one space between two; \"\" where nothing is."""
    draws = uniform(key, 3 + len(words))
    if draws[0] < wanted.ngram:
        size = 1 + int(draws[1] * min(LONGEST, len(words)))
        first = int(draws[2] * (len(words) - size + 1))
        return " ".join(words[first : first + size])
    return " ".join(word for word, draw in zip(words, draws[3:], strict=True) if draw >= wanted.drop)


def uniform(key: np.uint64, count: int) -> list[float]:
    """Numbers in [0, 1), by splitmix64 from the key on."""
    state: npt.NDArray[np.uint64] = splitmix64(key ^ splitmix64(np.arange(count, dtype=np.uint64)))
    return [float(bits) for bits in (state >> np.uint64(11)) * 2.0**-53]
