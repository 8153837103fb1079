"""Sign-in and sessions, through a real hub and a provider that answers over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, Page, RunningHub, hub_settings, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


def claims_of(name: str, *groups: str, **changes: Any) -> dict[str, Any]:
    return {
        "email": f"{name}@example.org",
        "email_verified": True,
        "groups": list(groups) or ["ml"],
        **changes,
    }


def is_admin(page: Page) -> bool:
    return 'href="/hub/studiolo/admin"' in page.text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    issuer: FakeIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHub]:
    """A hub that reads claims again with every second."""
    folder = tmp_path_factory.mktemp("hub")
    settings = hub_settings(folder, issuer, sign_in={"refresh_every": "1s"})
    async with running_hub(folder, settings) as running:
        yield running


@pytest.mark.parametrize(
    ("claims", "user", "admin"),
    [
        pytest.param(claims_of("Ana"), "ana@example.org", False, id="member"),
        pytest.param(claims_of("root", "ops"), "root@example.org", True, id="administrator"),
        pytest.param(claims_of("both", "ml", "ops"), "both@example.org", True, id="both"),
        pytest.param(claims_of("near", "ml", "OPS", "op"), "near@example.org", False, id="near"),
    ],
)
async def test_who_may_come_in(
    hub: RunningHub, issuer: FakeIssuer, claims: dict[str, Any], user: str, admin: bool
) -> None:
    issuer.claims = claims
    async with Browser(hub) as browser:
        page = await browser.sign_in()
    assert page.path == "/hub/home"
    assert user in page.text
    assert is_admin(page) is admin


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"groups": ["other"]}, "not on the list", id="not-in-a-group"),
        pytest.param({"groups": []}, "not on the list", id="no-group"),
        pytest.param({"groups": "ops"}, "not a list of names", id="groups-a-string"),
        pytest.param({"groups": {"ops": 1}}, "not a list of names", id="groups-a-dict"),
        pytest.param({"groups": [["ops"]]}, "not a list of names", id="groups-nested"),
        pytest.param({"groups": 1}, "not a list of names", id="groups-a-number"),
        pytest.param(
            {"groups": [f"g{n}" for n in range(10_000)]}, "10000 groups", id="10000-groups"
        ),
        pytest.param({"email_verified": False}, "not verified", id="email-not-verified"),
        pytest.param({"email_verified": "true"}, "not verified", id="email-verified-a-string"),
        pytest.param({"email": None}, "“email” is missing", id="no-email"),
        pytest.param({"email": "a\r\nb@c"}, "no e-mail address", id="email-with-line-break"),
        pytest.param({"email": "x" * 2**16 + "@c"}, "longer than 255", id="email-too-long"),
    ],
)
async def test_who_may_not(
    hub: RunningHub, issuer: FakeIssuer, changes: dict[str, Any], words: str
) -> None:
    issuer.claims = claims_of("no", **changes)
    async with Browser(hub) as browser:
        page = await browser.sign_in()
        assert page.status == 403
        assert words in page.words
        assert "Traceback" not in page.text
        assert (await browser.get("home")).path == "/hub/login"


async def test_rights_follow_the_groups(hub: RunningHub, issuer: FakeIssuer) -> None:
    issuer.claims = claims = claims_of("moving", "ml", "ops")
    async with Browser(hub) as browser:
        assert is_admin(await browser.sign_in())
        claims["groups"] = ["ml"]
        await asyncio.sleep(1.1)
        assert not is_admin(await browser.get("home"))
        claims["groups"] = ["ops"]
        await asyncio.sleep(1.1)
        assert is_admin(await browser.get("home"))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"groups": ["other"]}, id="no-longer-allowed"),
        pytest.param({"groups": "ml"}, id="groups-malformed"),
        pytest.param({"email_verified": False}, id="no-longer-verified"),
        pytest.param({"email": "ops@example.org"}, id="named-otherwise"),
    ],
)
async def test_a_session_ends_when_its_claims_no_longer_hold(
    hub: RunningHub, issuer: FakeIssuer, changes: dict[str, Any]
) -> None:
    issuer.claims = claims = claims_of("ending")
    async with Browser(hub) as browser:
        assert (await browser.sign_in()).path == "/hub/home"
        claims.update(changes)
        await asyncio.sleep(1.1)
        assert (await browser.get("home")).path == "/hub/login"


async def test_a_token_that_is_over_is_renewed(hub: RunningHub, issuer: FakeIssuer) -> None:
    issuer.claims = claims_of("renewed")
    async with Browser(hub) as browser:
        await browser.sign_in()
        for _ in range(2):
            issuer.expire_tokens()
            issuer.asked.clear()
            await asyncio.sleep(1.1)
            # Several requests at once spend the one-time refresh token once.
            pages = await asyncio.gather(*(browser.get("home") for _ in range(4)))
            assert {page.path for page in pages} == {"/hub/home"}
            assert issuer.asked.count("token") == 1
        issuer.expire_tokens()
        issuer.refresh_tokens.clear()
        await asyncio.sleep(1.1)
        assert (await browser.get("home")).path == "/hub/login"


@pytest.mark.parametrize("outage", ["away", "errors", "busy"])
async def test_sessions_live_on_while_the_service_is_away(
    hub: RunningHub, issuer: FakeIssuer, outage: str
) -> None:
    issuer.claims = claims_of(f"outage-{outage}", "ops")
    async with Browser(hub) as browser, Browser(hub) as newcomer:
        await browser.sign_in()
        try:
            if outage == "away":
                await issuer.stop()
            else:
                issuer.userinfo_status = 503 if outage == "errors" else 429
            for _ in range(2):
                await asyncio.sleep(1.1)
                page = await browser.get("home")
                assert page.path == "/hub/home"
                assert is_admin(page)
            if outage == "away":
                assert await _login_page_says_so(newcomer)
                page = await newcomer.get("oauth_callback?code=x&state=y")
                assert page.status == 400
        finally:
            issuer.userinfo_status = 200
            await issuer.start() if outage == "away" else None
        await asyncio.sleep(1.1)
        assert (await browser.get("home")).path == "/hub/home"


async def _login_page_says_so(browser: Browser) -> bool:
    for _ in range(120):  # it asks the service every ten seconds at most
        if "does not answer now" in (await browser.get("login")).words:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_service_that_fails_during_sign_in(hub: RunningHub, issuer: FakeIssuer) -> None:
    issuer.claims = claims_of("unlucky")
    issuer.userinfo_status = 503
    try:
        async with Browser(hub) as browser:
            page = await browser.sign_in()
    finally:
        issuer.userinfo_status = 200
    assert page.status == 500
    assert "The sign-in service does not answer" in page.words


async def test_no_token_in_the_log(hub: RunningHub, issuer: FakeIssuer) -> None:
    issuer.claims = claims_of("logged")
    async with Browser(hub) as browser:
        await browser.sign_in()
    secrets = [*issuer.tokens, *issuer.refresh_tokens, issuer.client_secret]
    assert not [secret for secret in secrets if secret.encode() in hub.log]


async def test_the_hub_refuses_to_start(issuer: FakeIssuer, tmp_path: Path) -> None:
    settings = hub_settings(tmp_path, issuer, sign_in={"allowed_groups": []})
    with pytest.raises(AssertionError, match="nobody is allowed in") as refusal:
        async with running_hub(tmp_path, settings):
            pass
    assert "Traceback" not in str(refusal.value)
