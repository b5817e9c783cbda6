"""Requests, and when they are sent again."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

from stillhouse.errors import Unreachable, error_of

CHUNK = 1 << 20
LONGEST_PAUSE = 8.0
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which a request is sent again. Every request of ours may be: creating ones carry an Idempotency-Key."""
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""After these the server has seen nothing of the request."""
Gone = TypeVar("Gone")


class Transport:
    """One pool of connections to one server, with one key. Threads may share it."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float, max_retries: int) -> None:
        """`timeout` in seconds, for each wait of a request; `max_retries` after the first try."""
        self.base_url = base_url.rstrip("/")
        self.max_retries = max_retries
        headers = {"authorization": f"Bearer {api_key}", "user-agent": "stillhouse-python"}
        self._client = httpx.Client(base_url=self.base_url, headers=headers, timeout=timeout)

    def get(self, path: str, **query: Any) -> Any:
        """JSON of a reply. Raises APIError, Unreachable; so do all."""
        return self._json("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._json("POST", path, json=body)

    def create(self, path: str, body: Mapping[str, Any], idempotency_key: str | None = None) -> Any:
        """A POST that makes one thing, however often it has to be sent."""
        return self._json("POST", path, json=body, headers=_once(idempotency_key))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._json("PATCH", path, json=dict(body))

    def delete(self, path: str, gone: Gone) -> Gone:
        """The reply; `gone` where an earlier try may have done it and the server says now that nothing is there."""
        response = self._send("DELETE", path)
        found: Gone = response.json() if response.is_success else gone
        return found

    def upload(self, path: str, source: IO[bytes], filename: str, fields: Mapping[str, str]) -> Any:
        """A multipart POST that streams from a file that can seek."""
        files = {"file": (filename, source, "application/octet-stream")}
        return self._json("POST", path, rewind=source, files=files, data=dict(fields), headers=_once(None))

    def download(self, path: str, target: Path, **query: Any) -> Path:
        """Streams a reply into a file, which is there whole or not at all."""
        partial = target.with_name(target.name + ".part")
        try:
            with self.stream(path, **query) as response, partial.open("wb") as file:
                for chunk in response.iter_bytes(CHUNK):
                    file.write(chunk)
            return partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def stream(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Any) -> Iterator[httpx.Response]:
        """A reply that is read by the caller."""
        response = self._send("GET", path, stream=True, params=query, headers=headers)
        try:
            yield response
        except httpx.TransportError as error:
            raise Unreachable(f"the connection to {self.base_url} broke: {error}") from error
        finally:
            response.close()

    def close(self) -> None:
        self._client.close()

    def _json(self, method: str, path: str, **parts: Any) -> Any:
        return self._send(method, path, **parts).json()

    def _send(
        self, method: str, path: str, *, stream: bool = False, rewind: IO[bytes] | None = None, **parts: Any
    ) -> httpx.Response:
        """A good reply; to a DELETE that an earlier try may have done, also "not found". Raises Unreachable or APIError once the tries are used up."""
        maybe_done = False
        for attempt in count():
            last = attempt >= self.max_retries
            if rewind is not None:
                rewind.seek(0)
            try:
                response = self._client.send(self._client.build_request(method, path, **parts), stream=stream)
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"{self.base_url} does not answer: {error}") from error
                maybe_done = maybe_done or not isinstance(error, UNSENT)
                time.sleep(pause(attempt, None))
                continue
            if response.is_success:
                return response
            response.read()
            response.close()
            refusal = error_of(response)
            if method == "DELETE" and maybe_done and refusal.code == "not_found":
                return response
            if last or not worth_another(response):
                raise refusal
            maybe_done = maybe_done or response.is_server_error  # its commit, or a proxy's reply, may be what was lost
            time.sleep(pause(attempt, response))
        raise AssertionError("count() does not end")


def worth_another(response: httpx.Response) -> bool:
    return response.status_code in AGAIN and response.headers.get("x-should-retry") != "false"


def pause(attempt: int, response: httpx.Response | None) -> float:
    """Seconds before the next try: what the server asks for, else half a second, doubled each time, with jitter."""
    asked = response.headers.get("retry-after", "") if response is not None else ""
    if asked.replace(".", "", 1).isdigit():
        return min(float(asked), 60.0)
    return min(LONGEST_PAUSE, 0.5 * 2.0**attempt) * random.uniform(0.75, 1.0)


def _once(key: str | None) -> dict[str, str]:
    return {"idempotency-key": key or uuid.uuid4().hex}
