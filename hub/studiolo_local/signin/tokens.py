"""Signed tokens and single-use codes of the local provider.

Guarantees: a token of one use is never accepted for another; a code works once and for a minute;
nothing grows without bound. Tokens carry all they need, so that sign-ins outlive a restart of the
provider. Pure but for the clock, which is passed in; reading or making the keys is I/O.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from studiolo_local.private_files import read_or_make

Use = Literal["ticket", "access", "refresh"]
Clock = Callable[[], float]

ID_ALGORITHM = "RS256"
CODE_SECONDS = 60
MAX_CODES = 1000


class InvalidTokenError(ValueError):
    """Not a token of ours, for another use, or too old."""


class Signer:
    """Signs identity tokens, which clients verify, and sealed ones, which only we read."""

    def __init__(
        self, identity_key: RSAKey, own_key: OctKey, issuer: str, *, clock: Clock = time.time
    ) -> None:
        self._identity_key = identity_key
        self._own_key = own_key
        self._issuer = issuer
        self._clock = clock

    @classmethod
    def from_folder(cls, folder: Path, issuer: str, *, clock: Clock = time.time) -> Signer:
        """Read the keys from a folder, making them (mode 0600) the first time."""
        pem = read_or_make(
            folder / "signin-key.pem",
            lambda: RSAKey.generate_key(2048, private=True).as_pem(private=True).decode(),
        )
        own = read_or_make(folder / "signin-own-key", lambda: secrets.token_urlsafe(48))
        return cls(RSAKey.import_key(pem), OctKey.import_key(own), issuer, clock=clock)

    def public_keys(self) -> dict[str, list[dict[str, Any]]]:
        """Give the JSON Web Key Set that clients verify identity tokens with."""
        key = {
            **self._identity_key.as_dict(private=False),
            "kid": self._key_id,
            "use": "sig",
            "alg": ID_ALGORITHM,
        }
        return {"keys": [key]}

    def identity_token(
        self, claims: Mapping[str, object], *, client_id: str, nonce: str, seconds: int
    ) -> str:
        """Sign what the client learns about a person."""
        extra = {"nonce": nonce} if nonce else {}
        body = {**claims, **self._times(seconds), "aud": client_id, **extra}
        return jwt.encode({"alg": ID_ALGORITHM, "kid": self._key_id}, body, self._identity_key)

    def seal(self, use: Use, claims: Mapping[str, object], *, seconds: int) -> str:
        """Sign a token that only this provider reads."""
        return jwt.encode(
            {"alg": "HS256"}, {**claims, **self._times(seconds), "use": use}, self._own_key
        )

    def open(self, use: Use, token: str) -> dict[str, Any]:
        """Read a sealed token; raises InvalidTokenError when forged, for another use, or old."""
        try:
            claims = jwt.decode(token, self._own_key, algorithms=["HS256"]).claims
        except (JoseError, ValueError) as error:
            raise InvalidTokenError("not a token of this provider") from error
        expires = claims.get("exp")
        if claims.get("use") != use or claims.get("iss") != self._issuer:
            raise InvalidTokenError(f"not a token for {use}")
        if not isinstance(expires, int) or expires <= self._clock():
            raise InvalidTokenError("too old")
        return claims

    @property
    def _key_id(self) -> str:
        return self._identity_key.thumbprint()

    def _times(self, seconds: int) -> dict[str, object]:
        now = int(self._clock())
        return {"iss": self._issuer, "iat": now, "exp": now + seconds}


@dataclass(frozen=True)
class Grant:
    """What a code stands for until it is redeemed."""

    user: str
    redirect_uri: str
    code_challenge: str
    scope: str
    nonce: str


class Codes:
    """Authorisation codes: each works once, within a minute."""

    def __init__(self, *, clock: Clock = time.time) -> None:
        self._clock = clock
        self._grants: OrderedDict[str, tuple[float, Grant]] = OrderedDict()

    def issue(self, grant: Grant) -> str:
        """Make a code; the oldest unused one goes when too many wait."""
        code = secrets.token_urlsafe(32)
        self._grants[code] = (self._clock() + CODE_SECONDS, grant)
        while len(self._grants) > MAX_CODES:
            self._grants.popitem(last=False)
        return code

    def redeem(self, code: str) -> Grant | None:
        """Use a code up; None if it never was, was used already, or is too old."""
        expires, grant = self._grants.pop(code, (0.0, None))
        return grant if expires > self._clock() else None
