"""Who may pull from the registry and who may push. Pure.

Pulling is open by default; pushing always needs a password, because what is pushed here is run by
the kubelet of whoever owns the cluster, and other users of the machine can reach its loopback
ports.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Access:
    """The rule: users with passwords, whether pulls need one, and how it is asked for."""

    users: Mapping[str, str] = field(default_factory=dict)
    pull_is_open: bool = True
    scheme: Literal["basic", "token"] = "basic"
    """With "token", credentials are exchanged for a token first, as most public registries ask."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def allows(self, authorization: str, *, push: bool) -> bool:
        """Whether a request with this Authorization header may pass."""
        if not push and self.pull_is_open:
            return True
        if self.scheme == "token":
            kind, _, token = authorization.partition(" ")
            return kind.lower() == "bearer" and _same(token, self.token)
        return self.knows(authorization)

    def knows(self, authorization: str) -> bool:
        """Whether the header holds the name and password of a user."""
        kind, _, encoded = authorization.partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        expected = self.users.get(name)
        return expected is not None and _same(password, expected)

    def challenge(self, address: str, name: str) -> str:
        """What the refusal asks for, as a WWW-Authenticate header."""
        if self.scheme == "basic":
            return 'Basic realm="studiolo"'
        scope = f'scope="repository:{name}:pull"'
        return f'Bearer realm="{address}/token",service="studiolo",{scope}'


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
