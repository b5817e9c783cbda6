"""A JSON object that a user writes freely: bounded, and such that it can be stored and has a digest."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

DEEPEST = 32
"""Objects and lists within each other."""


@dataclass(frozen=True)
class Plain:
    """Bounds of a `dict[str, Any]`: characters of its JSON. NUL, half characters, NaN and infinities are refused."""

    most: int

    @property
    def words(self) -> str:
        return f"an object of at most {self.most:,} characters of JSON and {DEEPEST} levels"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def checked(self, value: dict[str, Any]) -> dict[str, Any]:
        """The value itself. ValueError: it breaks a bound."""
        if any("\0" in text for text in _texts(value)):
            raise ValueError("with NUL")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        if len(text) > self.most:
            raise ValueError("too long")
        return value


def _texts(value: object) -> Iterator[str]:
    """All keys and texts, level by level. ValueError: there are more than DEEPEST levels."""
    here, level = [value], 0
    while here:
        yield from (one for one in here if isinstance(one, str))
        within = [one for one in here if isinstance(one, dict | list)]
        level += bool(within)
        if level > DEEPEST:
            raise ValueError("too deep")
        here = [inner for one in within for inner in ([*one, *one.values()] if isinstance(one, dict) else one)]
