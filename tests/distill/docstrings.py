"""Real texts that every machine has: first lines of the docstrings of installed libraries, classed by library."""

import hashlib
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = (
    "numpy", "torch", "sklearn", "pydantic", "fastapi", "sqlalchemy", "celery", "redis", "scipy", "pyarrow", "onnx", "mypy",
)  # fmt: skip
DOCSTRING = re.compile(rb'"""([A-Z][^"\\\n]{19,})')
MOST = 300
"""Texts of a library."""
EVERY = 5
"""One text in so many is held out."""


def first_lines(library: str) -> Iterator[str]:
    """Of its modules in the order of their names, nothing imported; each once."""
    found = find_spec(library)
    assert found is not None and found.submodule_search_locations
    seen: set[str] = set()
    for path in sorted(Path(found.submodule_search_locations[0]).rglob("*.py")):
        for line in _of_file(path):
            if len(line) >= 20 and line not in seen:
                seen.add(line)
                yield line


def _of_file(path: Path) -> Iterator[str]:
    for line in DOCSTRING.findall(path.read_bytes()):
        yield line.decode("utf-8", "replace").strip()


def texts() -> tuple[list[str], list[str]]:
    """Texts, each once and in an order without meaning, and their libraries."""
    rows: dict[str, str] = {}
    for library in LIBRARIES:
        for text, _ in zip(first_lines(library), range(MOST), strict=False):
            rows.setdefault(text, library)
    order = sorted(rows, key=lambda text: hashlib.sha256(text.encode()).digest())
    return order, [rows[text] for text in order]


def write(folder: Path) -> tuple[Path, Path]:
    """`train.jsonl` and `test.jsonl`, which share no text."""
    paths = folder / "train.jsonl", folder / "test.jsonl"
    with paths[0].open("w") as train, paths[1].open("w") as test:
        for i, (text, label) in enumerate(zip(*texts(), strict=True)):
            (train if i % EVERY else test).write(json.dumps({"text": text, "label": label}) + "\n")
    return paths
