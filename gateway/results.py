"""The files that a batch comes back as: one result a call, found by its number, read when it is needed."""

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from gateway.call import Endpoint, failed, read
from gateway.client import Response
from gateway.failure import CallFailed, Retryable
from gateway.reply import Reply
from gateway.words import words

LONGEST = 32 << 20
"""Bytes of a result."""
LAPSED = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
"""Calls that were not made, by the endpoint's word for it."""

BLAMELESS = (*LAPSED.values(), "rate_limited")
"""Kinds of failures that say nothing against an endpoint."""


class Place(NamedTuple):
    """Where a result stands; `file` -1: nowhere."""

    call: int
    file: int
    start: int


class Results:
    """Of one batch of `calls` calls: those of the files in their order, then those that no file has. The same files give the same order."""

    def __init__(self, files: Sequence[IO[bytes]], calls: int, endpoint: Endpoint, status: str) -> None:
        self._files, self._endpoint, self._status = files, endpoint, status
        self._places = list(self._read(calls))

    def __len__(self) -> int:
        return len(self._places)

    def part(self, first: int, number: int) -> list[tuple[int, Reply | CallFailed]]:
        """(number of the call, what came of it)."""
        return [(place.call, self._result(place)) for place in self._places[first : first + number]]

    def _read(self, calls: int) -> Iterator[Place]:
        missing = set(range(calls))
        for number, file in enumerate(self._files):
            file.seek(0)
            start = 0
            while line := file.readline(LONGEST):
                call = _number(_parsed(line))
                if call in missing:  # the first word counts, and no call that was not made
                    missing.remove(call)
                    yield Place(call, number, start)
                start += len(line)
        yield from (Place(call, -1, 0) for call in sorted(missing))

    def _result(self, place: Place) -> Reply | CallFailed:
        if place.file < 0:
            return self._missing()
        file = self._files[place.file]
        file.seek(place.start)
        found = _parsed(file.readline(LONGEST))
        response, error = found.get("response"), found.get("error")
        if isinstance(response, dict) and isinstance(response.get("status_code"), int):
            return self._responded(response["status_code"], json.dumps(response.get("body")).encode())
        told = error if isinstance(error, dict) else {}
        kind = LAPSED.get(str(told.get("code")), "server_error")
        return Retryable(kind, words(told.get("message"), self._endpoint.key), sent=False)

    def _responded(self, status: int, body: bytes) -> Reply | CallFailed:
        """Nothing comes late from a batch that has ended: what the endpoint says that failed, it does not bill."""
        response = Response(status, {}, body)
        if not response.well:
            error = failed(response, self._endpoint.key)
            error.sent = False
            return error
        try:
            return read(self._endpoint, response)
        except CallFailed as error:
            return error

    def _missing(self) -> CallFailed:
        if self._status == "completed":  # it may have been made, and billed
            return Retryable("malformed", "the batch has no result for this call", sent=True, status=200)
        return Retryable("expired", f"the batch is {self._status}, and has no result for this call", sent=False)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(found: dict[str, Any]) -> int:
    name = found.get("custom_id")
    return int(name) if isinstance(name, str) and name.isascii() and name.isdecimal() and len(name) < 9 else -1
