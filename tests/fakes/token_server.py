"""A registry's sign-in service: hands out tokens that docker-registry verifies.

Speaks both ways of asking: GET with a user name and a password, and POST with a refresh token, as
Azure's registries want it. https://distribution.github.io/distribution/spec/auth/
"""

from __future__ import annotations

import base64
import secrets
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.fakes.certificates import Certificate

SERVICE = "registry of a test"
ISSUER = "sign-in of a test"


@dataclass
class TokenServer:
    """Start it with ``async with``; ``certificate`` signs what it says."""

    certificate: Certificate
    tls: ssl.SSLContext | None = None
    users: dict[str, str] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    readers: dict[str, set[str]] = field(default_factory=dict)
    """Who may read which repository; the name "" is anybody's."""
    life: int = 300
    seen: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """Method, fields and headers of every request."""
    port: int = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/token", self._by_password)
        app.router.add_post("/token", self._by_refresh_token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def realm(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}/token"

    def settings(self, bundle: Path) -> dict[str, Any]:
        """What docker-registry's configuration says of it."""
        self.certificate.write(bundle)
        return {
            "token": {
                "realm": self.realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(bundle),
            }
        }

    def token(self, user: str, repository: str, *actions: str, life: int | None = None) -> str:
        """A token for what this user wants to do with one repository."""
        now = int(time.time())
        seconds = self.life if life is None else life
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "nbf": now - 60,
            "iat": now,
            "exp": now + seconds,
            "jti": secrets.token_hex(8),
            "access": [{"type": "repository", "name": repository, "actions": list(actions)}],
        }
        # The registry finds the key in the certificate, which it knows.
        chain = [base64.b64encode(self.certificate.der).decode()]
        key = ECKey.import_key(self.certificate.key_pem)
        return jwt.encode({"alg": "ES256", "typ": "JWT", "x5c": chain}, claims, key)

    def _may_read(self, user: str, repository: str) -> bool:
        return repository in self.readers.get(user, set()) | self.readers.get("", set())

    async def _by_password(self, request: web.Request) -> web.Response:
        self.seen.append(("GET", dict(request.query), dict(request.headers)))
        user = ""
        if given := request.headers.get("Authorization", "").removeprefix("Basic "):
            user, _, password = base64.b64decode(given).decode().partition(":")
            if self.users.get(user) != password:
                return web.json_response({"details": "canary-in-a-body"}, status=401)
        return self._answer(user, request.query.get("scope", ""), "token")

    async def _by_refresh_token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.seen.append(("POST", form, dict(request.headers)))
        if form.get("grant_type") != "refresh_token" or form.get("service") != SERVICE:
            return web.json_response({"error": "invalid_request"}, status=400)
        if form.get("refresh_token") not in self.refresh_tokens:
            return web.json_response({"error": "canary-in-a-body"}, status=401)
        return self._answer("token", form.get("scope", ""), "access_token")

    def _answer(self, user: str, scope: str, name: str) -> web.Response:
        """A token for what may be read: for nothing, where that is refused."""
        kind, _, rest = scope.partition(":")
        repository, _, actions = rest.rpartition(":")
        granted = kind == "repository" and actions == "pull" and self._may_read(user, repository)
        token = self.token(user, repository, *(["pull"] if granted else []))
        # Never less than the specification's least, as real services do.
        return web.json_response({name: token, "expires_in": max(self.life, 60)})
