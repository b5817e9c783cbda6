"""An httpx transport whose sockets are connected only to addresses that were checked."""

import ssl
from collections.abc import Iterable

import httpcore
import httpx

from gateway.address import Resolve, admitted


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


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool with a guarded network. Knows no proxy, since none is asked for here."""

    def __init__(self, *, private: bool, resolve: Resolve, connections: int) -> None:
        context: ssl.SSLContext = httpx.create_ssl_context(verify=True, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30,
            network_backend=Guarded(private=private, resolve=resolve),
        )
