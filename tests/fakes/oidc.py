"""An OpenID Connect provider over HTTP on loopback, whose answers a test sets.

It checks what a careful provider checks (client, PKCE, one-time codes and refresh tokens), signs in
`claims` without asking, and can be stopped and started again on the same port. A token goes on
standing for the very dict that `claims` was: change that, and the person's next refresh sees it.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web


@dataclass
class FakeIssuer:
    """One provider; `async with` runs it."""

    claims: dict[str, Any] = field(default_factory=dict)
    client_id: str = "studiolo"
    client_secret: str = "not-a-real-secret"
    discovery: dict[str, Any] = field(default_factory=dict)
    """Entries that replace those of the discovery document."""
    userinfo_status: int = 200
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for, in order."""
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    refresh_tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    port: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/dex"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/dex/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/dex/auth", self._authorize)
        app.router.add_post("/dex/token", self._token)
        app.router.add_get("/dex/userinfo", self._userinfo)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def expire_tokens(self) -> None:
        """No access token is good any more; refresh tokens are."""
        self.tokens.clear()

    async def _discovery(self, request: web.Request) -> web.Response:
        self.asked.append("discovery")
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        return web.json_response({**document, **self.discovery})

    async def _authorize(self, request: web.Request) -> web.Response:
        self.asked.append("auth")
        query = request.query
        if query["client_id"] != self.client_id or query["code_challenge_method"] != "S256":
            return web.Response(status=400, text="unknown client, or no PKCE")
        code = secrets.token_urlsafe(16)
        self._codes[code] = dict(query)
        target = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{target}")

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append("token")
        form = await request.post()
        if (form["client_id"], form["client_secret"]) != (self.client_id, self.client_secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "refresh_token":
            spent = str(form["refresh_token"])
            claims = self.refresh_tokens.pop(spent, None)
            if claims is None:
                return web.json_response({"error": "invalid_grant"}, status=400)
            return self._issue(claims)
        started = self._codes.pop(str(form["code"]), None)
        verifier = str(form["code_verifier"])
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if started is None or started["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return self._issue(self.claims)

    def _issue(self, claims: dict[str, Any]) -> web.Response:
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self.tokens[access] = claims
        self.refresh_tokens[refresh] = claims
        return web.json_response(
            {"access_token": access, "refresh_token": refresh, "token_type": "bearer"}
        )

    async def _userinfo(self, request: web.Request) -> web.Response:
        self.asked.append("userinfo")
        if self.userinfo_status != 200:
            return web.Response(status=self.userinfo_status)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return web.Response(status=401)
        return web.json_response(self.tokens[token])
