"""An httpx transport whose sockets are connected only to addresses that were checked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial

import httpcore
import httpx

from gateway.address import Resolve, admitted

KEPT = 30.0
"""Seconds that a connection is kept for the next request."""


class Guarded(httpcore.AsyncNetworkBackend):
    """Resolves, checks, and connects to the number; TLS still asks for the certificate of the name."""

    def __init__(self, *, private: bool, resolve: Resolve) -> None:
        self._private = private
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await admitted(host, port, private=self._private, resolve=self._resolve)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class Lane(httpx.AsyncHTTPTransport):
    """httpx's own transport over a guarded network, with one connection. Knows no proxy, since none is asked for here."""

    def __init__(self, network: Guarded, context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=1, keepalive_expiry=KEPT, network_backend=network
        )


class Lent(httpx.AsyncByteStream):
    """The body of a reply, whose lane is free for the next request once it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, free: Callable[[], None]) -> None:
        self._body, self._free = body, free

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            self._free()


class GuardedTransport(httpx.AsyncBaseTransport):
    """`connections` lanes, the one used last first.

    One pool of many connections would look at each of them for every request and again at its end: with 64 in flight that is half of the work.
    """

    def __init__(self, *, private: bool, resolve: Resolve, connections: int) -> None:
        self._network = Guarded(private=private, resolve=resolve)
        self._context = httpx.create_ssl_context(verify=True, trust_env=False)
        self._room = asyncio.Semaphore(connections)
        self._lanes: list[Lane] = []
        self._idle: list[Lane] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Waits for a lane. Raises as httpx's own transport does."""
        await self._room.acquire()
        lane = self._idle.pop() if self._idle else self._new()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._free(lane)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = Lent(response.stream, partial(self._free, lane))
        return response

    async def aclose(self) -> None:
        for lane in self._lanes:
            await lane.aclose()

    def _new(self) -> Lane:
        lane = Lane(self._network, self._context)
        self._lanes.append(lane)
        return lane

    def _free(self, lane: Lane) -> None:
        """Once for each time that it was taken: httpx closes a body once."""
        self._idle.append(lane)
        self._room.release()
