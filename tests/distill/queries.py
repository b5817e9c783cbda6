"""Real pairs of texts: a docstring and two words of it, or of another one, in the words' own order; is it what was asked for, and whose is it?"""

import hashlib
import json
import re
from pathlib import Path

from tests.distill import docstrings

EVERY = 5
"""One pair in so many is held out."""


def number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def query(text: str) -> str:
    """Two words of four letters or more."""
    words = re.findall(r"\w{4,}", text) or [text]
    first = number(text) % max(1, len(words) - 1)
    return " ".join(words[first : first + 2])


def pairs() -> list[tuple[str, str, str, str]]:
    """(query, passage, label, library of the passage), half of them relevant."""
    texts, libraries = docstrings.texts()
    found = []
    for i, (passage, library) in enumerate(zip(texts, libraries, strict=True)):
        relevant = number(passage) % 7 % 2 == 0
        source = passage if relevant else texts[(i + 1) % len(texts)]
        found.append((query(source), passage, "relevant" if relevant else "other", library))
    return found


def verdict(question: str) -> str:
    """Of one that shows a query and a passage, as recipes/ranker.json does: whether the words stand together in it."""
    found = re.search(r"Query: (.*)\n\nPassage: (.*)\n\n", question, re.DOTALL)
    return "relevant" if found and query_in(*found.groups()) else "other"


def query_in(asked: str, passage: str) -> bool:
    return asked in " ".join(re.findall(r"\w{4,}", passage) or [passage])


def write(folder: Path) -> tuple[Path, Path]:
    """`train.jsonl` and `test.jsonl`, which share no passage."""
    paths = folder / "train.jsonl", folder / "test.jsonl"
    with paths[0].open("w") as train, paths[1].open("w") as test:
        for i, (asked, passage, label, library) in enumerate(pairs()):
            row = {"query": asked, "passage": passage, "label": label, "library": library}
            (train if i % EVERY else test).write(json.dumps(row) + "\n")
    return paths
