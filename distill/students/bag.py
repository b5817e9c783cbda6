"""Text classifiers of hashed n-grams: this file trains them, scores with them, and is delivered with them as `load.py`.

    from load import load
    model = load(".")
    classes, probabilities = model.predict(["a text", "another one"])     # a model of pairs: [("a query", "a passage"), ...]

After Joulin et al. 2017 ("Bag of tricks for efficient text classification") and Bojanowski et al. 2017 (n-grams of a word's letters).
It needs torch, numpy and safetensors, and nothing else of the service. Legend: `B` texts, `L` bytes, `K` features, `V` classes.

The features of a text, exactly: its UTF-8 bytes, cut after `max_bytes`; A to Z become a to z; a word is a longest run of letters,
digits, `_` and bytes of 128 and above, and every other byte separates. Features are the words, pairs of neighbouring words where
`word_ngrams` is 2, and for each n of `byte_ngrams` the runs of n bytes of a word with one separator (0) before and one after it.
With P = 2**31 - 1 and A = 1,000,003, the hash of bytes c0 c1 ... of a word is sum (c_i + 1) A**i mod P; of a pair of words h A + g mod P;
of n bytes it begins with n and is h A + c + 1 mod P for each. Bucket: 1 + (hash * 1,664,525 mod P) mod buckets; bucket 0 is no feature.

Of a pair of texts each is cut for itself. With h the hashes as above, the first text's features are its own, the second's are salted by 1, which is
(h A + 1) mod (P - 1) + 1, and each of the first that the second has too adds two: itself salted by 2, and 3, which any of these gives.
"""

import json
import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

Text = str | tuple[str, str]
"""What a row is: a text, or a pair of them."""
PRIME, BASE, MIX = 2**31 - 1, 1_000_003, 1_664_525
"""All products stay under 2**63."""


LETTERS = np.array(
    [c + 32 if 65 <= c <= 90 else c if c >= 128 or c == 95 or chr(c).isalnum() else 0 for c in range(256)], np.uint8
)
"""Of each byte what it is in a word, in lower case; 0 for what separates."""
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Features = tuple[Ints, Ints]
"""Of each feature its row and its hash, which is above 0."""


@cache
def powers(length: int) -> Ints:
    """0, then BASE**i mod PRIME for i under `length`."""
    found = [0, 1]
    for _ in range(length - 1):
        found.append(found[-1] * BASE % PRIME)
    return np.array(found)


class Ngrams(nn.Module):
    """Padded UTF-8 bytes (B, L), 0 after each text's end, to bucket numbers (B, K), 0 after each text's last feature.

    Hashed on the processor, the words of all rows in one line: the work is that of the words there are, not of the longest text.
    """

    def __init__(
        self, buckets: int, word_ngrams: int, byte_ngrams: Sequence[int], max_bytes: int, pair: bool = False
    ) -> None:
        super().__init__()
        self.buckets, self.word_ngrams = buckets, word_ngrams
        self.byte_ngrams, self.max_bytes = tuple(byte_ngrams), max_bytes
        self.pair = pair

    def forward(self, text_BL: torch.Tensor) -> torch.Tensor:
        given = text_BL.cpu().numpy()
        if self.pair:
            first, second = map(self.hashes, sides(given))
            row, h = shared(first, second)
            salts = [(second[0], salted(second[1], 1)), (row, salted(h, 2)), (row, np.full_like(h, 3))]
            found = joined([first, *salts])
        else:
            found = self.hashes(given)
        return torch.from_numpy(side_by_side(found, len(given), self.buckets)).to(text_BL.device)

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
        of_length = runs(x, np.repeat(size, size) - place, max(self.byte_ngrams, default=0))
        for n in self.byte_ngrams:
            count = size - 1 if n == 1 else np.maximum(size + 2 - n, 0)
            found.append((np.repeat(row, count), of_length[n - 1]))
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


def runs(x: Ints, left: Ints, longest: int) -> list[Ints]:
    """Of each length up to the longest the hashes of runs inside of a word and its two separators. `left`: bytes to the separator after the word."""
    found, h = [], x
    for n in range(1, longest + 1):
        if n > 1:
            h = (h[:-1] if n < 4 else h[:-1] % PRIME) * BASE + x[n - 1 :]
        inside = left[: len(h)] >= n - 1 if n > 1 else x > 1
        found.append(above_0((h[inside] + n * BASE**n % PRIME) % PRIME))
    return found


def above_0(h: Ints) -> Ints:
    return h % (PRIME - 1) + 1


def joined(kinds: Sequence[Features]) -> Features:
    return np.concatenate([row for row, _ in kinds]), np.concatenate([h for _, h in kinds])


def side_by_side(found: Features, rows: int, buckets: int) -> Ints:
    """(rows, K) buckets of each row's features in their order, then 0."""
    order = np.argsort(found[0], kind="stable")
    row, h = found[0][order], found[1][order]
    count = np.bincount(row, minlength=rows)
    filled = np.zeros((rows, max(1, int(count.max(initial=0)))), dtype=np.int64)
    filled[row, np.arange(len(row)) - (np.cumsum(count) - count)[row]] = 1 + h * MIX % PRIME % buckets
    return filled


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


class Bag(nn.Module):
    """Bucket numbers (B, K) to (B, D): the mean of the features' embeddings, or their sum over the square root of their number.

    What dropout leaves out changes neither: the mean of those that are left stands for that of all.
    """

    def __init__(self, buckets: int, width: int, pooling: str, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(buckets + 1, width))
        self.pooling, self.dropout = pooling, dropout

    def forward(self, ids_BK: torch.Tensor) -> torch.Tensor:
        number_B1 = (ids_BK > 0).sum(1, keepdim=True)
        if self.training and self.dropout:
            ids_BK = ids_BK * (torch.rand(ids_BK.shape, device=ids_BK.device) >= self.dropout)
        mean_BD = functional.embedding_bag(ids_BK, self.weight, mode="mean", padding_idx=0)
        return mean_BD if self.pooling == "mean" else mean_BD * number_B1.sqrt()


def layers(student: dict[str, Any], classes: int, pair: bool) -> "OrderedDict[str, nn.Module]":
    """(B, L) bytes -> (B, V) logits: one vector of the features' embeddings, then `output`. Tensors: `embedding`, `output`."""
    options = {name: student[name] for name in ("buckets", "word_ngrams", "byte_ngrams", "max_bytes")}
    found: OrderedDict[str, nn.Module] = OrderedDict(ngrams=Ngrams(**options, pair=pair))
    found["embedding"] = Bag(student["buckets"], student["width"], student["pooling"], student["dropout"])
    found["output"] = nn.Linear(student["width"], classes)
    return found


def padded(texts: Sequence[Text]) -> torch.Tensor:
    """(B, L) UTF-8 bytes, 0 after the end of each text."""
    parts = [(text if isinstance(text, str) else "\0".join(text)).encode() for text in texts]
    parts = [part if isinstance(text, str) else part + b"\0" for part, text in zip(parts, texts, strict=True)]
    found = np.zeros((len(parts), max([1, *map(len, parts)])), dtype=np.uint8)
    for i, part in enumerate(parts):
        found[i, : len(part)] = np.frombuffer(part, dtype=np.uint8)
    return torch.from_numpy(found)


class Model(nn.Module):
    """Texts as padded bytes (B, L) -> logits (B, V)."""

    def __init__(self, network: nn.Sequential, output: dict[str, Any]) -> None:
        super().__init__()
        self.network, self.classes, self.several = network, output["classes"], output["kind"] == "multilabel"

    def forward(self, text_BL: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(text_BL)
        return logits

    @torch.inference_mode()
    def predict(self, texts: Sequence[Text]) -> tuple[list[Any], torch.Tensor]:
        """The most probable class of each text, or pair of texts, and all probabilities (B, V).

        Where a text has any number of classes: the list of those whose own probability is over 0.5. TypeError: a model of pairs is
        given texts, or one of texts pairs.
        """
        if any(isinstance(text, str) == bool(self.network[0].pair) for text in texts):
            raise TypeError("a model of pairs takes pairs of texts, another one texts")
        logits = self(padded(texts))
        if self.several:
            probabilities = torch.sigmoid(logits)
            return [
                [self.classes[i] for i in row.nonzero()[:, 0].tolist()] for row in probabilities > 0.5
            ], probabilities
        probabilities = torch.softmax(logits, 1)
        return [self.classes[i] for i in probabilities.argmax(1).tolist()], probabilities


def load(folder: str | Path = Path(__file__).parent) -> Model:
    """From `config.json` and `model.safetensors`, in eval mode."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    output, pair = config["signature"]["output"], bool(config["signature"]["input"]["shape"])
    network = nn.Sequential(layers(config["student"], len(output["classes"]), pair))
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return Model(network, output).eval()


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    model = load()
    pairs = [(first, second) for first, _, second in (line.partition("\t") for line in lines)]
    for name, row in zip(*model.predict(pairs if model.network[0].pair else lines), strict=True):
        print(", ".join(name) if model.several else f"{name}\t{row.max():.4f}")
