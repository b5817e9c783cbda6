"""The HTTP client of every outgoing call: checked addresses, no redirects, no proxies, and replies with an end."""

import asyncio
import errno
import os
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import IO, Any, Self

import httpx

from gateway.address import Resolve, resolve
from gateway.failure import Permanent, Retryable
from gateway.transport import GuardedTransport

REPLY = 10 << 20
"""Bytes of a reply."""


@dataclass(frozen=True)
class Response:
    """A whole reply, decompressed; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def well(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Form:
    """Fields, and one file: its name, what it holds from its place on, and of which type."""

    fields: Mapping[str, str]
    file: tuple[str, IO[bytes], str]


@dataclass(frozen=True)
class Into:
    """A file for a reply that is too large for memory, the most bytes that it may get, and how many it leaves free on its disk."""

    file: IO[bytes]
    size: int
    free: int = 0


class Client:
    """Calls with at most `seconds` from the first byte sent to the last one read, and `size` bytes of reply.

    `private` is what an administrator allowed: addresses of private networks, any port, and HTTP without TLS.
    """

    def __init__(
        self,
        *,
        private: bool = False,
        seconds: float = 120,
        size: int = REPLY,
        connections: int = 128,
        resolve: Resolve = resolve,
    ) -> None:
        self._private = private
        self._seconds = seconds
        self._size = size
        transport = GuardedTransport(private=private, resolve=resolve, connections=connections)
        self._http = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            timeout=seconds,
            headers={"User-Agent": "stillhouse"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        form: Form | None = None,
        into: Into | None = None,
        seconds: float | None = None,
        idle: float | None = None,
    ) -> Response:
        """The reply to one request, whatever its status but 3xx. Raises `Retryable` or `Permanent`, never an error of httpx; OSError where `into` has no room.

        `body` is sent as JSON, `form` as a form with one file; `into` takes what a 2xx brings, and the reply's body is empty then.
        `idle`: seconds without a byte of the reply after which it is given up.
        """
        target, seconds = self._target(url), seconds or self._seconds
        sent: dict[str, Any] = {"json": body} if form is None else {"data": form.fields, "files": {"file": form.file}}
        try:
            async with asyncio.timeout(seconds):
                timeout = httpx.Timeout(seconds, read=seconds if idle is None else idle)
                request = self._http.build_request(method, target, headers=headers, timeout=timeout, **sent)
                request.headers["Accept-Encoding"] = "gzip"
                return await self._read(await self._http.send(request, stream=True), into)
        except httpx.ConnectTimeout as error:
            raise Retryable("unreachable", "the endpoint does not answer a connection", sent=False) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            silent = idle is not None and isinstance(error, httpx.ReadTimeout)
            why = f"no byte of the reply for {idle:g} s" if silent else f"no whole reply within {seconds:g} s"
            raise Retryable("timeout", why, sent=True) from error
        except httpx.ConnectError as error:
            raise Retryable("unreachable", "the endpoint cannot be connected to", sent=False) from error
        except (httpx.TransportError, ssl.SSLError) as error:  # of TLS after the handshake, which httpcore does not map
            raise Retryable("reset", "the connection broke before the reply was whole", sent=True) from error

    def _target(self, text: str) -> httpx.URL:
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise Permanent("refused", "this is not a URL", sent=False) from error
        if reason := refusal(url, private=self._private):
            raise Permanent("refused", reason, sent=False)
        return url

    async def _read(self, response: httpx.Response, into: Into | None) -> Response:
        try:
            if 300 <= response.status_code < 400:
                raise Permanent(
                    "redirected",
                    "the endpoint redirects, which is not followed",
                    sent=True,
                    status=response.status_code,
                )
            whole = BytesIO()
            room = Into(whole, self._size) if into is None or not response.is_success else into
            body = Body(room, response.headers.get("content-encoding", "identity").strip().lower())
            async for chunk in response.aiter_raw():
                body.add(chunk)
            body.end()
            return Response(response.status_code, dict(response.headers), whole.getvalue())
        finally:
            await response.aclose()


def refusal(url: httpx.URL, *, private: bool) -> str | None:
    """Why a URL is not called whatever its host's address is, or None."""
    if url.scheme != "https" and not (private and url.scheme == "http"):
        return "the URL has to begin with https://"
    if not url.host or url.userinfo or "%" in url.host:
        return "the URL needs a host, and neither a user nor a zone before its port"
    if url.fragment:
        return "what stands behind # is never sent"
    if not private and url.port is not None and url.port < 1024 and url.port not in (80, 443):
        return f"port {url.port} belongs to another protocol"
    return None


class Body:
    """Bytes of a reply, counted after decompression, which never runs further than the cap."""

    def __init__(self, into: Into, encoding: str) -> None:
        if encoding not in ("identity", "gzip", ""):
            raise Permanent("too_large", "the reply is encoded in a way that was not asked for", sent=True)
        self._into, self._count = into, 0
        self._unzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None

    def add(self, chunk: bytes) -> None:
        room = self._into.size + 1 - self._count
        try:
            some = self._unzip.decompress(chunk, room) if self._unzip else chunk[:room]
        except zlib.error as error:
            raise Retryable("malformed", "the reply is not the gzip that it says it is", sent=True) from error
        if self._unzip and self._unzip.unused_data:  # zlib would keep it all
            raise Retryable("malformed", "the reply goes on after the end of its gzip", sent=True)
        self._count += len(some)
        if self._count > self._into.size:
            raise Permanent("too_large", f"the reply is larger than {self._into.size} bytes", sent=True)
        if self._into.free and _free(self._into.file) < self._into.free + len(some):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._into.file.write(some)

    def end(self) -> None:
        """No more comes."""
        if self._unzip and not self._unzip.eof:
            raise Retryable("reset", "the reply ends within its gzip", sent=True)


def _free(file: IO[bytes]) -> int:
    """Bytes of its disk."""
    disk = os.fstatvfs(file.fileno())
    return disk.f_bavail * disk.f_frsize
