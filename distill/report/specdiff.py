"""In what the resolved specs of student and baseline differ, line by line: `- student's`, `+ baseline's`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def difference(student: Mapping[str, Any], baseline: Mapping[str, Any]) -> tuple[str, ...]:
    """In the order of the spec; null is nothing to show."""
    return tuple(_lines("", student, baseline))


def _lines(path: str, first: Any, second: Any) -> Iterator[str]:
    if first == second:
        return
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in {**first, **second}:
            yield from _lines(f"{path}.{key}" if path else key, first.get(key), second.get(key))
        return
    for sign, value in (("-", first), ("+", second)):
        if value is not None:
            yield f"{sign} {path}: {_words(path, value)}"


def _words(path: str, value: Any) -> str:
    if path == "objective":
        return " + ".join(term_words(term) for term in value)
    if isinstance(value, Mapping):
        value = {key: item for key, item in value.items() if item is not None}
    return json.dumps(value, ensure_ascii=False)


def term_words(term: Mapping[str, Any]) -> str:
    """`soft_targets T=4 × 0.9`, `labels balanced × 0.1`."""
    heat = f" T={term['temperature']:g}" if "temperature" in term else ""
    balanced = " balanced" if term.get("balance", "none") != "none" else ""
    return f"{term['type']}{heat}{balanced} × {term['weight']:g}"
