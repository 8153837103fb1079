"""The provider's HTTP endpoints, at the paths that Dex uses: /auth, /token, /keys, /userinfo.

Guarantees: answers only requests addressed to this machine by name (a web page elsewhere cannot
reach it by rebinding its own name); sets no cookie and remembers no sign-in; a person chooses every
time.
I/O: HTTP on a loopback address.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel, ConfigDict, SecretStr

from studiolo_local.signin.page import Page, message_page, people_page
from studiolo_local.signin.requests import (
    AuthorizationRequest,
    Client,
    RefusedRequestError,
    TokenError,
    UntrustedRequestError,
    check_client,
    parse_authorization,
    verifier_fits,
)
from studiolo_local.signin.tokens import ID_ALGORITHM, Codes, Grant, InvalidTokenError, Signer
from studiolo_local.signin.users import LocalUser, UsersFile

log = logging.getLogger(__name__)

TICKET_SECONDS = 600
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 30 * 24 * 3600
MAX_BODY = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SigninSettings(BaseModel):
    """What the provider is told at its start; it holds the client's secret: keep it private."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int
    users_file: Path
    keys_folder: Path
    client_id: str
    client_secret: SecretStr
    redirect_uris: frozenset[str]

    def as_json(self) -> str:
        """Write the settings with the secret in them, for a private file."""
        secret = self.client_secret.get_secret_value()
        return json.dumps({**self.model_dump(mode="json"), "client_secret": secret})

    @property
    def issuer(self) -> str:
        """The provider's name and the address of its discovery document."""
        return f"http://127.0.0.1:{self.port}"


class Provider:
    """Serves sign-in for one client."""

    def __init__(
        self, client: Client, users: UsersFile, signer: Signer, codes: Codes, *, issuer: str
    ) -> None:
        self._client = client
        self._users = users
        self._signer = signer
        self._codes = codes
        self._issuer = issuer

    def application(self) -> web.Application:
        """Build the web application."""
        app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY)
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/auth", self._ask)
        app.router.add_post("/auth", self._chosen)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        app.router.add_get("/logout", self._logout)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.url.host not in {"127.0.0.1", "localhost", "::1"}:
            return web.Response(
                status=421, text="This sign-in answers only on 127.0.0.1 and localhost.\n"
            )
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = _html(
                message_page(error.reason, "There is nothing here."), status=error.status
            )
        response.headers.update(
            {
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
            }
        )
        return response

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _discovery(self, _request: web.Request) -> web.Response:
        at = self._issuer
        return web.json_response(
            {
                "issuer": at,
                "authorization_endpoint": f"{at}/auth",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/keys",
                "userinfo_endpoint": f"{at}/userinfo",
                "end_session_endpoint": f"{at}/logout",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ID_ALGORITHM],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "email", "profile", "groups", "offline_access"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "claims_supported": sorted([*LocalUser.model_fields, "sub", "preferred_username"]),
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response(self._signer.public_keys())

    async def _ask(self, request: web.Request) -> web.Response:
        try:
            asked = parse_authorization(request.query, self._client)
        except UntrustedRequestError as error:
            return _html(message_page("Sign-in cannot go on", str(error)), status=400)
        except RefusedRequestError as error:
            return _redirect(error.address)
        ticket = self._signer.seal("ticket", vars(asked), seconds=TICKET_SECONDS)
        page = people_page(
            self._users.users,
            action="/auth",
            ticket=ticket,
            redirect_uris=self._client.redirect_uris,
        )
        return _html(page)

    async def _chosen(self, request: web.Request) -> web.Response:
        form = _texts(await request.post())
        # The ticket is only readable on our own page: another site cannot choose for its visitor.
        try:
            ticket = self._signer.open("ticket", form.get("ticket", ""))
        except InvalidTokenError:
            return _html(
                message_page(
                    "This page is too old", "Go back to Studiolo and choose Sign in once more."
                ),
                status=400,
            )
        asked = AuthorizationRequest(
            **{name: ticket[name] for name in AuthorizationRequest.__dataclass_fields__}
        )
        user = self._users.find(form.get("user", ""))
        if user is None:
            return _html(
                message_page("Nobody of that name", "The file of users has no such person."),
                status=400,
            )
        code = self._codes.issue(
            Grant(user.name, asked.redirect_uri, asked.code_challenge, asked.scope, asked.nonce)
        )
        log.info("signed in: %s", user.name)
        return _redirect(asked.answer({"code": code}))

    async def _token(self, request: web.Request) -> web.Response:
        form = _texts(await request.post())
        try:
            check_client(request.headers.get("Authorization", ""), form, self._client)
            user, scope, nonce = self._redeem(form)
        except TokenError as error:
            headers = {"WWW-Authenticate": "Basic"} if error.status == 401 else {}
            body = {"error": error.error, "error_description": str(error)}
            return web.json_response(body, status=error.status, headers=headers)
        return web.json_response(self._tokens(user, scope, nonce))

    def _redeem(self, form: Mapping[str, str]) -> tuple[LocalUser, str, str]:
        """Find whom a token request is for, with the scope and nonce; raises TokenError."""
        match form.get("grant_type"):
            case "authorization_code":
                grant = self._codes.redeem(form.get("code", ""))
                if grant is None or grant.redirect_uri != form.get("redirect_uri"):
                    raise TokenError(
                        "invalid_grant", "the code is unknown, used, too old or for another address"
                    )
                if not verifier_fits(form.get("code_verifier", ""), grant.code_challenge):
                    raise TokenError("invalid_grant", "the PKCE verifier does not fit")
                name, scope, nonce = grant.user, grant.scope, grant.nonce
            case "refresh_token":
                try:
                    claims = self._signer.open("refresh", form.get("refresh_token", ""))
                except InvalidTokenError as error:
                    raise TokenError("invalid_grant", f"refresh token: {error}") from error
                name, scope, nonce = claims["sub"], claims["scope"], ""
            case _:
                raise TokenError(
                    "unsupported_grant_type", "only authorization_code and refresh_token are served"
                )
        user = self._users.find(name)
        if user is None:
            raise TokenError("invalid_grant", "this person is no longer in the file of users")
        return user, scope, nonce

    def _tokens(self, user: LocalUser, scope: str, nonce: str) -> dict[str, object]:
        own = {"sub": user.name, "scope": scope}
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "scope": scope,
            "access_token": self._signer.seal("access", own, seconds=ACCESS_SECONDS),
            "id_token": self._signer.identity_token(
                user.claims(), client_id=self._client.client_id, nonce=nonce, seconds=ACCESS_SECONDS
            ),
        }
        if "offline_access" in scope.split():
            answer["refresh_token"] = self._signer.seal("refresh", own, seconds=REFRESH_SECONDS)
        return answer

    async def _userinfo(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            name = self._signer.open("access", token if scheme.lower() == "bearer" else "")["sub"]
        except InvalidTokenError as error:
            return _bearer_refusal(str(error))
        user = self._users.find(name)
        return _bearer_refusal("no such user") if user is None else web.json_response(user.claims())

    async def _logout(self, _request: web.Request) -> web.Response:
        return _html(
            message_page(
                "You are signed out", "This sign-in remembers nobody; you can close the page."
            )
        )


def provider_from(settings: SigninSettings) -> Provider:
    """Read the users and keys that settings name; raises UsersError, OSError."""
    client = Client(
        settings.client_id, settings.client_secret.get_secret_value(), settings.redirect_uris
    )
    return Provider(
        client,
        UsersFile(settings.users_file),
        Signer.from_folder(settings.keys_folder, settings.issuer),
        Codes(),
        issuer=settings.issuer,
    )


def serve(settings: SigninSettings) -> None:
    """Serve until SIGINT or SIGTERM."""
    app = provider_from(settings).application()
    web.run_app(app, host="127.0.0.1", port=settings.port, access_log=None, print=None)


def _texts(form: Mapping[str, object]) -> dict[str, str]:
    """Keep the fields that are text: an uploaded file has no meaning here."""
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _html(page: Page, *, status: int = 200) -> web.Response:
    return web.Response(
        status=status, text=page.html, content_type="text/html", headers=page.headers
    )


def _redirect(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


def _bearer_refusal(description: str) -> web.Response:
    return web.json_response(
        {"error": "invalid_token", "error_description": description},
        status=401,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
