"""ROUGE-L and near-duplicates the slow way, and rows of texts to write from."""

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from distill.data.canonical import Heading, digest_array, text_digests, write
from spec.facts import ColumnFacts, Roles

ROLES = Roles(input="text", label="label")


def slow_rouge_l(first: str, second: str) -> float:
    """The table of the textbook, over runs of letters and digits of ASCII."""
    a, b = (re.findall(r"[a-z0-9]+", text.lower()) for text in (first, second))
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            longer = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else longer
    return 2 * table[-1][-1] / max(len(a) + len(b), 1)


def text_rows(path: Path, texts: Sequence[str | None], labels: Sequence[str | None]) -> Path:
    """A canonical file of texts, labels, a note and a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"text": "text", "label": "class", "note": "string", "n": "number"}
    columns = {
        "text": pa.array(texts, pa.large_string()),
        "label": pa.array(labels, pa.large_string()),
        "note": pa.array([f"note {i}" for i in range(len(texts))], pa.large_string()),
        "n": pa.array(range(len(texts)), pa.int64()),
    }
    facts = {
        name: ColumnFacts.model_validate({"kind": kind, "dtype": "int64" if kind == "number" else "str"})
        for name, kind in kinds.items()
    }
    digest = digest_array(text_digests(text or "" for text in texts))
    write(path, columns, digest, Heading(columns=facts, roles=ROLES))
    return path
