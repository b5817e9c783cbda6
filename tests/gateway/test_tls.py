"""TLS that breaks after its handshake: the endpoint has the call, and may bill it."""

import asyncio
from pathlib import Path

import pytest

from gateway.call import Endpoint, call
from gateway.client import Client
from gateway.failure import CallFailed, Retryable
from gateway.transport import GuardedTransport
from tests.gateway.test_call import ask
from tests.gateway.tls import breaking, certificate


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"], ids=["head", "body"])
def test_tls_that_breaks_is_a_broken_reply(tmp_path: Path, begun: bytes) -> None:
    public, private = certificate(tmp_path)

    async def attempt(url: str) -> CallFailed:
        async with Client(private=True, seconds=10.0) as client:
            transport = client._http._transport
            assert isinstance(transport, GuardedTransport)
            transport._context.load_verify_locations(public)  # one authority more, for this client
            with pytest.raises(CallFailed) as caught:
                await call(client, Endpoint(url), ask("a cat"))
            return caught.value

    with breaking(public, private, begun) as url:
        failed = asyncio.run(attempt(url))
    assert (type(failed), failed.kind, failed.sent, failed.billed) == (Retryable, "reset", True, True)


def test_a_certificate_that_nobody_vouches_for_ends_the_call_before_it_is_sent(tmp_path: Path) -> None:
    public, private = certificate(tmp_path)

    async def attempt(url: str) -> CallFailed:
        async with Client(private=True, seconds=10.0) as client:
            with pytest.raises(CallFailed) as caught:
                await call(client, Endpoint(url), ask("a cat"))
            return caught.value

    with breaking(public, private, b"") as url:
        failed = asyncio.run(attempt(url))
    assert (failed.kind, failed.sent, failed.billed) == ("unreachable", False, False)
