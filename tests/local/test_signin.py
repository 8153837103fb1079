"""The local sign-in: what it lets through and refuses, over HTTP as a browser and a hub ask."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import KeySet
from studiolo_local.signin.provider import Provider
from studiolo_local.signin.requests import Client, verifier_fits
from studiolo_local.signin.tokens import Codes, Grant, InvalidTokenError, Signer
from studiolo_local.signin.users import UsersError, UsersFile, parse_users

ISSUER = "http://127.0.0.1:5556"
CALLBACK = "http://127.0.0.1:8000/hub/oauth_callback"
HUB = Client("studiolo", "hub-secret", frozenset({CALLBACK}))
VERIFIER = "v" * 50
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
ASK = {
    "response_type": "code",
    "client_id": "studiolo",
    "redirect_uri": CALLBACK,
    "scope": "openid email groups offline_access",
    "state": "st&te",
    "nonce": "n1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
USERS = """
version: 1
users:
  - {name: ana, full_name: Ana <b>F</b>, email: ana@studiolo.test, groups: [research, gpu]}
  - {name: dan, full_name: Dan, email: dan@studiolo.test, email_verified: false}
"""

Browser = TestClient[web.Request, web.Application]


class Clock:
    """A clock that a test moves by hand."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users.yaml"
    path.write_text(USERS)
    return path


@pytest.fixture
async def browser(users_file: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[Browser]:
    signer = Signer.from_folder(tmp_path / "keys", ISSUER, clock=clock)
    provider = Provider(HUB, UsersFile(users_file), signer, Codes(clock=clock), issuer=ISSUER)
    async with TestClient(TestServer(provider.application())) as client:
        yield client


async def ticket_of(browser: Browser, **changes: str) -> str:
    async with browser.get("/auth", params={**ASK, **changes}) as page:
        assert page.status == 200
        found = re.search(r'name="ticket" value="([^"]+)"', await page.text())
    assert found
    return found[1]


async def code_of(browser: Browser, user: str = "ana") -> str:
    form = {"ticket": await ticket_of(browser), "user": user}
    async with browser.post("/auth", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        address = urlsplit(answer.headers["Location"])
    assert address._replace(query="").geturl() == CALLBACK
    query = parse_qs(address.query)
    assert query["state"] == ["st&te"]
    return query["code"][0]


def redemption(code: str, /, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "studiolo",
        "client_secret": "hub-secret",
    } | changes


async def test_a_person_signs_in_and_the_hub_learns_who_it_is(browser: Browser) -> None:
    async with browser.post("/token", data=redemption(await code_of(browser))) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        tokens = await answer.json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with browser.get("/userinfo", headers=headers) as answer:
        claims = await answer.json()
    async with browser.get("/keys") as answer:
        keys = KeySet.import_key_set(await answer.json())

    assert claims == {
        "sub": "ana",
        "preferred_username": "ana",
        "name": "Ana <b>F</b>",
        "email": "ana@studiolo.test",
        "email_verified": True,
        "groups": ["research", "gpu"],
    }
    identity = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert identity["iss"] == ISSUER
    assert identity["aud"] == "studiolo"
    assert identity["nonce"] == "n1"
    assert identity["groups"] == ["research", "gpu"]
    assert "d" not in keys.keys[0].as_dict()


async def test_the_page_lists_people_escaped_and_signs_nobody_in_by_itself(
    browser: Browser,
) -> None:
    async with browser.get("/auth", params=ASK) as page:
        html = await page.text()
        policy = page.headers["Content-Security-Policy"]
        assert not page.cookies
    assert "Ana &lt;b&gt;F&lt;/b&gt;" in html
    assert "e-mail not verified" in html
    assert "<b>" not in html
    assert "form-action 'self' http://127.0.0.1:8000;" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "other"}, id="another client"),
        pytest.param({"redirect_uri": CALLBACK + "/"}, id="a path longer by one letter"),
        pytest.param({"redirect_uri": CALLBACK + "?next=x"}, id="a query added"),
        pytest.param({"redirect_uri": "http://127.0.0.1:8000.evil.example/"}, id="another host"),
        pytest.param({"redirect_uri": ""}, id="no address"),
    ],
)
async def test_a_stranger_is_sent_nowhere(browser: Browser, changes: dict[str, str]) -> None:
    async with browser.get("/auth", params={**ASK, **changes}, allow_redirects=False) as answer:
        assert answer.status == 400
        assert "Location" not in answer.headers
        assert "<button" not in await answer.text()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit flow"),
        pytest.param({"scope": "email"}, "invalid_scope", id="not OpenID Connect"),
        pytest.param({"code_challenge": ""}, "invalid_request", id="no PKCE"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain PKCE"),
        pytest.param({"nonce": "x" * 3000}, "invalid_request", id="a very long parameter"),
    ],
)
async def test_a_faulty_request_goes_back_to_the_hub_with_the_error(
    browser: Browser, changes: dict[str, str], error: str
) -> None:
    async with browser.get("/auth", params={**ASK, **changes}, allow_redirects=False) as answer:
        assert answer.status == 303
        address = urlsplit(answer.headers["Location"])
    assert address._replace(query="").geturl() == CALLBACK
    assert parse_qs(address.query)["error"] == [error]


@pytest.mark.parametrize(
    ("changes", "error", "status"),
    [
        pytest.param({"client_secret": "wrong"}, "invalid_client", 401, id="wrong secret"),
        pytest.param({"client_id": "other"}, "invalid_client", 401, id="another client"),
        pytest.param({"code_verifier": "w" * 50}, "invalid_grant", 400, id="another verifier"),
        pytest.param({"code_verifier": ""}, "invalid_grant", 400, id="no verifier"),
        pytest.param({"code": "made-up"}, "invalid_grant", 400, id="a code never issued"),
        pytest.param({"redirect_uri": "http://127.0.0.1/"}, "invalid_grant", 400, id="address"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", 400, id="grant type"),
    ],
)
async def test_a_code_is_redeemed_only_as_it_was_asked_for(
    browser: Browser, changes: dict[str, str], error: str, status: int
) -> None:
    async with browser.post("/token", data=redemption(await code_of(browser), **changes)) as answer:
        assert answer.status == status
        assert (await answer.json())["error"] == error


async def test_a_code_works_once(browser: Browser) -> None:
    code = await code_of(browser)
    for expected in (200, 400):
        async with browser.post("/token", data=redemption(code)) as answer:
            assert answer.status == expected


async def test_a_code_works_for_a_minute(browser: Browser, clock: Clock) -> None:
    code = await code_of(browser)
    clock.now += 61
    async with browser.post("/token", data=redemption(code)) as answer:
        assert answer.status == 400


async def test_the_client_may_name_itself_in_the_header(browser: Browser) -> None:
    form = redemption(await code_of(browser))
    del form["client_id"], form["client_secret"]
    credentials = base64.b64encode(b"studiolo:hub-secret").decode()
    headers = {"Authorization": f"Basic {credentials}"}
    async with browser.post("/token", data=form, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic " + "eA==", "Bearer eA=="])
async def test_a_broken_client_header_is_refused(browser: Browser, header: str) -> None:
    form = redemption(await code_of(browser))
    async with browser.post("/token", data=form, headers={"Authorization": header}) as answer:
        assert answer.status == 401


async def test_a_form_without_a_ticket_of_our_page_signs_nobody_in(browser: Browser) -> None:
    for form in ({"user": "ana"}, {"user": "ana", "ticket": "x.y.z"}, {**ASK, "user": "ana"}):
        async with browser.post("/auth", data=form, allow_redirects=False) as answer:
            assert answer.status == 400
            assert "Location" not in answer.headers


async def test_a_ticket_grows_old(browser: Browser, clock: Clock) -> None:
    form = {"ticket": await ticket_of(browser), "user": "ana"}
    clock.now += 601
    async with browser.post("/auth", data=form, allow_redirects=False) as answer:
        assert answer.status == 400
        assert "too old" in await answer.text()


async def test_a_name_that_is_not_in_the_file_is_refused(browser: Browser) -> None:
    form = {"ticket": await ticket_of(browser), "user": "root"}
    async with browser.post("/auth", data=form, allow_redirects=False) as answer:
        assert answer.status == 400


async def test_refreshing_reads_the_groups_again_and_ends_with_the_person(
    browser: Browser, users_file: Path
) -> None:
    async with browser.post("/token", data=redemption(await code_of(browser))) as answer:
        tokens = await answer.json()
    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": "studiolo",
        "client_secret": "hub-secret",
    }

    users_file.write_text(USERS.replace("[research, gpu]", "[students]"))
    async with browser.post("/token", data=refresh) as answer:
        assert answer.status == 200
        headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
    async with browser.get("/userinfo", headers=headers) as answer:
        assert (await answer.json())["groups"] == ["students"]

    users_file.write_text(USERS.replace("name: ana", "name: anna"))
    async with browser.post("/token", data=refresh) as answer:
        assert (await answer.json())["error"] == "invalid_grant"
    async with browser.get("/userinfo", headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("kind", ["refresh_token", "id_token", "nothing", "ticket"])
async def test_userinfo_wants_an_access_token_and_no_other(browser: Browser, kind: str) -> None:
    async with browser.post("/token", data=redemption(await code_of(browser))) as answer:
        tokens = await answer.json()
    token = {"nothing": "", "ticket": await ticket_of(browser)}.get(kind) or tokens.get(kind, "")
    async with browser.get("/userinfo", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1"])
@pytest.mark.parametrize(
    "path", ["/auth", "/.well-known/openid-configuration", "/healthz", "/nowhere"]
)
async def test_another_name_for_this_machine_is_not_answered(
    browser: Browser, host: str, path: str
) -> None:
    async with browser.get(path, params=ASK, headers={"Host": host}) as answer:
        assert answer.status == 421
        assert "Ana" not in await answer.text()


async def test_discovery_names_the_issuer_and_addresses_that_answer(browser: Browser) -> None:
    async with browser.get("/.well-known/openid-configuration") as answer:
        document = await answer.json()
    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    for name, method in {
        "authorization_endpoint": "GET",
        "token_endpoint": "POST",
        "jwks_uri": "GET",
        "userinfo_endpoint": "GET",
        "end_session_endpoint": "GET",
    }.items():
        path = document[name].removeprefix(ISSUER)
        async with browser.request(method, path) as answer:
            assert answer.status != 404, name


async def test_an_address_that_is_not_there_is_a_page_of_ours(browser: Browser) -> None:
    async with browser.get("/nowhere") as answer:
        assert answer.status == 404
        assert "Studiolo" in await answer.text()


def test_sign_ins_outlive_a_restart_of_the_provider(tmp_path: Path, clock: Clock) -> None:
    before = Signer.from_folder(tmp_path, ISSUER, clock=clock)
    after = Signer.from_folder(tmp_path, ISSUER, clock=clock)
    token = before.seal("refresh", {"sub": "ana", "scope": "openid"}, seconds=60)
    assert after.open("refresh", token)["sub"] == "ana"
    assert after.public_keys() == before.public_keys()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_token_of_another_provider_is_refused(tmp_path: Path, clock: Clock) -> None:
    ours = Signer.from_folder(tmp_path / "a", ISSUER, clock=clock)
    others = Signer.from_folder(tmp_path / "b", ISSUER, clock=clock)
    renamed = Signer.from_folder(tmp_path / "a", "http://127.0.0.1:1", clock=clock)
    for signer in (others, renamed):
        with pytest.raises(InvalidTokenError):
            ours.open("access", signer.seal("access", {"sub": "ana"}, seconds=60))


def test_codes_are_bounded(clock: Clock) -> None:
    codes = Codes(clock=clock)
    first = codes.issue(Grant("ana", CALLBACK, CHALLENGE, "openid", ""))
    for _ in range(1000):
        codes.issue(Grant("ana", CALLBACK, CHALLENGE, "openid", ""))
    assert codes.redeem(first) is None


def test_the_verifier_of_the_standard_fits_its_challenge() -> None:
    # The example of RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert verifier_fits(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    assert not verifier_fits(verifier[:-1] + "K", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", ["document"], id="empty"),
        pytest.param("[1", ["not YAML"], id="not YAML"),
        pytest.param("version: 1\nusers: []", ["users"], id="nobody"),
        pytest.param("version: 2\nusers: []", ["version", "users"], id="all mistakes at once"),
        pytest.param(
            "version: 1\nusers: [{name: Ana B, full_name: A, email: nowhere, role: x}]",
            ["users[0].name", "users[0].email", "users[0].role"],
            id="each with its path",
        ),
        pytest.param(
            "version: 1\nusers: [{name: a, full_name: A, email: a@b, groups: team}]",
            ["users[0].groups"],
            id="groups must be a list",
        ),
        pytest.param(
            "version: 1\nusers:\n"
            "  - {name: a, full_name: A, email: a@b}\n  - {name: a, full_name: B, email: b@b}",
            ["more than once: a"],
            id="one name for two",
        ),
        pytest.param("#" * 300_000, ["KiB"], id="too large"),
    ],
)
def test_a_faulty_file_of_users_names_every_mistake(text: str, words: list[str]) -> None:
    with pytest.raises(UsersError) as refused:
        parse_users(text)
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_bad_edit_keeps_the_last_good_users(
    users_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users = UsersFile(users_file)
    users_file.write_text("version: 1\nusers: nonsense")
    assert [user.name for user in users.users] == ["ana", "dan"]
    assert [user.name for user in users.users] == ["ana", "dan"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]

    users_file.write_text(USERS.replace("name: dan", "name: eve"))
    assert [user.name for user in users.users] == ["ana", "eve"]


def test_the_file_that_ships_can_be_read() -> None:
    import studiolo_local

    path = Path(studiolo_local.__path__[0]) / "data" / "users.yaml"
    users = {user.name: user for user in parse_users(path.read_text())}
    assert users["ana"].groups == ("research",)
    assert "admins" in users["carla"].groups
    assert all(user.email_verified for user in users.values())
