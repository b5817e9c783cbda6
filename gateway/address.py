"""Which addresses a call may connect to.

The check is made on the address that the socket is then given, after the name was resolved, so neither a spelling of
a number nor a name that changes its mind between check and connection passes.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway.failure import Permanent, Retryable

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

# Inside a data centre, though their ranges are public: Azure's host agent and 6to4 relays.
NEVER = tuple(map(ip_network, ("168.63.129.16/32", "192.88.99.0/24")))
PRIVATE = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128", "fc00::/7"),
    )
)
# Instance metadata of clouds, within ranges that an administrator may allow.
METADATA = tuple(map(ip_address, ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254")))
UNICAST = ip_network("2000::/3")
TRANSLATED = ip_network("64:ff9b::/96")
TUNNELS = tuple(map(ip_network, ("2001::/32", "2002::/16")))


async def resolve(host: str, port: int) -> list[str]:
    """Addresses of `host` as the system knows them, in its order."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Retryable("unreachable", f"{host} has no address", sent=False) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def allowed(text: str, *, private: bool) -> bool:
    """Whether a socket may be connected to the address `text`.

    `private` admits private, shared and loopback ranges; link-local, metadata, multicast, reserved and unspecified
    addresses stay refused, since no teacher lives there.
    """
    try:
        address = _unwrapped(ip_address(text))
    except ValueError:
        return False
    if address in METADATA or address.is_multicast or any(address in network for network in NEVER):
        return False
    if any(address in network for network in PRIVATE):
        return private
    return address.is_global and _native(address)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address within an IPv6 one, where packets go to it in the end."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in TRANSLATED else address


def _native(address: Address) -> bool:
    """No tunnel, whose inner address nobody checks, and no zone, which only local addresses have."""
    if isinstance(address, IPv4Address):
        return True
    return address in UNICAST and not address.scope_id and not any(address in network for network in TUNNELS)


async def admitted(host: str, port: int, *, private: bool, resolve: Resolve) -> list[str]:
    """Addresses of `host` to connect to. Raises `Permanent` when a single one of them is refused."""
    addresses = await resolve(host, port)
    if not addresses or not all(allowed(address, private=private) for address in addresses):
        raise Permanent("refused", f"{host} is at an address that this endpoint may not call", sent=False)
    return addresses
