"""Which network addresses an image check may talk to, held at the very socket.

The rule (``refusal_of``) is pure; the resolver and the socket factory are thin edges that apply
it. Guarantees: no connection is opened to an address that the rule refuses, whatever a name
resolves to and however often the answer changes. The address that was checked is the one that is
connected to: the socket factory sees the final address of every connection, literal addresses
included, so there is no moment between check and use in which a name server could change its mind.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from aiohttp import AddrInfoType, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressRule = Callable[[str, bool], str | None]

# Where clouds answer virtual machines with credentials. Two of them lie in public or private ranges
# and would pass for an ordinary host. https://cloud.google.com/compute/docs/metadata and its peers
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",
            "fd00:ec2::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ),
    )
)
# Networks in which an IPv6 address stands for an IPv4 one, besides mapped, 6to4 and Teredo
# addresses: NAT64 (RFC 6052, RFC 8215) and the old "compatible" form
_EMBEDDING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
_CONNECTIONS = 32
_CONNECTIONS_PER_HOST = 8
_DNS_SECONDS = 10


class ForbiddenAddress(OSError):  # noqa: N818
    """A connection was about to go where it may not. An OSError, as the HTTP client expects."""


def refusal_of(address: str, allow_private: bool) -> str | None:
    """Why no connection may go to this address, or None.

    ``allow_private``: an administrator has listed the registry as one inside the own network;
    loopback, private and shared addresses are then fine. Metadata services, link-local, multicast
    and reserved addresses never are.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "is not an IP address"
    for candidate in (ip, *_embedded(ip)):
        if candidate in _METADATA:
            return "is a cloud's metadata service"
        if candidate.is_link_local:
            return "is link-local"
        if candidate.is_multicast or candidate.is_unspecified:
            return "is not the address of one host"
    # An embedded address is judged as what it stands for; the outer form says nothing then
    for candidate in _embedded(ip) or (ip,):
        if candidate.is_global:
            continue
        inside = candidate.is_private or candidate.is_loopback or _is_shared(candidate)
        if not inside or _is_reserved(candidate):
            return "is reserved"
        if not allow_private:
            return "is in a private network"
    return None


def _embedded(ip: IPAddress) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ()
    found: list[ipaddress.IPv4Address] = []
    if ip.ipv4_mapped is not None:
        found.append(ip.ipv4_mapped)
    if ip.sixtofour is not None:
        found.append(ip.sixtofour)
    if ip.teredo is not None:
        found.extend(ip.teredo)
    if not ip.is_loopback and not ip.is_unspecified and any(ip in net for net in _EMBEDDING):
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF))
    return tuple(found)


def _is_shared(ip: IPAddress) -> bool:
    """Carrier-grade NAT (RFC 6598), which Python counts neither as private nor as global."""
    return ip.version == 4 and ip in ipaddress.IPv4Network("100.64.0.0/10")


def _is_reserved(ip: IPAddress) -> bool:
    return ip.version == 4 and ip in ipaddress.IPv4Network("240.0.0.0/4")


class GuardedResolver(AbstractResolver):
    """Resolves a name and refuses it as a whole when any of its addresses is refused.

    As a whole, because a name that points to the outside and to the inside at once is either an
    attack or a mistake, and which address would be used is chance.
    """

    def __init__(
        self, inner: AbstractResolver, *, allow_private: bool, rule: AddressRule = refusal_of
    ) -> None:
        self._inner = inner
        self._allow_private = allow_private
        self._rule = rule

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of the host; ForbiddenAddress when one of them is refused."""
        found = await self._inner.resolve(host, port, family)
        for result in found:
            if (why := self._rule(result["host"], self._allow_private)) is not None:
                raise ForbiddenAddress(f"an address of the host {why}")
        return found

    async def close(self) -> None:
        """Close the resolver behind this one."""
        await self._inner.close()


def guarded_connector(
    *,
    allow_private: bool,
    resolver: AbstractResolver | None = None,
    rule: AddressRule = refusal_of,
) -> TCPConnector:
    """A connector whose every socket goes where the rule allows. Needs a running loop."""

    def open_socket(target: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = target
        if (why := rule(str(address[0]), allow_private)) is not None:
            raise ForbiddenAddress(f"the host's address {why}")
        return socket.socket(family, kind, protocol)

    return TCPConnector(
        resolver=GuardedResolver(
            resolver or ThreadedResolver(), allow_private=allow_private, rule=rule
        ),
        socket_factory=open_socket,
        limit=_CONNECTIONS,
        limit_per_host=_CONNECTIONS_PER_HOST,
        ttl_dns_cache=_DNS_SECONDS,
    )
