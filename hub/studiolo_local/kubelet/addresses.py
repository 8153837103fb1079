"""Gives each pod a loopback address of its own. I/O: one bound socket for each address in use.

The socket is the claim: it is never listened on, but no other cluster on this machine can take the
same address while it is open, and after a crash it is free again by itself. Addresses go round, so
that one is not given to another pod soon after its release, while old connections still mean it.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from typing import Final

_NETWORK: Final = ipaddress.IPv4Network("127.77.0.0/16")
_CLAIM_PORT: Final = 47077
_USABLE: Final = 256 * 254


class NoAddressLeft(Exception):  # noqa: N818 - a state of the machine
    """Every address is taken."""


class AddressPool:
    """The addresses 127.77.x.y that this kubelet has claimed."""

    def __init__(self, after: str | None = None) -> None:
        """Go on behind `after`; without it at a random place, to meet no other cluster."""
        self._next = secrets.randbelow(_USABLE) if after is None else _number(after) + 1
        self._claims: dict[str, socket.socket] = {}

    def take(self, preferred: str | None = None) -> str:
        """An address; the preferred one if it is free."""
        if preferred is not None and self._claim(preferred):
            return preferred
        for _ in range(_USABLE):
            address = _address(self._next)
            self._next = (self._next + 1) % _USABLE
            if self._claim(address):
                return address
        raise NoAddressLeft(f"Every address of {_NETWORK} is in use on this machine.")

    def release(self, address: str) -> None:
        """Give an address back."""
        claim = self._claims.pop(address, None)
        if claim is not None:
            claim.close()

    def close(self) -> None:
        """Give everything back."""
        for address in list(self._claims):
            self.release(address)

    def _claim(self, address: str) -> bool:
        if address in self._claims or ipaddress.IPv4Address(address) not in _NETWORK:
            return False
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind((address, _CLAIM_PORT))
        except OSError:
            claim.close()
            return False
        self._claims[address] = claim
        return True


def _address(number: int) -> str:
    high, low = divmod(number % _USABLE, 254)
    return str(_NETWORK[high * 256 + low + 1])


def _number(address: str) -> int:
    offset = int(ipaddress.IPv4Address(address)) - int(_NETWORK.network_address)
    high, low = divmod(offset, 256)
    return high * 254 + low - 1
