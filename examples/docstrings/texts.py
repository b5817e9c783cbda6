"""The set of texts: first lines of docstrings, classed by library, each library's name masked."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from examples.docstrings.harvest import lines

LIBRARIES = (
    "botocore", "celery", "narwhals", "networkx", "numpy", "openai", "prompt_toolkit", "psycopg", "pydantic", "pygments",
    "redis", "rich", "scipy", "sklearn", "sqlalchemy", "sympy", "torch",
)  # fmt: skip
OTHER_NAMES = ("boto3", "np", "openai's", "pytorch", "scikit-learn", "scikit")
NAMES = re.compile(rf"\b({'|'.join(re.escape(name) for name in (*LIBRARIES, *OTHER_NAMES))})\b", re.IGNORECASE)
WORDS, LENGTH, ROWS = 4, 200, 400
SHARES = {"heldout": 0.2, "validation": 0.1}  # of each library's rows; the rest is train


@dataclass(frozen=True)
class Row:
    id: str
    text: str
    label: str
    split: str


def rows(seed: int = 1, limit: int = ROWS) -> list[Row]:
    """At most `limit` rows of each library, shuffled by the seed: the same on every machine with the same libraries.

    A module lies in one split alone. A text that occurs twice counts once, and not at all where two libraries have it.
    """
    owners: dict[str, set[str]] = {}
    drawn = {library: list(texts(library, seed, 2 * limit)) for library in LIBRARIES}
    for library, found in drawn.items():
        for _, text in found:
            owners.setdefault(essence(text), set()).add(library)
    made = [row for library, found in drawn.items() for row in split(library, found, owners, limit)]
    random.Random(seed).shuffle(made)
    return made


def texts(library: str, seed: int, limit: int) -> Iterator[tuple[str, str]]:
    """(module, masked text), the modules in an order of the seed, until there are `limit` texts."""
    seen: set[str] = set()
    for module, line in lines(library, seed):
        text = NAMES.sub("_", line)[:LENGTH]
        if len(text.split()) >= WORDS and essence(text) not in seen:
            seen.add(essence(text))
            yield module, text
        if len(seen) >= limit:
            return


def split(library: str, found: list[tuple[str, str]], owners: dict[str, set[str]], limit: int) -> Iterator[Row]:
    """Whole modules go to held-out until it has its share, then to validation, then to train."""
    own = [(module, text) for module, text in found if owners[essence(text)] == {library}][:limit]
    filled = dict.fromkeys(SHARES, 0)
    for _, group in groupby(own, key=lambda pair: pair[0]):
        module = list(group)
        name = next((name for name, share in SHARES.items() if filled[name] + len(module) <= share * len(own)), "train")
        filled[name] = filled.get(name, 0) + len(module)
        for _, text in module:
            yield Row(f"{library}-{sha256(text.encode()).hexdigest()[:12]}", text, library, name)


def essence(text: str) -> str:
    """What two near-duplicates share: lower-case words, without `async` and digits."""
    return " ".join(word for word in re.findall(r"[a-z]+", text.lower()) if not word.startswith("async"))
