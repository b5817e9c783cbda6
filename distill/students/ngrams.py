"""Hashed n-grams of texts, and the classifiers on them: delivered as `load.py`, and `students/bag.py` trains with the same hashing.

    from load import load
    model = load(".")
    classes, probabilities = model.predict(["a text", "another one"])     # a model of pairs: [("a query", "a passage"), ...]

After Joulin et al. 2017 ("Bag of tricks for efficient text classification") and Bojanowski et al. 2017 (n-grams of a word's letters).
It needs numpy and safetensors, and nothing else. Legend: `B` texts, `L` bytes, `K` features, `D` width, `V` classes, `F` features of all texts together.

The features of a text, exactly: its UTF-8 bytes, cut after `max_bytes`; A to Z become a to z; a word is a longest run of letters,
digits, `_` and bytes of 128 and above, and every other byte separates. Features are the words, pairs of neighbouring words where
`word_ngrams` is 2, and for each n of `byte_ngrams` the runs of n bytes of a word with one separator (0) before and one after it.
With P = 2**31 - 1, A = 1,000,003 and u(h) = h mod (P - 1) + 1, the hash of bytes c0 c1 ... of a word is u(sum (c_i + 1) A**i mod P); of a pair of
words, of their hashes h and g, u(h A + g); of n bytes h begins with n, becomes h A + c + 1 for each, and the hash is u(h mod P).
Bucket: 1 + (hash * 1,664,525 mod P) mod buckets; bucket 0 is no feature.

Of a pair of texts each is cut for itself. With h the hashes as above, the first text's features are its own, the second's are salted by 1, which is
u(h A + 1), and each of the first that the second has too adds two: itself salted by 2, and 3, which any of these gives.
"""

import json
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

Text = str | tuple[str, str]
"""What a row is: a text, or a pair of them."""
PRIME, BASE, MIX = 2**31 - 1, 1_000_003, 1_664_525
"""All products stay under 2**63."""
AT_ONCE = 64
"""Texts whose embeddings are in memory together."""


LETTERS = np.array(
    [c + 32 if 65 <= c <= 90 else c if c >= 128 or c == 95 or chr(c).isalnum() else 0 for c in range(256)], np.uint8
)
"""Of each byte what it is in a word, in lower case; 0 for what separates."""
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Features = tuple[Ints, Ints]
"""Of each feature its row and its hash, which is above 0."""


@cache
def powers(length: int) -> Ints:
    """0, then BASE**i mod PRIME for i under `length`."""
    found = [0, 1]
    for _ in range(length - 1):
        found.append(found[-1] * BASE % PRIME)
    return np.array(found)


class Ngrams:
    """Padded UTF-8 bytes (B, L), 0 after each text's end, to the buckets of all features.

    The words of all texts lie in one line: the work is that of the words there are, not of the longest text.
    """

    def __init__(
        self, buckets: int, word_ngrams: int, byte_ngrams: Sequence[int], max_bytes: int, pair: bool = False
    ) -> None:
        self.buckets, self.word_ngrams = buckets, word_ngrams
        self.byte_ngrams, self.max_bytes = tuple(byte_ngrams), max_bytes
        self.pair = pair

    def __call__(self, text_BL: Bytes) -> Ints:
        """(B, K) buckets of each text's features in their order, then 0."""
        bucket_F, count_B = self.features(text_BL)
        found = np.zeros((len(text_BL), max(1, int(count_B.max(initial=0)))), dtype=np.int64)
        found[np.arange(found.shape[1]) < count_B[:, None]] = bucket_F
        return found

    def features(self, text_BL: Bytes) -> tuple[Ints, Ints]:
        """(F,) buckets, text after text, and (B,) how many each text has."""
        if self.pair:
            first, second = map(self.hashes, sides(text_BL))
            row, h = shared(first, second)
            salts = [(second[0], salted(second[1], 1)), (row, salted(h, 2)), (row, np.full_like(h, 3))]
            row, h = joined([first, *salts])
        else:
            row, h = self.hashes(text_BL)
        if len(text_BL) > 1:
            h = h[np.argsort(row, kind="stable")]
        return 1 + h * MIX % PRIME % self.buckets, np.bincount(row, minlength=len(text_BL))

    def hashes(self, text_BL: Bytes) -> Features:
        """Words, then pairs of neighbours, then runs of each length."""
        c, row = line(text_BL[:, : self.max_bytes])
        ends = np.flatnonzero(c == 0)
        size = np.diff(ends)
        place = np.arange(len(c) - 1) - np.repeat(ends[:-1], size)
        x = c + np.int64(1)
        word = above_0(np.add.reduceat(x[:-1] * powers(self.max_bytes)[place] % PRIME, ends[:-1]) % PRIME)
        found = [(row, word)]
        if self.word_ngrams == 2:
            near = row[1:] == row[:-1]
            found.append((row[1:][near], above_0((word[:-1] * BASE + word[1:])[near])))
        if self.byte_ngrams:
            at, h = runs(x, np.repeat(size, size) - place, self.byte_ngrams)
            found.append((np.repeat(row, size)[at], h))
        return joined(found)


def line(text_BL: Bytes) -> tuple[Bytes, Ints]:
    """(M,) letters of all words, a 0 before the first and one after each; and (W,) the row of each word."""
    rows, length = text_BL.shape
    flat = np.zeros(1 + rows * (length + 1), dtype=np.uint8)
    flat[1:].reshape(rows, length + 1)[:, :length] = LETTERS[text_BL]
    kept = flat > 0
    kept[1:] |= kept[:-1].copy()
    kept[0] = True
    at = np.flatnonzero(kept)
    c = flat[at]
    return c, (at[c == 0][1:] - 1) // (length + 1)


def runs(x: Ints, left: Ints, lengths: Sequence[int]) -> Features:
    """Where each run of bytes begins inside of a word and its two separators, and its hash; of each length in turn. `left`: bytes to the separator after it."""
    places, found, h = {}, {}, x
    for n in range(1, max(lengths) + 1):
        if n > 1:
            h = (h[:-1] if n < 4 else h[:-1] % PRIME) * BASE + x[n - 1 :]
        if n in lengths:
            places[n] = np.flatnonzero(left[: len(h)] >= n - 1 if n > 1 else x > 1)
            found[n] = (h[places[n]] + n * BASE**n % PRIME) % PRIME
    return np.concatenate([places[n] for n in lengths]), above_0(np.concatenate([found[n] for n in lengths]))


def above_0(h: Ints) -> Ints:
    return h % (PRIME - 1) + 1


def joined(kinds: Sequence[Features]) -> Features:
    return np.concatenate([row for row, _ in kinds]), np.concatenate([h for _, h in kinds])


def sides(text_BL: Bytes) -> tuple[Bytes, Bytes]:
    """The two texts of each row, between which stands a 0."""
    length = text_BL.shape[1]
    place = np.arange(length)
    end_B1 = np.where(text_BL == 0, place, length).min(axis=1, keepdims=True)
    later = place + end_B1 + 1
    second = np.take_along_axis(text_BL, np.minimum(later, length - 1), axis=1)
    return np.where(place < end_B1, text_BL, 0), np.where(later < length, second, 0)


def salted(h: Ints, salt: int) -> Ints:
    """Other hashes of the same features."""
    return above_0(h * BASE + salt)


def shared(first: Features, second: Features) -> Features:
    """Those of the first text that the second has too."""
    (row, h), (its_row, its_h) = first, second
    both = np.isin(row << 32 | h, its_row << 32 | its_h)
    return row[both], h[both]


def padded(texts: Sequence[Text]) -> Bytes:
    """(B, L) UTF-8 bytes, 0 after the end of each text."""
    parts = [(text if isinstance(text, str) else "\0".join(text)).encode() for text in texts]
    parts = [part if isinstance(text, str) else part + b"\0" for part, text in zip(parts, texts, strict=True)]
    found = np.zeros((len(parts), max([1, *map(len, parts)])), dtype=np.uint8)
    for i, part in enumerate(parts):
        found[i, : len(part)] = np.frombuffer(part, dtype=np.uint8)
    return found


class Model:
    """Texts, or pairs of them, to classes."""

    def __init__(self, config: dict[str, Any], tensors: dict[str, Floats]) -> None:
        student, given, output = config["student"], config["signature"]["input"], config["signature"]["output"]
        options = {name: student[name] for name in ("buckets", "word_ngrams", "byte_ngrams", "max_bytes")}
        self.ngrams = Ngrams(**options, pair=bool(given["shape"]))
        self.root = student["pooling"] == "sqrt"
        self.classes, self.several = output["classes"], output["kind"] == "multilabel"
        self.embedding_KD, self.weight_DV = tensors["embedding.weight"], tensors["output.weight"].T
        self.bias_V = tensors["output.bias"]

    def logits(self, texts: Sequence[Text]) -> Floats:
        """(B, V), a few texts at a time: what it takes is that of AT_ONCE texts, however many there are."""
        parts = [self._logits(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)

    def _logits(self, texts: Sequence[Text]) -> Floats:
        """The mean of a text's embeddings, or their sum over the square root of their number, then the output layer. A text without features has 0."""
        bucket_F, count_B = self.ngrams.features(padded(texts))
        some = np.flatnonzero(count_B)
        vectors_BD = np.zeros((len(texts), self.embedding_KD.shape[1]), np.float32)
        if len(some):
            count = count_B[some]
            sums = np.add.reduceat(self.embedding_KD.take(bucket_F, 0), np.cumsum(count) - count)
            vectors_BD[some] = sums / (np.sqrt(count) if self.root else count)[:, None].astype(np.float32)
        return vectors_BD @ self.weight_DV + self.bias_V

    def predict(self, texts: Sequence[Text]) -> tuple[list[Any], Floats]:
        """The most probable class of each text, or pair of texts, and all probabilities (B, V).

        Where a text has any number of classes: the list of those whose own probability is over 0.5. TypeError: a model of pairs is
        given texts, or one of texts pairs.
        """
        if any(isinstance(text, str) == self.ngrams.pair for text in texts):
            raise TypeError("a model of pairs takes pairs of texts, another one texts")
        z = self.logits(texts)
        if self.several:
            probabilities: Floats = np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * z)
            return [[self.classes[i] for i in np.flatnonzero(row > 0.5)] for row in probabilities], probabilities
        e = np.exp(z - z.max(1, keepdims=True))
        return [self.classes[i] for i in z.argmax(1)], e / e.sum(1, keepdims=True)


def load(folder: str | Path = Path(__file__).parent) -> Model:
    """From `config.json` and `model.safetensors`."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Model(config, load_file(folder / "model.safetensors"))


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    model = load()
    pairs = [(first, second) for first, _, second in (line.partition("\t") for line in lines)]
    for name, row in zip(*model.predict(pairs if model.ngrams.pair else lines), strict=True):
        print(", ".join(name) if model.several else f"{name}\t{row.max():.4f}")
