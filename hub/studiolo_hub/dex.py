"""Sign-in with Dex, or any OpenID Connect service, as configuration of GenericOAuthenticator.

`authenticator_config` is pure: settings and the service's addresses in, a dict of traits out. What
the claims mean is in `claims`; this module only carries it to oauthenticator's hooks, and turns a
refusal into the page that says so. `discover` and `IssuerProbe` ask the issuer over HTTP.

While the service is away people stay signed in with what it said last (see `SessionRefresh`):
otherwise every session would end within `refresh_every` of an outage.
"""

import asyncio
import json
import logging
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.translation import english
from studiolo_spawner.translation import translate as _
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from studiolo_hub.claims import SignInRefused, canonical_names, groups_of, username_of
from studiolo_hub.settings_sign_in import Endpoints, SignIn

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

DISCOVERY = "/.well-known/openid-configuration"
MAX_DISCOVERY_BYTES = 256 * 1024
CLAIMS = "oauth_user"  # where oauthenticator keeps the claims within its auth_state

#: Answers that mean "this token is no longer good"; any other error means "try again later".
_TOKEN_IS_OVER = frozenset({400, 401, 403})


class IssuerUnavailable(StudioloError):  # noqa: N818 - says what happened, as its siblings do
    """The issuer did not answer, or not with what OpenID Connect asks for."""

    reason = "issuer_unavailable"
    status = 503

    def __init__(self, issuer: str, cause: str) -> None:
        super().__init__(
            f"The sign-in service {issuer} cannot be used: {cause}. Check sign_in.issuer and that "
            "the hub can reach it; with sign_in.endpoints the hub starts without asking it."
        )


def parse_discovery(body: bytes, issuer: str) -> Endpoints:
    """Return the endpoints that an issuer's discovery document names (OpenID Discovery 1.0, 4.3).

    The document must name the issuer exactly as the settings do: another name means another
    service answers, whose tokens would be taken for this one's.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise IssuerUnavailable(issuer, f"{DISCOVERY} is not JSON") from error
    if not isinstance(document, dict):
        raise IssuerUnavailable(issuer, f"{DISCOVERY} is not a JSON object")
    if document.get("issuer") != issuer:
        raise IssuerUnavailable(
            issuer, f"it calls itself {str(document.get('issuer'))[:200]!r} (write it the same way)"
        )
    try:
        endpoints = Endpoints.model_validate(
            {
                "authorize": document.get("authorization_endpoint"),
                "token": document.get("token_endpoint"),
                "userinfo": document.get("userinfo_endpoint"),
            }
        )
    except ValidationError as error:
        fields = ", ".join(sorted(f"{each['loc'][0]}" for each in error.errors()))
        raise IssuerUnavailable(issuer, f"{DISCOVERY} has no valid {fields} endpoint") from error
    if urlsplit(issuer).scheme == "https" and any(
        urlsplit(address).scheme != "https" for address in endpoints.model_dump().values()
    ):
        raise IssuerUnavailable(issuer, f"{DISCOVERY} names an endpoint without TLS")
    return endpoints


def discover(
    sign_in: SignIn,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Endpoints:
    """Ask the issuer for its endpoints; wait with growing pauses while it does not answer."""
    deadline = clock() + sign_in.discovery_timeout.total_seconds()
    pause = 0.5
    while True:
        try:
            return parse_discovery(_fetch(sign_in), sign_in.issuer)
        except (OSError, ValueError) as error:
            if clock() + pause > deadline:
                raise IssuerUnavailable(sign_in.issuer, _cause_of(error)) from error
            log.warning("Sign-in service %s: %s; asking again", sign_in.issuer, _cause_of(error))
            sleep(pause)
            pause = min(pause * 2, 5.0)


def _fetch(sign_in: SignIn) -> bytes:
    # The settings allow http and https alone. No proxy of the environment: tornado's client, which
    # speaks to the same service later, uses none either.
    context = ssl.create_default_context(cafile=_text(sign_in.ca_file))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(sign_in.issuer.rstrip("/") + DISCOVERY, timeout=5) as answer:
        body: bytes = answer.read(MAX_DISCOVERY_BYTES)
        return body


def _cause_of(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{DISCOVERY} answered {error.code}"
    if isinstance(error, urllib.error.URLError):
        return f"no answer ({error.reason})"
    return f"no answer ({error})"


class IssuerProbe:
    """Tells the login page whether the sign-in service answers; asks at most every `every` s."""

    def __init__(self, sign_in: SignIn, *, every: float = 10.0, timeout: float = 2.0) -> None:
        self._url = sign_in.issuer.rstrip("/") + DISCOVERY
        self._options: dict[str, Any] = {"connect_timeout": timeout, "request_timeout": timeout}
        if sign_in.ca_file:
            self._options["ca_certs"] = str(sign_in.ca_file)
        self._every = every
        self._asked = float("-inf")
        self._away = False
        self._lock = asyncio.Lock()

    async def away(self) -> bool:
        """Whether the service is known not to answer now."""
        async with self._lock:
            if time.monotonic() - self._asked >= self._every:
                self._away = not await self._answers()
                self._asked = time.monotonic()
        return self._away

    async def _answers(self) -> bool:
        try:
            await AsyncHTTPClient().fetch(self._url, **self._options)
        except HTTPClientError as error:
            # A service that answers "no" is there; 599 is tornado's word for silence.
            return error.code < 500
        except OSError:
            return False
        return True


def authenticator_config(sign_in: SignIn, endpoints: Endpoints) -> dict[str, Any]:
    """Return the traits of GenericOAuthenticator that make it do what the settings say."""
    claim = sign_in.username_claim
    scopes = list(sign_in.scopes)
    if sign_in.stay_signed_in and "offline_access" not in scopes:
        scopes.append("offline_access")
    http: dict[str, Any] = {"connect_timeout": 5, "request_timeout": 10}
    if sign_in.ca_file:
        http["ca_certs"] = str(sign_in.ca_file)
    admin_users = canonical_names(sign_in.admin_users, claim=claim)
    config: dict[str, Any] = {
        "login_service": sign_in.service_name,
        "client_id": sign_in.client_id,
        "authorize_url": endpoints.authorize,
        "token_url": endpoints.token,
        "userdata_url": endpoints.userinfo,
        "scope": scopes,
        "enable_pkce": True,
        "validate_server_cert": True,
        "http_request_kwargs": http,
        "username_claim": _refusing(_username_reader(sign_in)),
        "manage_groups": True,
        "auth_state_groups_key": _refusing(_groups_reader(sign_in)),
        "allowed_groups": set(sign_in.allowed_groups),
        "allowed_users": set(canonical_names(sign_in.allowed_users, claim=claim)),
        "allow_all": sign_in.allow_all,
        "allow_existing_users": False,
        "admin_groups": set(sign_in.admin_groups),
        "admin_users": set(admin_users),
        "post_auth_hook": settle_admin,
        "enable_auth_state": True,
        "auth_refresh_age": int(sign_in.refresh_every.total_seconds()),
        "refresh_pre_spawn": True,
        "refresh_user_hook": SessionRefresh(sign_in),
        "custom_403_message": _(
            "You signed in, but you are not on the list of people who may work here. Ask for it if "
            "you should be."
        ),
    }
    if sign_in.client_secret is not None:
        config["client_secret"] = sign_in.client_secret.get_secret_value()
    if sign_in.callback_url:
        config["oauth_callback_url"] = sign_in.callback_url
    if sign_in.logout_url:
        config["logout_redirect_url"] = sign_in.logout_url
    return config


def _username_reader(sign_in: SignIn) -> Callable[[Mapping[str, object]], str]:
    def read(claims: Mapping[str, object]) -> str:
        return username_of(
            claims, claim=sign_in.username_claim, require_verified=sign_in.require_verified_email
        )

    return read


def _groups_reader(sign_in: SignIn) -> Callable[[Mapping[str, Any]], frozenset[str]]:
    def read(auth_state: Mapping[str, Any]) -> frozenset[str]:
        return groups_of(auth_state[CLAIMS], claim=sign_in.groups_claim, limit=sign_in.max_groups)

    return read


def _refusing(read: Callable[P, R]) -> Callable[P, R]:
    """Wrap a reader of claims: its refusal becomes the error page's sentence."""

    def refusing(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except SignInRefused as refusal:
            _refuse(refusal)

    return refusing


def _refuse(refusal: SignInRefused) -> NoReturn:
    log.warning("Sign-in refused: %s", refusal.reason)
    error = web.HTTPError(refusal.status, english(refusal.user_message).replace("%", "%%"))
    error.jupyterhub_message = refusal.user_message  # type: ignore[attr-defined]
    raise error from refusal


def settle_admin(
    _authenticator: object, _handler: object, authentication: dict[str, Any]
) -> dict[str, Any]:
    """Make the admin flag explicit: left open, a person once made admin would stay one."""
    return {**authentication, "admin": bool(authentication.get("admin"))}


class SessionRefresh:
    """Reads a signed-in person's claims again: oauthenticator's `refresh_user_hook`.

    - claims read: groups and administration follow them; someone who is no longer allowed, whose
      claims are malformed, or whom the service now names otherwise, must sign in again;
    - the token is over: it is renewed with the refresh token, or the person signs in again;
    - the service is away: the session goes on as it was.
    """

    def __init__(self, sign_in: SignIn) -> None:
        self._read_groups = _groups_reader(sign_in)
        self._read_name = _username_reader(sign_in)
        # Several requests of one page would each spend the same one-time refresh token.
        self._under_way: dict[str, asyncio.Task[dict[str, Any] | bool]] = {}

    async def __call__(
        self, authenticator: Any, user: Any, auth_state: Mapping[str, Any] | None
    ) -> dict[str, Any] | bool:
        """Return the new state of a session, True to keep it as it is, False to end it."""
        if not auth_state:
            return False
        name: str = user.name
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.ensure_future(self._refreshed(authenticator, name, auth_state))
            self._under_way[name] = task
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        return await asyncio.shield(task)

    async def _refreshed(
        self, authenticator: Any, name: str, auth_state: Mapping[str, Any]
    ) -> dict[str, Any] | bool:
        try:
            token, claims = await self._claims(authenticator, auth_state)
            return await self._session(authenticator, name, token, claims)
        except SignInRefused as refusal:
            log.warning("Session of %r ends: %s", name, refusal.reason)
            return False
        except (HTTPClientError, web.HTTPError) as error:
            if isinstance(error, web.HTTPError) or error.code in _TOKEN_IS_OVER:
                log.info("Session of %r ends: its token is over", name)
                return False
            log.warning("Sign-in service is away (%s); session of %r goes on", error.code, name)
            return True
        except OSError as error:
            log.warning("Sign-in service is away (%s); session of %r goes on", error, name)
            return True

    async def _claims(
        self, authenticator: Any, auth_state: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        token = auth_state["token_response"]
        refresh_token = auth_state.get("refresh_token")
        try:
            return token, await authenticator.token_to_user(token)
        except HTTPClientError as error:
            if error.code not in _TOKEN_IS_OVER or not refresh_token:
                raise
        params = authenticator.build_refresh_token_request_params(refresh_token)
        token = await authenticator.get_token_info(None, params)
        # A service may leave the refresh token out of its answer: the old one then stays good.
        token = {**token, "refresh_token": token.get("refresh_token") or refresh_token}
        return token, await authenticator.token_to_user(token)

    async def _session(
        self, authenticator: Any, name: str, token: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> dict[str, Any] | bool:
        if authenticator.normalize_username(self._read_name(claims)) != name:
            log.warning("Session of %r ends: the sign-in service names the person otherwise", name)
            return False
        groups = self._read_groups({CLAIMS: claims})
        session = {
            "name": name,
            "admin": name in authenticator.admin_users
            or not groups.isdisjoint(authenticator.admin_groups),
            "groups": sorted(groups),
            "auth_state": authenticator.build_auth_state_dict(token, claims),
        }
        if not await authenticator.check_allowed(name, session):
            log.warning("Session of %r ends: no longer allowed", name)
            return False
        return session


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
