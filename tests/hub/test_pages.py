"""Our pages as a real hub process serves them."""

import asyncio
import json
import re
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.oidc import FakeIssuer
from tests.hub.page_spawner import CANARY
from tests.hub.running_hub import (
    CATALOGUE,
    Browser,
    Page,
    RunningHub,
    hub_settings,
    running_hub,
)
from tests.hub.visits import home_that, person, start

pytestmark = pytest.mark.asyncio(loop_scope="module")


def foreign_addresses(page: Page) -> list[str]:
    """Addresses that the page would load something from, if they are not the hub's own."""
    loaded = re.findall(
        r"""<(?:script|img|iframe|link)[^>]*?\s(?:src|href)=["']([^"']+)""", page.text
    )
    loaded += re.findall(r"url\(([^)]+)\)", page.text)
    assert loaded
    return [address for address in loaded if not address.startswith("/")]


async def test_login_is_our_name_and_one_button(hub: RunningHub) -> None:
    async with Browser(hub) as browser:
        page = await browser.get("login")
    assert page.status == 200
    assert "Studiolo" in page.words
    assert page.text.count('class="btn btn-primary btn-lg"') == 1
    assert "Sign in with your account" in page.words
    assert "st-sign-in-away" not in page.text
    assert foreign_addresses(page) == []


async def test_the_way_of_a_workspace(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "way") as browser:
        page = await browser.get("home")
        assert "Not running" in page.words
        assert "back in the pool" not in page.words

        await start(browser, "good")
        page = await home_that(browser, "running")
        assert "Image Good image Profile One GPU GPU NVIDIA L4, 24 GiB" in page.words
        assert "after 1 hour without use, at the latest 12 hours after its start" in page.words
        assert 'href="/user/way@example.org/"' in page.text
        assert foreign_addresses(page) == []

        page = await browser.press(page, "/stop")
        assert page.path == "/hub/home"
        page = await home_that(browser, "stopped")
        assert "The GPU is back in the pool, your files are kept." in page.words


async def test_a_fallback_says_which_image_runs_and_why(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "fallback") as browser:
        await start(browser, "fallback")
        page = await home_that(browser, "running")
    assert "“Fallback image” was not tried. The registry has no such image." in page.words


async def test_waiting_and_cancelling(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "wait") as browser:
        page = await start(browser, "slow")
        assert page.path == "/hub/spawn-pending/wait@example.org"
        assert "Starting your workspace" in page.words
        assert 'aria-live="polite"' in page.text
        assert '<noscript><meta http-equiv="refresh"' in page.text
        assert foreign_addresses(page) == []
        page = await browser.press(page, "/stop")
        assert page.path == "/hub/home"
        page = await home_that(browser, "stopped")
        # What was cancelled can be started at once.
        await start(browser, "good")
        await home_that(browser, "running")


async def test_cancelling_a_named_workspace(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "named") as browser:
        await start(browser, "good")
        page = await browser.press(await home_that(browser, "running"), "/add", name="My Trial")
        assert page.path == "/hub/spawn/named@example.org/my-trial"
        page = await browser.press(page, "", image="slow")
        assert page.path == "/hub/spawn-pending/named@example.org/my-trial"
        await browser.press(page, "/my-trial/stop")
        for _ in range(100):
            page = await browser.get("home")
            if re.search(r'data-name="my-trial" data-state="stopped"', page.text):
                break
            await asyncio.sleep(0.05)
        assert re.search(r'data-name="my-trial" data-state="stopped"', page.text)
        assert re.search(r'data-name="" data-state="running"', page.text)
        assert "My Trial" in page.words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("", "needs a name", id="no-name"),
        pytest.param("Second", "choose another", id="taken"),
    ],
)
async def test_names_that_are_refused(
    hub: RunningHub, issuer: FakeIssuer, name: str, words: str
) -> None:
    async with person(hub, issuer, f"names{len(name)}") as browser:
        home = await browser.get("home")
        await browser.press(home, "/add", name="second")
        page = await browser.press(home, "/add", name=name)
    assert page.status == 400
    assert words in page.words


async def test_a_refused_start_tells_its_story_as_text(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "bad") as browser:
        await start(browser, "bad")
        page = await home_that(browser, "failed")
        assert "No image could be started." in page.words
        page = await browser.get("spawn-pending/bad@example.org")
    assert page.status == 503
    assert "The workspace did not start" in page.words
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in page.text
    assert "Choose again" in page.words
    assert "reason=" not in page.text


async def test_an_unexpected_error_is_not_shown(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "broken") as browser:
        await start(browser, "broken")
        pages = [
            await home_that(browser, "failed"),
            await browser.get("spawn-pending/broken@example.org"),
        ]
    for page in pages:
        assert "your files are safe" in page.words
        assert CANARY not in page.text
        assert "Traceback" not in page.text
    # It is in the log, for administrators.
    assert CANARY.encode() in hub.log


async def test_a_choice_that_is_refused_shows_the_form_again(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "tamper") as browser:
        page = await start(browser, "<script>")
        assert page.status == 400
        assert "There is no image &lt;script&gt;." in page.text
        assert "What happens" in page.words
        assert 'data-state="stopped"' in (await browser.get("home")).text


async def test_the_xsrf_token_stays_out_of_addresses(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "token") as browser:
        form = await browser.get("spawn?next=%2Fhub%2Fhome")
        assert re.search(r'action="/hub/spawn\?next=', form.text)
        assert "_xsrf=" not in re.findall(r"<form[^>]+>", form.text)[0]


@pytest.mark.parametrize("path", ["stop", "add"])
async def test_what_changes_something_is_a_post_with_a_token(
    hub: RunningHub, issuer: FakeIssuer, path: str
) -> None:
    async with person(hub, issuer, f"xsrf{path}") as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        address = f"studiolo/workspaces/xsrf{path}@example.org/{path}"
        assert (await browser.get(address)).status == 405
        page = await browser.post(address, {"name": "x"})
        assert page.status == 403
        assert "open for too long" in page.words
        page = await browser.post(address, {"name": "x", "_xsrf": "forged"})
        assert page.status == 403
        assert 'data-state="running"' in (await browser.get("home")).text


async def test_nobody_stops_the_workspace_of_another(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "owner") as owner, person(hub, issuer, "other") as other:
        await start(owner, "good")
        await home_that(owner, "running")
        token = re.search(r'name="_xsrf" value="([^"]+)"', (await other.get("spawn")).text)
        assert token
        for name in ("owner@example.org", "nobody@example.org"):
            page = await other.post(f"studiolo/workspaces/{name}/stop", {"_xsrf": token[1]})
            assert page.status == 404
        assert 'data-state="running"' in (await owner.get("home")).text


async def test_signed_out_people_stop_nothing(hub: RunningHub) -> None:
    async with Browser(hub) as browser:
        page = await browser.post("studiolo/workspaces/way@example.org/stop", {})
    assert page.status == 403


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        pytest.param("no-such-page", 404, "There is nothing here", id="page"),
        pytest.param("user/nobody/lab", 404, "There is nothing here", id="somebody-else"),
        pytest.param("spawn-pending/errors@example.org/x", 404, "nothing here", id="workspace"),
        pytest.param("error/503", 200, "Not available now", id="proxy-503"),
        pytest.param("oauth_callback?code=x&state=y", 400, "interrupted", id="no-cookie"),
        pytest.param(
            "oauth_callback?error=x&error_description=Call+0900",
            400,
            "The sign-in service said no.",
            id="words-of-a-link",
        ),
    ],
)
async def test_errors_in_plain_words(
    hub: RunningHub, issuer: FakeIssuer, path: str, status: int, words: str
) -> None:
    async with person(hub, issuer, "errors") as browser:
        page = await browser.get(path)
    assert page.status == status
    assert words in page.words
    assert "0900" not in page.text
    assert foreign_addresses(page) == []


async def test_a_workspace_that_is_not_running(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "idle") as browser:
        page = await browser.get("user/idle@example.org/lab")
    assert "The workspace is not running" in page.words
    assert 'href="/hub/spawn/idle@example.org' in page.text


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_leads_nowhere_else(hub: RunningHub, issuer: FakeIssuer, to: str) -> None:
    async with person(hub, issuer, "next") as browser:
        await browser.press(await browser.get("logout"), "/logout")
        page = await browser.get(f"oauth_login?next={to}")
        assert page.status in {200, 404}
        async with aiohttp.ClientSession() as session:
            assert "evil.example" not in (await session.get(hub.address("login"))).headers.values()


async def test_pages_keep_the_hubs_content_policy(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "policy") as browser:
        for path in ("home", "spawn", "studiolo/workspaces/policy@example.org/stop"):
            page = await browser.get(path)
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


async def test_static_files_are_kept_by_their_hash(hub: RunningHub) -> None:
    async with Browser(hub) as browser:
        login = await browser.get("login")
        name = re.search(r'/hub/(studiolo/static/studiolo\.css\?v=[0-9a-f]{16})"', login.text)
        assert name
        hashed, plain = (
            await browser.get(name[1]),
            await browser.get("studiolo/static/studiolo.css"),
        )
        assert "max-age" in hashed.headers["Cache-Control"]
        assert plain.headers["Cache-Control"] == "no-cache"
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        assert "url(" not in plain.text
        for path in ("nothing.css", "..%2fpages.py", "%2e%2e/pages.py", "/etc/passwd"):
            assert (await browser.get(f"studiolo/static/{path}")).status in {403, 404}


async def test_a_bad_edit_of_the_catalogue_is_told_to_administrators_alone(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    path = hub.folder / "catalogue.yaml"
    async with (
        person(hub, issuer, "admin", group="ops") as admin,
        person(hub, issuer, "member") as member,
    ):
        status = json.loads((await admin.get("studiolo/catalogue")).text)
        assert status == {
            "source": str(path),
            "in_effect": True,
            "images": 1,
            "profiles": 1,
            "since": None,
            "problems": [],
        }
        try:
            path.write_text(CATALOGUE.replace("cpu: 4", "cpu: <b>four</b>"))
            page = await _home_with(admin, banner=True)
            assert "The catalogue's last edit is not in effect." in page.text.replace("&#39;", "'")
            assert str(path) in page.text
            assert "profiles[0].cpu" in page.text
            assert "<b>four" not in page.text
            status = json.loads((await admin.get("studiolo/catalogue")).text)
            assert not status["in_effect"]
            assert status["problems"][0]["path"] == "profiles[0].cpu"
            # Every page of an administrator shows it, an error too; nobody else's does.
            assert "st-catalogue-problem" in (await admin.get("no-such-page")).text
            assert "st-catalogue-problem" not in (await member.get("home")).text
            assert (await member.get("studiolo/catalogue")).status == 403
        finally:
            path.write_text(CATALOGUE)
        await _home_with(admin, banner=False)


async def test_a_catalogue_that_was_never_good_is_no_last_good_one(
    tmp_path: Path, issuer: FakeIssuer
) -> None:
    settings = hub_settings(tmp_path, issuer)
    (tmp_path / "catalogue.yaml").write_text("version: 1")
    async with (
        running_hub(tmp_path, settings) as hub,
        person(hub, issuer, "mender", group="ops") as admin,
    ):
        banner = (await admin.get("home")).text
        assert "There is no catalogue yet that can be used." in banner
        assert "last good" not in banner
        (tmp_path / "catalogue.yaml").write_text(CATALOGUE)
        await _home_with(admin, banner=False)


async def test_the_images_health_is_for_administrators_alone(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with (
        person(hub, issuer, "keeper", group="ops") as admin,
        person(hub, issuer, "guest") as member,
    ):
        page = await admin.get("studiolo/images")
        assert page.headers["Content-Type"] == "application/json"
        (entry,) = json.loads(page.text)["images"]
        assert (entry["id"], entry["reference"]) == ("good", "registry.example/image:1")
        assert (await member.get("studiolo/images")).status == 403


async def _home_with(browser: Browser, *, banner: bool) -> Page:
    for _ in range(120):
        page = await browser.get("home")
        if ("st-catalogue-problem" in page.text) is banner:
            return page
        await asyncio.sleep(0.1)
    raise AssertionError(f"banner still {not banner}")
