"""Another choice, a new name, the log, and the end of a workspace, in a real hub process."""

import asyncio
import re

import pytest
from studiolo_spawner.log_text import MAX_LOG

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, RunningHub
from tests.hub.visits import home_that, person, program, start, token_of, xsrf

pytestmark = pytest.mark.asyncio(loop_scope="module")


def at(name: str, action: str, server: str = "") -> str:
    middle = f"/{server}" if server else ""
    return f"studiolo/workspaces/{name}@example.org{middle}/{action}"


async def with_trial(browser: Browser) -> None:
    """Add a workspace “Trial” and stop it again."""
    menu = await browser.press(await browser.get("home"), "/add", name="Trial")
    await browser.press(menu, "", image="good")
    await home_that(browser, "running")
    await browser.press(await browser.get("home"), "/trial/stop")
    for _ in range(100):
        page = await browser.get("home")
        if re.search(r'data-name="trial" data-state="stopped"', page.text):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(page.words)


def deleted(hub: RunningHub) -> list[str]:
    file = hub.folder / "deleted-volumes"
    return file.read_text().splitlines() if file.exists() else []


async def test_the_menu_restarts_a_workspace(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "change") as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        token = token_of(hub, "change")
        page = await browser.get(at("change", "change"))
        assert "Restart with another choice" in page.words
        assert "“My workspace” is stopped" in page.words
        assert 'name="whole" value="true"' in page.text
        await browser.press(page, "/restart", whole="true", image="fallback", profile="gpu")
        for _ in range(100):
            if token_of(hub, "change") != token:
                break
            await asyncio.sleep(0.05)
        page = await home_that(browser, "running")
        assert "Fallback image" in page.words


async def test_renaming(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "rename") as browser:
        await with_trial(browser)
        page = await browser.press(
            await browser.get("home"), "/trial/rename", display_name="  Été   <b>2026</b> "
        )
        assert page.path == "/hub/home"
        assert "Été &lt;b&gt;2026&lt;/b&gt;" in page.text
        # Its address and so its files stay.
        assert 'data-name="trial"' in page.text


@pytest.mark.parametrize(
    ("server", "name", "words"),
    [
        pytest.param("", "x", "has no name to change", id="the-first"),
        pytest.param("trial", "", "A workspace needs a name", id="none"),
        pytest.param("trial", "x" * 61, "no name for a workspace", id="long"),
        pytest.param("trial", "a\u202eb", "no name for a workspace", id="reordering"),
        pytest.param("nothing", "x", "nothing here", id="unknown"),
    ],
)
async def test_names_that_are_refused(
    hub: RunningHub, issuer: FakeIssuer, server: str, name: str, words: str
) -> None:
    person_name = f"named{len(server)}{len(name)}"
    async with person(hub, issuer, person_name) as browser:
        await with_trial(browser)
        form = {"_xsrf": await xsrf(browser), "display_name": name}
        page = await browser.post(at(person_name, "rename", server), form)
        assert page.status in {400, 404}
        assert words in page.words
        assert "Trial" in (await browser.get("home")).words


async def test_nobody_has_more_workspaces_than_they_may(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "many") as browser:
        for number in range(3):
            menu = await browser.press(await browser.get("home"), "/add", name=f"No {number}")
            await browser.press(menu, "", image="bad")
        home = await browser.get("home")
        assert "as many workspaces as one person may have" in home.words
        form = {"_xsrf": await xsrf(browser), "name": "One more"}
        page = await browser.post(at("many", "add"), form)
        assert page.status == 403
        assert "You may have 3 workspaces beside the first one, and you have 3." in page.words
        assert "servers" not in page.words


async def test_deleting_a_workspace_and_keeping_its_files(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "keeps") as browser:
        await with_trial(browser)
        page = await browser.get(at("keeps", "remove", "trial"))
        assert "Delete “Trial”?" in page.words
        assert "claim-keeps@example.org-trial" in page.words
        page = await browser.press(page, "/delete", files="keep")
        assert page.path == "/hub/home"
        assert 'data-name="trial"' not in page.text
        assert "claim-keeps@example.org-trial" not in deleted(hub)


async def test_deleting_files_needs_the_name(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "sure") as browser:
        await with_trial(browser)
        fields = {"_xsrf": await xsrf(browser), "files": "delete"}
        address = at("sure", "delete", "trial")
        for typed in ({}, {"confirm": ""}, {"confirm": "trial"}, {"confirm": "My workspace"}):
            page = await browser.post(address, {**fields, **typed})
            assert page.status == 400
            assert "nothing was deleted" in page.words
        assert 'data-name="trial"' in (await browser.get("home")).text
        assert deleted(hub).count("claim-sure@example.org-trial") == 0
        page = await browser.post(address, {**fields, "confirm": "Trial"})
        assert page.path == "/hub/home"
        assert 'data-name="trial"' not in page.text
        assert deleted(hub).count("claim-sure@example.org-trial") == 1


async def test_the_first_workspace_stays_and_its_files_may_go(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "fresh") as browser:
        await browser.get("home")
        page = await browser.get(at("fresh", "remove"))
        assert "Delete the files of “My workspace”?" in page.words
        assert "keep its files" not in page.words
        fields = {"_xsrf": await xsrf(browser)}
        page = await browser.post(at("fresh", "delete"), {**fields, "files": "keep"})
        assert page.status == 400
        page = await browser.post(
            at("fresh", "delete"), {**fields, "files": "delete", "confirm": "My workspace"}
        )
        assert 'data-name="" data-state="stopped"' in page.text
        assert "claim-fresh@example.org-" in deleted(hub)


async def test_nothing_of_a_running_workspace_is_deleted(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "busy") as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        page = await browser.get(at("busy", "remove"))
        assert "Stop it first" in page.words
        fields = {"_xsrf": await xsrf(browser), "files": "delete", "confirm": "My workspace"}
        page = await browser.post(at("busy", "delete"), fields)
        assert page.status == 409
        assert "claim-busy@example.org-" not in deleted(hub)


async def test_files_that_are_shared_or_in_use_stay(hub: RunningHub, issuer: FakeIssuer) -> None:
    for name, words in (("shares", "also those of My workspace"), ("inuse", "still in use")):
        async with person(hub, issuer, name) as browser:
            await with_trial(browser)
            fields = {"_xsrf": await xsrf(browser), "files": "delete", "confirm": "Trial"}
            page = await browser.post(at(name, "delete", "trial"), fields)
            assert page.status == 409
            assert words in page.words
            assert 'data-name="trial"' in (await browser.get("home")).text
            page = await browser.get(at(name, "remove", "trial"))
            assert ("they are also those of: My workspace" in page.words) is (name == "shares")
            assert ("Delete the files for ever" in page.words) is (name == "inuse")


async def test_no_workspaces_token_deletes_anything(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "tokens") as browser:
        await with_trial(browser)
        await start(browser, "good")
        await home_that(browser, "running")
        body = {"files": "delete", "confirm": "Trial"}
        for server in ("", "trial"):
            path = at("tokens", "delete", server)
            status, _told = await program(hub, token_of(hub, "tokens"), "POST", path, body)
            assert status in {403, 404}
        assert 'data-name="trial"' in (await browser.get("home")).text


async def test_the_log_is_text_for_its_owner(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "logs") as browser:
        page = await browser.get(at("logs", "log"))
        assert "&lt;img src=x onerror=alert(1)&gt; ended" in page.text
        assert "<img src=x" not in page.text
        assert "BackOff: &lt;b&gt;" in page.text
        await start(browser, "good")
        await home_that(browser, "running")
        status, told = await program(hub, token_of(hub, "logs"), "GET", at("logs", "log"))
        assert status == 200
        assert isinstance(told, dict)
        older, newest = told["attempts"]
        assert newest.keys() == {"at", "image", "events", "log"}
        assert newest["log"].endswith("ended\n")
        # All of it together is bounded, the newest first.
        assert len(older["log"]) + len(newest["log"]) <= MAX_LOG
        assert len(older["log"]) > MAX_LOG / 2


@pytest.mark.parametrize("action", ["rename", "delete"])
async def test_what_changes_something_needs_a_post_a_token_and_the_person(
    hub: RunningHub, issuer: FakeIssuer, action: str
) -> None:
    owner_name, other_name = f"own{action}", f"oth{action}"
    form = {"display_name": "x", "files": "delete", "confirm": "My workspace"}
    async with (
        person(hub, issuer, owner_name) as owner,
        person(hub, issuer, other_name) as other,
        Browser(hub) as nobody,
    ):
        await owner.get("home")
        address = at(owner_name, action)
        assert (await owner.get(address)).status == 405
        assert (await owner.post(address, form)).status == 403
        assert (await owner.post(address, {**form, "_xsrf": "forged"})).status == 403
        page = await other.post(address, {**form, "_xsrf": await xsrf(other)})
        assert page.status == 404
        assert (await nobody.post(address, form)).status == 403
        assert f"claim-{owner_name}@example.org-" not in deleted(hub)


@pytest.mark.parametrize("action", ["change", "remove", "log"])
async def test_pages_of_a_workspace_are_its_owners(
    hub: RunningHub, issuer: FakeIssuer, action: str
) -> None:
    async with (
        person(hub, issuer, f"mine{action}") as owner,
        person(hub, issuer, f"not{action}") as other,
        Browser(hub) as nobody,
    ):
        address = at(f"mine{action}", action)
        assert (await owner.get(address)).status == 200
        assert (await other.get(address)).status == 404
        page = await nobody.get(address)
        assert page.status == 403 or page.path != f"/hub/{address}"
        assert (await owner.post(address, {"_xsrf": await xsrf(owner)})).status == 405


async def test_an_administrator_reads_the_log(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "seen") as owner,
        person(hub, issuer, "sees", group="ops") as admin,
    ):
        await owner.get("home")
        assert (await admin.get(at("seen", "log"))).status == 200
