"""The set of texts: how docstrings begin, classed by library, each library's name masked."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from examples.docstrings.harvest import docstrings

LIBRARIES = (
    "fsspec", "jinja2", "kombu", "mpmath", "narwhals", "networkx", "onnxruntime", "openai", "psycopg", "pygments", "rich",
    "sklearn", "transformers",
)  # fmt: skip
OTHER_NAMES = ("jinja", "hugging face", "huggingface", "mp", "nw", "nx", "ort", "scikit-learn", "scikit")
WORDS, LENGTH, ROWS = 10, 200, 320
SHARES = {"heldout": 0.2, "validation": 0.1}  # of each library's rows; the rest is train


@dataclass(frozen=True)
class Row:
    id: str
    text: str
    label: str
    split: str


def rows(seed: int = 1, limit: int = ROWS, libraries: Sequence[str] = LIBRARIES) -> list[Row]:
    """At most `limit` rows of each library, shuffled by the seed: the same on every machine with the same libraries.

    A module lies in one split alone. A text that occurs twice counts once, and not at all where two libraries have it.
    """
    owners: dict[str, set[str]] = {}
    drawn = {library: list(texts(library, seed, limit + limit // 4)) for library in libraries}
    for library, found in drawn.items():
        for _, text in found:
            owners.setdefault(essence(text), set()).add(library)
    made = [row for library, found in drawn.items() for row in split(library, found, owners, limit)]
    random.Random(seed).shuffle(made)
    return made


def texts(library: str, seed: int, limit: int) -> Iterator[tuple[str, str]]:
    """(module, masked text), the modules in an order of the seed, until there are `limit` texts."""
    seen: set[str] = set()
    for module, docstring in docstrings(library, seed):
        text = beginning(NAMES.sub("_", docstring))
        if len(text.split()) >= WORDS and essence(text) not in seen:
            seen.add(essence(text))
            yield module, text
        if len(seen) >= limit:
            return


def beginning(text: str) -> str:
    """Whole words, at most LENGTH characters of them."""
    return text if len(text) <= LENGTH else text[: LENGTH + 1].rpartition(" ")[0]


def split(library: str, found: list[tuple[str, str]], owners: dict[str, set[str]], limit: int) -> Iterator[Row]:
    """Whole modules go to held-out until it has its share, then to validation, then to train."""
    own = [(module, text) for module, text in found if owners[essence(text)] == {library}][:limit]
    filled = dict.fromkeys(SHARES, 0)
    for _, group in groupby(own, key=lambda pair: pair[0]):
        module = list(group)
        name = next((name for name, share in SHARES.items() if filled[name] + len(module) <= share * len(own)), "train")
        filled[name] = filled.get(name, 0) + len(module)
        label = library.rpartition(".")[2]
        for _, text in module:
            yield Row(f"{label}-{sha256(text.encode()).hexdigest()[:12]}", text, label, name)


def essence(text: str) -> str:
    """What two near-duplicates share: their first lower-case words, without `async` and digits."""
    words = (word for word in re.findall(r"[a-z]+", text.lower()) if not word.startswith("async"))
    return " ".join(list(words)[:12])


def masked(names: Sequence[str]) -> re.Pattern[str]:
    """Any of the names, whatever its case, also within an identifier such as torch_dtype."""
    longest = sorted(names, key=lambda name: -len(name))
    return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, longest))})(?![a-z])", re.IGNORECASE)


NAMES = masked((*LIBRARIES, *OTHER_NAMES))
