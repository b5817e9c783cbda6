"""Hostile URLs never reach a server on this machine."""

import asyncio

import pytest

from gateway.address import allowed
from gateway.client import Client
from gateway.failure import CallFailed, Permanent
from tests.exchange import http
from tests.gateway.server import teacher

# Every one is 127.0.0.1, or a name or spelling of it, or another way to a place inside.
HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "017700000001",
    "0177.0.0.1", "0177.0x0.0.1", "0", "0.0.0.0", "0x0", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "2852039166",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "user@127.0.0.1", "example.com@127.0.0.1", "example.com:443@127.0.0.1",
]  # fmt: skip
SCHEMES = ["file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/", "dict://127.0.0.1:{port}/",
           "unix:///run/x.sock", "//127.0.0.1:{port}/", "127.0.0.1:{port}", "http://127.0.0.1:{port}/", "https://", "",
           "https:///127.0.0.1:{port}/", "https://exa\nmple.com/", "https://127.0.0.1:99999/", "https://8.8.8.8:22/",
           "https://8.8.8.8:25/"]  # fmt: skip
URLS = [f"https://{host}:{{port}}/v1/chat/completions" for host in HOSTS] + SCHEMES


@pytest.mark.parametrize("url", URLS)
def test_no_canary_is_reached(url: str) -> None:
    async def attempt() -> tuple[CallFailed, int]:
        async with teacher() as canary, Client(seconds=5) as client:
            with pytest.raises(CallFailed) as caught:
                await client.send("POST", url.format(port=canary.port), body={})
            return caught.value, canary.connections

    failure, connections = asyncio.run(attempt())
    assert connections == 0
    assert not failure.sent and failure.kind in ("refused", "unreachable"), failure.kind


def test_the_canary_sings_when_an_administrator_allows_it() -> None:
    async def attempt() -> int:
        async with teacher(http(200, b"{}")) as canary, Client(private=True) as client:
            assert (await client.send("GET", canary.url)).body == b"{}"
            return canary.connections

    assert asyncio.run(attempt()) == 1


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"], []]
)
def test_names_that_lead_inside(answers: list[str]) -> None:
    """A CNAME to loopback arrives as its address; one bad address among good ones spoils the name."""

    async def lies(_host: str, _port: int) -> list[str]:
        return answers

    async def attempt() -> int:
        async with teacher() as canary, Client(resolve=lies) as client:
            with pytest.raises(Permanent) as caught:
                await client.send("POST", f"https://teacher.example:{canary.port}/", body={})
            assert caught.value.kind == "refused"
            return canary.connections

    assert asyncio.run(attempt()) == 0


def test_a_name_is_resolved_once_and_its_checked_number_called() -> None:
    """Rebinding: the second answer of the resolver is another server, which must never be asked."""

    async def attempt() -> None:
        async with teacher(http(200, b"{}")) as first, Client(private=True, resolve=rebinding) as client:
            await client.send("GET", f"http://teacher.example:{first.port}/")
            assert first.connections == 1 and asked == ["teacher.example"]
            first.fault = None
            with pytest.raises(Permanent) as caught:
                await client.send("GET", f"http://teacher.example:{first.port}/")
            assert caught.value.kind == "refused" and first.connections == 1

    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    asyncio.run(attempt())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    async def attempt() -> int:
        async with teacher() as canary, Client(private=True) as client:
            async with teacher(http(status, b"", Location=f"http://127.0.0.1:{canary.port}/")) as door:
                with pytest.raises(Permanent) as caught:
                    await client.send("POST", door.url, body={})
            assert caught.value.kind == "redirected"
            return canary.connections

    assert asyncio.run(attempt()) == 0


def test_proxy_variables_are_not_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> tuple[int, int]:
        async with teacher() as proxy, teacher(http(200, b"{}")) as door:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            async with Client(private=True) as client:
                await client.send("GET", door.url)
            return proxy.connections, door.connections

    assert asyncio.run(attempt()) == (0, 1)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "fe80::1"]
)
def test_not_even_an_administrator_allows(address: str) -> None:
    assert not allowed(address, private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert allowed(address, private=False)
