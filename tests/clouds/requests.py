"""The requests of docs/clouds.md: what each cloud takes, and what Stillhouse takes in its place."""

import json
import re
from typing import Any, NamedTuple

from standalone.process import ROOT

PAGE = (ROOT / "docs" / "clouds.md").read_text()
FILE = "file-…"


class Pair(NamedTuple):
    """The original, and ours with the id of a file in it."""

    theirs: dict[str, Any]
    ours: dict[str, Any]


def requests(file: str) -> tuple[Pair, Pair]:
    """Of Bedrock, and of Vertex."""
    blocks = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    first, second, third, fourth = (json.loads(block.replace(FILE, file)) for block in blocks)
    return Pair(first, second), Pair(third, fourth)


def leaves(part: Any, path: str = "") -> dict[str, Any]:
    """Path to value."""
    if isinstance(part, dict):
        return {name: leaf for key, value in part.items() for name, leaf in leaves(value, f"{path}.{key}").items()}
    if isinstance(part, list):
        return {name: leaf for i, value in enumerate(part) for name, leaf in leaves(value, f"{path}[{i}]").items()}
    return {path: part}
