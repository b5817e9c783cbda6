"""What is asked of the model, whichever wire it came by."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from examples.teacher_server.refused import Refused

OFFER = re.compile(r"one of[^:\n]{0,40}:\s*([^\n]+)", re.IGNORECASE)
TEXT = re.compile(r"^Text:[ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """JSON around a class name: a bare string, or an object whose one property is `key`."""

    key: str | None
    names: tuple[str, ...]

    def write(self, name: str) -> str:
        return json.dumps(name if self.key is None else {self.key: name})


@dataclass(frozen=True)
class Ask:
    """One call. `top_logprobs` None asks for no log-probabilities at all; `limit` is in tokens of one choice."""

    contents: tuple[str, ...]
    """What each message says, the first one first; the last one holds the text."""
    n: int = 1
    seed: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    limit: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    frame: Frame | None = None
    stream: bool = False
    stream_usage: bool = False
    old_bound: bool = False
    """The limit came as `max_tokens`, where the wire has a newer name for it."""

    def text(self, classes: Sequence[str]) -> str:
        """What is to be classed: what follows the last line that begins with `Text:`, up to an empty line; without such a
        line the last paragraph that offers none of the classes."""
        said = self.contents[-1]
        found = list(TEXT.finditer(said))
        if found:
            return said[found[-1].end() :].strip().partition("\n\n")[0]
        paragraphs = [part for part in said.strip().split("\n\n") if not offered(part, classes)]
        return (paragraphs or [said])[-1].strip()

    def among(self, classes: Sequence[str]) -> list[str]:
        """The classes that the schema allows, else those after the last "one of:" that names any, else all.

        Raises Refused where a schema allows none of them.
        """
        if self.frame is None or not self.frame.names:
            return offered("\n".join(self.contents), classes) or list(classes)
        allowed = [name for name in classes if name in self.frame.names]
        if not allowed:
            raise Refused(400, "The schema's enum holds none of the classes.", "response_format")
        return allowed


def offered(said: str, classes: Sequence[str]) -> list[str]:
    """The classes after the last "one of:" that names any."""
    for offer in reversed(OFFER.findall(said)):
        named = {name.strip(" .\"'`").lower() for name in offer.split(",")}
        if found := [name for name in classes if name.lower() in named]:
            return found
    return []


def frame(schema: object, param: str) -> Frame:
    """The frame that a JSON schema asks for: a string with an enum, or an object with one such property.

    Raises Refused for every other schema; `param` is the request's field.
    """
    if not isinstance(schema, Mapping):
        raise Refused(400, "A JSON schema is an object.", param)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and len(properties) == 1:
        ((key, value),) = properties.items()
        return Frame(str(key), names(value, param))
    return Frame(None, names(schema, param))


def names(value: object, param: str) -> tuple[str, ...]:
    found = value.get("enum") if isinstance(value, Mapping) else None
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise Refused(
            400, "Only a string with an enum is known, or an object whose one property is such a string.", param
        )
    return tuple(found)
