"""The batch API of OpenAI, as others speak it, too: a file of calls is uploaded, made into a batch, and answered within a day by a file of replies.

Limits are OpenAI's: 50,000 calls and 200 MB a file (https://platform.openai.com/docs/guides/batch).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from gateway.call import WIRES, Endpoint, failed
from gateway.client import REPLY, Client, Form, Into, Response
from gateway.failure import CallFailed, Permanent, Retryable
from gateway.words import NAME, words

LINES = 50_000
BYTES = 190_000_000
LARGEST = 4 << 30
"""Bytes of a file of results, however many calls there were."""
FREE = 128 << 20
"""Bytes that it leaves free on the disk that it is put on: half of what has to be free before a job that found it full goes on (workers/sweeper.py)."""
TRANSFER = 900.0
"""Seconds that a file may take."""
PATH = "/v1/chat/completions"
WINDOW = "24h"
MARK = "stillhouse"
"""The key of a batch's metadata under which our own name of it stands."""
PAGE, PAGES = 100, 20
ENDS = ("completed", "failed", "expired", "cancelled")


class Buried(Permanent):
    """The endpoint lists more batches than are looked through."""


class Refusal(NamedTuple):
    """The endpoint's own words."""

    word: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A batch, as the endpoint tells of it."""

    id: str
    status: str
    total: int = 0
    done: int = 0
    """Answered or failed."""
    files: tuple[str, ...] = ()
    """Replies, then errors, as far as they are there."""
    refusal: Refusal | None = None
    """Why it failed as a whole."""

    @property
    def ended(self) -> bool:
        return self.status in ENDS


def line(number: int, body: bytes) -> bytes:
    """A call of the file; its name is its number."""
    return b'{"custom_id":"%d","method":"POST","url":"%s","body":%s}\n' % (number, PATH.encode(), body)


async def offered(client: Client, endpoint: Endpoint) -> bool:
    """Whether there is a batch API at all. Nothing is made. Raises Retryable where that may be told later."""
    try:
        listed = _json(await _send(client, endpoint, "GET", "/batches?limit=1"))
    except CallFailed as error:
        if isinstance(error, Permanent) or error.kind == "malformed":
            return False
        raise
    return isinstance(listed.get("data"), list)


async def upload(client: Client, endpoint: Endpoint, calls: IO[bytes]) -> str:
    """The endpoint's name of the file. Raises CallFailed."""
    calls.seek(0)
    form = Form({"purpose": "batch"}, ("calls.jsonl", calls, "application/jsonl"))
    return _id(endpoint, await _send(client, endpoint, "POST", "/files", form=form, seconds=TRANSFER))


async def create(client: Client, endpoint: Endpoint, file: str, mark: str) -> Remote:
    """Sends an uploaded file off. Raises CallFailed; `may_be_made` says what that leaves open."""
    body = {"input_file_id": file, "endpoint": PATH, "completion_window": WINDOW, "metadata": {MARK: mark}}
    return _remote(endpoint, await _send(client, endpoint, "POST", "/batches", body=body))


def may_be_made(error: CallFailed) -> bool:
    """Whether a create that failed may have made the batch all the same: where a call like it may be billed, for its reply was lost or is odd, and
    where the server is in trouble. That costs nothing by itself, but may come after the batch was made; to look for it costs nothing either."""
    return error.billed or error.kind == "server_error"


async def find(client: Client, endpoint: Endpoint, file: str, mark: str) -> Remote | None:
    """The batch that was made of a file, or that has our mark. Raises CallFailed; Buried where it is not among the first of a long list."""
    after = ""
    for _ in range(PAGES):
        page = _json(await _send(client, endpoint, "GET", f"/batches?limit={PAGE}{after}"))
        listed = [one for one in page.get("data") or () if isinstance(one, dict)]
        for one in listed:
            if one.get("input_file_id") == file or (one.get("metadata") or {}).get(MARK) == mark:
                return _seen(endpoint, one)
        if not page.get("has_more") or not listed:
            return None
        after = f"&after={listed[-1].get('id')}"
    raise Buried("not_found", f"the batch is not among the first {PAGES * PAGE:,} listed", sent=True, status=200)


async def look(client: Client, endpoint: Endpoint, id: str) -> Remote:
    """How far it is. Raises CallFailed."""
    return _remote(endpoint, await _send(client, endpoint, "GET", f"/batches/{id}"))


async def cancel(client: Client, endpoint: Endpoint, id: str) -> Remote:
    """No further call of it is made; what was answered is billed, and is in its files. Raises CallFailed."""
    return _remote(endpoint, await _send(client, endpoint, "POST", f"/batches/{id}/cancel"))


async def download(client: Client, endpoint: Endpoint, file: str, into: IO[bytes], most: int) -> None:
    """Results that have so many bytes at most, and those of one reply that comes by itself. Raises CallFailed; OSError on a full disk."""
    into.seek(0)
    into.truncate()
    wanted = Into(into, min(LARGEST, REPLY + most), FREE)
    await _send(client, endpoint, "GET", f"/files/{file}/content", into=wanted, seconds=TRANSFER)


async def discard(client: Client, endpoint: Endpoint, file: str) -> None:
    """Raises CallFailed."""
    await _send(client, endpoint, "DELETE", f"/files/{file}")


async def _send(client: Client, endpoint: Endpoint, method: str, path: str, **what: Any) -> Response:
    url, headers = endpoint.at(path), WIRES[endpoint.wire].headers(endpoint.key)
    response = await client.send(method, url, headers=headers, **what)
    if not response.well:
        raise failed(response, endpoint.key)
    return response


def _json(response: Response) -> dict[str, Any]:
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Retryable("malformed", "the reply is no JSON object", sent=True, status=200)
    return found


def _id(endpoint: Endpoint, response: Response) -> str:
    id = _json(response).get("id")
    if not isinstance(id, str) or not _plain(endpoint, id):
        raise Retryable("malformed", "the reply names no file", sent=True, status=200)
    return id


def _remote(endpoint: Endpoint, response: Response) -> Remote:
    return _seen(endpoint, _json(response))


def _seen(endpoint: Endpoint, found: dict[str, Any]) -> Remote:
    id, status, counts = found.get("id"), found.get("status"), found.get("request_counts")
    if not isinstance(id, str) or not _plain(endpoint, id) or not isinstance(status, str):
        raise Retryable("malformed", "the reply is no batch", sent=True, status=200)
    told = counts if isinstance(counts, dict) else {}
    total, well, ill = (_count(told.get(name)) for name in ("total", "completed", "failed"))
    files = (found.get("output_file_id"), found.get("error_file_id"))
    return Remote(
        id=id, status=words(status, endpoint.secret, NAME), total=total, done=well + ill, refusal=next(_refusals(endpoint, found), None),
        files=tuple(file for file in files if isinstance(file, str) and _plain(endpoint, file)),
    )  # fmt: skip


def _refusals(endpoint: Endpoint, found: dict[str, Any]) -> Iterator[Refusal]:
    errors = found.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else errors
    for one in listed if isinstance(listed, list) else ():
        told = one if isinstance(one, dict) else {"message": one}
        yield Refusal(str(told.get("code")), words(told.get("message"), endpoint.key))


def _plain(endpoint: Endpoint, id: str) -> bool:
    """A name that goes into a path, and is kept."""
    if endpoint.secret is not None and endpoint.secret in id:
        return False
    return 0 < len(id) <= 200 and id.isascii() and all(letter.isalnum() or letter in "-_.:" for letter in id)


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0
