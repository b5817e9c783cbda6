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
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

Text = str | tuple[str, str]
"""What a row is: a text, or a pair of them."""
PRIME, BASE, MIX = 2**31 - 1, 1_000_003, 1_664_525
"""All products stay under 2**63."""


@cache
def powers(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """BASE**i mod PRIME for i under `length`, and their inverses."""
    found, inverse, back = [1], [1], pow(BASE, -1, PRIME)
    for _ in range(length - 1):
        found.append(found[-1] * BASE % PRIME)
        inverse.append(inverse[-1] * back % PRIME)
    return torch.tensor(found, device="cpu"), torch.tensor(inverse, device="cpu")


class Ngrams(nn.Module):
    """Padded UTF-8 bytes (B, L), 0 after each text's end, to bucket numbers (B, K), 0 where there is no feature."""

    def __init__(
        self, buckets: int, word_ngrams: int, byte_ngrams: Sequence[int], max_bytes: int, pair: bool = False
    ) -> None:
        super().__init__()
        self.buckets, self.word_ngrams = buckets, word_ngrams
        self.byte_ngrams, self.max_bytes = tuple(byte_ngrams), max_bytes
        self.pair = pair

    def forward(self, text_BL: torch.Tensor) -> torch.Tensor:
        if self.pair:
            first_BK, second_BK = map(self.hashes, sides(text_BL))
            h_BK = torch.cat([first_BK, salted(second_BK, 1), shared(first_BK, second_BK)], dim=1)
        else:
            h_BK = self.hashes(text_BL)
        return torch.where(h_BK > 0, 1 + h_BK * MIX % PRIME % self.buckets, 0)

    def hashes(self, text_BL: torch.Tensor) -> torch.Tensor:
        """(B, K), above 0; 0 where there is no feature."""
        c_BL = functional.pad(letters(text_BL[:, : self.max_bytes]), (1, 1))
        words_BW = words(c_BL)
        found = [words_BW]
        if self.word_ngrams == 2 and words_BW.shape[1] > 1:
            first, second = words_BW[:, :-1], words_BW[:, 1:]
            found.append(torch.where(second > 0, (first * BASE + second) % (PRIME - 1) + 1, 0))
        found += [runs(c_BL, n) for n in self.byte_ngrams if n <= c_BL.shape[1]]
        return torch.cat(found, dim=1)


def sides(text_BL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The two texts of each row, between which stands a 0."""
    length = text_BL.shape[1]
    place = torch.arange(length, device=text_BL.device)
    end_B1 = torch.where(text_BL == 0, place, length).amin(dim=1, keepdim=True)
    first = torch.where(place < end_B1, text_BL, 0)
    later = place + end_B1 + 1
    second = torch.where(later < length, text_BL.gather(1, later.clamp(max=length - 1)), 0)
    return first[:, : max(1, int(end_B1.max()))], second[:, : max(1, length - 1 - int(end_B1.min()))]


def salted(h_BK: torch.Tensor, salt: int) -> torch.Tensor:
    """Other hashes of the same features."""
    return torch.where(h_BK > 0, (h_BK * BASE + salt) % (PRIME - 1) + 1, 0)


def shared(first_BK: torch.Tensor, second_BK: torch.Tensor) -> torch.Tensor:
    """(B, 2K): hashes of the features of the first text that the second has too, and one that says that there is such a feature."""
    ordered = second_BK.sort(dim=1).values
    place = torch.searchsorted(ordered, first_BK).clamp(max=ordered.shape[1] - 1)
    both = (ordered.gather(1, place) == first_BK) & (first_BK > 0)
    return torch.cat([torch.where(both, salted(first_BK, 2), 0), torch.where(both, 3, 0)], dim=1)


def letters(text_BL: torch.Tensor) -> torch.Tensor:
    """Bytes of words in lower case; 0 for what separates."""
    x = text_BL.long()
    x = torch.where((x >= 65) & (x <= 90), x + 32, x)
    kept = ((x >= 97) & (x <= 122)) | ((x >= 48) & (x <= 57)) | (x == 95) | (x >= 128)
    return torch.where(kept, x, 0)


def words(c_BL: torch.Tensor) -> torch.Tensor:
    """(B, W): hashes of the words in order, above 0; 0 after the last. All prefixes at once: a word is the difference of two."""
    power, inverse = (table.to(c_BL.device) for table in powers(c_BL.shape[1]))
    sums = torch.cumsum((c_BL + 1) * power % PRIME, dim=1)
    inside = c_BL > 0
    starts = inside & ~functional.pad(inside, (1, 0))[:, :-1]
    ends = inside & ~functional.pad(inside, (0, 1))[:, 1:]
    row, start = torch.nonzero(starts, as_tuple=True)
    end = torch.nonzero(ends, as_tuple=True)[1]
    hashed = (sums[row, end] - sums[row, start - 1]) % PRIME * inverse[start] % PRIME
    rank = torch.cumsum(starts, dim=1)
    found = torch.zeros(len(c_BL), max(int(rank[:, -1].max()) if len(rank) else 0, 1), dtype=torch.int64)
    found = found.to(c_BL.device)
    found[row, rank[row, start] - 1] = hashed % (PRIME - 1) + 1
    return found


def runs(c_BL: torch.Tensor, n: int) -> torch.Tensor:
    """(B, L - n + 1): hashes of n bytes that lie in one word and its two separators; 0 elsewhere."""
    count = c_BL.shape[1] - n + 1
    h = torch.full((len(c_BL), count), n, dtype=torch.int64, device=c_BL.device)
    valid = c_BL[:, :count] >= 0
    for i in range(n):
        part = c_BL[:, i : i + count]
        h = (h * BASE + part + 1) % PRIME
        if 0 < i < n - 1 or n == 1:
            valid = valid & (part > 0)
    if n == 2:
        valid = (c_BL[:, :count] > 0) | (c_BL[:, 1 : 1 + count] > 0)
    return torch.where(valid, h % (PRIME - 1) + 1, 0)


def layers(student: dict[str, Any], classes: int, pair: bool) -> "OrderedDict[str, nn.Module]":
    """(B, L) bytes -> (B, V) logits: the mean of the features' embeddings, then `output`. Tensors: `embedding`, `output`."""
    options = {name: student[name] for name in ("buckets", "word_ngrams", "byte_ngrams", "max_bytes")}
    found: OrderedDict[str, nn.Module] = OrderedDict(ngrams=Ngrams(**options, pair=pair))
    found["embedding"] = nn.EmbeddingBag(student["buckets"] + 1, student["width"], mode="mean", padding_idx=0)
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
