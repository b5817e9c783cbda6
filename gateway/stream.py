"""A reply that comes in pieces: server-sent events, whatever wire they are of, and the errors that come among them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from gateway.failure import OWES, Retryable

LINE = re.compile(r"\r\n|\n|\r")
"""No other character ends a line: an answer may hold U+2028."""
STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403, "not_found_error": 404,
    "request_too_large": 413, "rate_limit_error": 429, "rate_limit_exceeded": 429, "server_error": 500,
    "api_error": 500, "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip
"""The status that an error would have had before the stream began, by its name on either wire."""


class Told(Exception):
    """An error of the endpoint within a stream, whose own status was 200. `begun`: something of an answer came before it, and may be billed."""

    def __init__(self, status: int, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.status, self.message, self.begun = status, message, begun


def data(body: bytes) -> Iterator[str]:
    """The data of each event, by the HTML standard (9.2.6), but that the end of `body` ends an event too."""
    held: list[str] = []
    for line in [*LINE.split(body.decode("utf-8-sig", "replace")), ""]:
        name, _, value = line.partition(":")
        if not line and held:
            yield "\n".join(held)
            held = []
        elif name == "data":
            held.append(value.removeprefix(" "))


def read(text: str, *, begun: bool) -> dict[str, Any]:
    """An event's JSON. Raises Told where it is an error, and `Retryable` (malformed) where it is no object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Retryable("malformed", "an event of the stream is no JSON object", sent=True, status=200)
    if (error := found.get("error")) is not None:
        said = error if isinstance(error, dict) else {"message": error}
        raise Told(_status(said.get("code"), said.get("type")), str(said.get("message", "")), begun=begun)
    return found


def _status(number: object, name: object) -> int:
    """By a name for credit that is gone, else by its number where it has one, else by its name; 500 for one that nobody knows."""
    if number in OWES or name in OWES:
        return 402
    if str(number).isdecimal() and len(str(number)) == 3 and 400 <= int(str(number)) < 600:
        return int(str(number))
    return STATUS.get(str(number)) or STATUS.get(str(name), 500)


def cut() -> Retryable:
    """A stream that does not say that it is at its end."""
    return Retryable("reset", "the stream ends before its answer is whole", sent=True, status=200)
