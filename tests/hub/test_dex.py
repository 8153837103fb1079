import asyncio
import json
import urllib.error
from typing import Any

import pytest
from studiolo_hub import dex
from studiolo_hub.dex import (
    IssuerProbe,
    IssuerUnavailable,
    authenticator_config,
    discover,
    parse_discovery,
    settle_admin,
)
from studiolo_hub.settings_sign_in import Endpoints, SignIn
from tornado.web import HTTPError

from tests.fakes.oidc import FakeIssuer

ISSUER = "https://dex.example.org/dex"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
}
ENDPOINTS = Endpoints(
    authorize=f"{ISSUER}/auth", token=f"{ISSUER}/token", userinfo=f"{ISSUER}/userinfo"
)


def sign_in(**changes: Any) -> SignIn:
    return SignIn.model_validate({"issuer": ISSUER, "allowed_groups": ["ml"], **changes})


def test_discovery() -> None:
    assert parse_discovery(json.dumps(DOCUMENT).encode(), ISSUER) == ENDPOINTS


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"<html>", "not JSON", id="html"),
        pytest.param(b"[]", "not a JSON object", id="list"),
        pytest.param(b"{}", "calls itself", id="empty"),
        pytest.param({"issuer": ISSUER + "/"}, "calls itself", id="issuer-with-a-slash"),
        pytest.param({"issuer": "https://evil.example"}, "calls itself", id="other-issuer"),
        pytest.param({"userinfo_endpoint": None}, "no valid userinfo", id="no-userinfo"),
        pytest.param({"token_endpoint": "javascript:x"}, "no valid token", id="no-web-address"),
        pytest.param(
            {"token_endpoint": "http://dex.example.org/token"}, "without TLS", id="downgrade"
        ),
    ],
)
def test_discovery_refused(body: bytes | dict[str, Any], words: str) -> None:
    text = body if isinstance(body, bytes) else json.dumps({**DOCUMENT, **body}).encode()
    with pytest.raises(IssuerUnavailable, match=words) as error:
        parse_discovery(text, ISSUER)
    assert ISSUER in error.value.user_message
    assert "sign_in.issuer" in error.value.user_message


async def test_discover_asks_the_issuer() -> None:
    async with FakeIssuer() as issuer:
        found = await asyncio.to_thread(discover, sign_in(issuer=issuer.issuer))
    assert found.token == f"{issuer.issuer}/token"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_discover_gives_up_after_its_time_and_says_how_to_go_on() -> None:
    clock = Clock()
    nobody = sign_in(issuer="http://127.0.0.1:9/dex", discovery_timeout="10s")
    with pytest.raises(IssuerUnavailable, match=r"refused.*sign_in\.endpoints"):
        discover(nobody, sleep=clock.sleep, clock=lambda: clock.now)
    assert clock.pauses == sorted(clock.pauses)
    assert clock.now <= 10


async def test_discover_waits_for_an_issuer_that_comes_up() -> None:
    issuer = FakeIssuer()
    await issuer.start()
    settings = sign_in(issuer=issuer.issuer)
    await issuer.stop()
    loop = asyncio.get_running_loop()

    def start_it(_seconds: float) -> None:
        asyncio.run_coroutine_threadsafe(issuer.start(), loop).result()

    found = await asyncio.to_thread(discover, settings, sleep=start_it)
    await issuer.stop()
    assert found.authorize == f"{issuer.issuer}/auth"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (urllib.error.HTTPError("u", 503, "x", None, None), "answered 503"),  # type: ignore[arg-type]
        (urllib.error.URLError(OSError("no route")), "no route"),
        (TimeoutError("timed out"), "timed out"),
    ],
)
def test_causes_of_silence(error: Exception, words: str) -> None:
    assert words in dex._cause_of(error)


async def test_the_probe_knows_an_outage_and_does_not_ask_at_every_page() -> None:
    async with FakeIssuer() as issuer:
        probe = IssuerProbe(sign_in(issuer=issuer.issuer), every=3600)
        assert not await probe.away()
        assert not await probe.away()
        assert issuer.asked == ["discovery"]
        impatient = IssuerProbe(sign_in(issuer=issuer.issuer), every=0)
        assert not await impatient.away()
        await issuer.stop()
        assert await impatient.away()


def test_configuration_of_the_authenticator() -> None:
    config = authenticator_config(
        sign_in(
            client_secret="s3cret",
            allowed_users=["Ana@Example.org"],
            admin_users=["Root@Example.org"],
            admin_groups=["ops"],
            callback_url="https://hub.example.org/hub/oauth_callback",
        ),
        ENDPOINTS,
    )
    assert config["scope"] == ["openid", "profile", "email", "groups", "offline_access"]
    assert config["allowed_users"] == {"ana@example.org"}
    assert config["admin_users"] == {"root@example.org"}
    assert config["client_secret"] == "s3cret"
    assert config["enable_pkce"]
    assert config["enable_auth_state"]
    assert config["manage_groups"]
    assert config["allow_existing_users"] is False
    assert config["oauth_callback_url"] == "https://hub.example.org/hub/oauth_callback"


def test_every_name_is_a_trait_of_the_authenticator() -> None:
    from oauthenticator.generic import GenericOAuthenticator

    config = authenticator_config(
        sign_in(client_secret="s", callback_url=ISSUER, logout_url=ISSUER, ca_file="/ca.pem"),
        ENDPOINTS,
    )
    known = GenericOAuthenticator.class_traits(config=True)
    assert config.keys() - known.keys() == set()


def test_a_session_need_not_be_long() -> None:
    config = authenticator_config(sign_in(stay_signed_in=False), ENDPOINTS)
    assert "offline_access" not in config["scope"]


def test_a_refusal_carries_the_sentence_to_the_error_page() -> None:
    read = authenticator_config(sign_in(), ENDPOINTS)["username_claim"]
    with pytest.raises(HTTPError) as error:
        read({"email": "a@b", "email_verified": False})
    assert error.value.status_code == 403
    assert "not verified" in error.value.jupyterhub_message  # type: ignore[attr-defined]


@pytest.mark.parametrize(("flag", "admin"), [(None, False), (False, False), (True, True)])
def test_the_admin_flag_is_never_left_open(flag: bool | None, admin: bool) -> None:
    assert settle_admin(None, None, {"name": "ana", "admin": flag})["admin"] is admin
