"""One call to a model behind an endpoint: its reply, or a failure of a known class."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from gateway import anthropic, openai, stream
from gateway.client import Client, Response
from gateway.failure import LATE, OWES, CallFailed, Permanent, Retryable
from gateway.reply import Ask, Reply
from gateway.words import plain, words

WIRES = {"openai": openai, "anthropic": anthropic}
PERMANENT = {401: "unauthorized", 402: "unpaid", 403: "forbidden", 404: "not_found"}
BUSY = (429, 529)
"""Too many calls: 529 is Anthropic's word for an endpoint that is overloaded by others."""

SHORTEST = 8
"""Characters of a key that is looked for in answers."""


@dataclass(frozen=True)
class Endpoint:
    """Where to call: `url` ends where the wire's own path begins, as in https://api.example.com/v1, but for a query."""

    url: str
    key: str | None = field(default=None, repr=False)
    wire: Literal["openai", "anthropic"] = "openai"
    idle: float | None = None
    """Seconds without a byte after which a streamed reply is given up; None: replies are asked for whole."""

    def __post_init__(self) -> None:
        """A key that no header can hold would be quoted by the HTTP library's error."""
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and " " not in self.key):
            raise ValueError("a key is printable ASCII without spaces")

    @property
    def secret(self) -> str | None:
        """The key, where it is long enough to be one: `none` or `EMPTY` may be a word of an answer."""
        return self.key if self.key is not None and len(self.key) >= SHORTEST else None

    def at(self, path: str) -> str:
        """The URL of a path of the wire. A query of our own URL, such as Azure's `api-version`, goes with every call, before the path's."""
        base, _, own = self.url.partition("?")
        path, _, more = path.partition("?")
        query = "&".join(filter(None, (own, more)))
        return base.rstrip("/") + path + (f"?{query}" if query else "")


async def call(client: Client, endpoint: Endpoint, ask: Ask) -> Reply:
    """Asks once, without a retry. Raises `Retryable` or `Permanent`; no message holds the key."""
    wire = WIRES[endpoint.wire]
    streamed = {} if endpoint.idle is None else wire.STREAM
    return read(endpoint, await send(client, endpoint, wire.request(ask) | streamed))


def read(endpoint: Endpoint, response: Response) -> Reply:
    """What a reply says, in words that may be kept. Raises as `call` does."""
    whole = gathered(endpoint, response) if streams(response) else WIRES[endpoint.wire].reply(response.body)
    return plain(whole, endpoint.secret)


async def send(client: Client, endpoint: Endpoint, body: Mapping[str, object]) -> Response:
    """One request as it stands. Raises as `call` does for every status but 2xx."""
    wire = WIRES[endpoint.wire]
    url = endpoint.at(wire.PATH)
    response = await client.send("POST", url, headers=wire.headers(endpoint.key), body=body, idle=endpoint.idle)
    if not response.well:
        raise failed(response, endpoint.key)
    return response


def streams(response: Response) -> bool:
    """Whether it came as a stream: an endpoint that is asked for one may answer whole."""
    return response.headers.get("content-type", "").strip().lower().startswith("text/event-stream")


def gathered(endpoint: Endpoint, response: Response) -> Reply:
    """The reply that a stream's events make together. Raises as `call` does."""
    try:
        reply: Reply = WIRES[endpoint.wire].gathered(stream.data(response.body))
    except stream.Told as told:
        message = _message(told.status, told.message, endpoint.key)
        broken = (
            told.begun and told.status in BUSY
        )  # what was answered may be billed, so it is no call that waits its turn
        error = classed(500 if broken else told.status, message)
        error.status = 200 if told.begun else told.status
        raise error from told
    return reply


def failed(response: Response, key: str | None) -> CallFailed:
    """The class of a status, with the endpoint's own words less the key, which some endpoints repeat."""
    error = _error(response.body)
    message = _message(response.status, str(error.get("message", "")), key)
    if error.get("code") in OWES or error.get("type") in OWES:
        return Permanent("unpaid", message, sent=True, status=response.status)
    return classed(response.status, message, retry_after(response))


def classed(status: int, message: str, after: float | None = None) -> CallFailed:
    if status in BUSY:
        return Retryable("rate_limited", message, sent=True, status=status, retry_after=after)
    if status in LATE:
        return Retryable("timeout", message, sent=True, status=status, retry_after=after)
    if status >= 500:
        return Retryable("server_error", message, sent=True, status=status, retry_after=after)
    return Permanent(PERMANENT.get(status, "bad_request"), message, sent=True, status=status)


def retry_after(response: Response) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` in either of its forms (RFC 9110, 10.2.3)."""
    try:
        if "retry-after-ms" in response.headers:
            return max(0.0, float(response.headers["retry-after-ms"]) / 1000)
        text = response.headers.get("retry-after", "")
        if text.strip().isdecimal():
            return float(text)
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _error(body: bytes) -> Mapping[str, Any]:
    """What a body says of its error; {}: nothing."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {"message": error}


def _message(status: int, said: str, key: str | None) -> str:
    return f"HTTP {status}: {words(said, key)}"
