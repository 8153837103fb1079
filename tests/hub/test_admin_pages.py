"""The administration through a real hub: who may see and do what, on every one of its addresses."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from studiolo_hub.admin_handlers import admin_handlers
from studiolo_hub.administration import Administration

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import CATALOGUE, Browser, Page, RunningHub, hub_settings, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEADER = "lead@example.org"
ROLES = [
    {
        "name": "group-leader",
        "scopes": [
            "admin-ui",
            "list:users!group=vision",
            "read:users:name!group=vision",
            "read:servers!group=vision",
            "delete:servers!group=vision",
        ],
        "users": [LEADER],
    }
]
CONTRACT = json.loads((Path(__file__).parents[1] / "contract" / "admin.json").read_text())

GET = [
    "studiolo/admin",
    "studiolo/admin.json",
    "studiolo/admin/workspaces",
    "studiolo/admin/workspaces.json",
    "studiolo/admin/gpus",
    "studiolo/admin/gpus.json",
    "studiolo/admin/images",
    "studiolo/admin/images.json",
    "studiolo/admin/catalogue",
    "studiolo/admin/catalogue.json",
    "studiolo/admin/catalogue.yaml",
    "studiolo/admin/people",
    "studiolo/admin/people.json",
    "studiolo/admin/people/member@example.org",
    "studiolo/admin/volumes",
    "studiolo/admin/volumes.json",
    "studiolo/admin/events",
]
POST = [
    "studiolo/admin/images/check",
    "studiolo/admin/workspaces/member@example.org/stop",
    "studiolo/admin/workspaces/member@example.org/named/stop",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    issuer: FakeIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHub]:
    """A hub that reads claims again with every second, and knows a group's leader."""
    folder = tmp_path_factory.mktemp("hub")
    settings = hub_settings(folder, issuer, sign_in={"refresh_every": "1s"})
    settings["extra"]["JupyterHub"]["load_roles"] = ROLES
    async with running_hub(folder, settings) as running:
        yield running


@asynccontextmanager
async def person(
    hub: RunningHub, issuer: FakeIssuer, name: str, *groups: str
) -> AsyncIterator[Browser]:
    issuer.claims = {
        "email": f"{name}@example.org",
        "email_verified": True,
        "groups": [*groups, "ml"],
    }
    async with Browser(hub) as browser:
        page = await browser.sign_in()
        assert (page.status, page.path) == (200, "/hub/home"), page.words
        yield browser


async def start(browser: Browser, path: str = "spawn", image: str = "good") -> None:
    page = await browser.get(path)
    if not page.path.startswith("/hub/spawn") or page.status == 200:
        await browser.press(page, "", image=image)


async def asked(
    browser: Browser, method: str, path: str, form: dict[str, str] | None = None
) -> aiohttp.ClientResponse:
    """One request without following anything; a stream is left after its head."""
    answer = await browser._session.request(
        method, browser.hub.address(path), data=form, allow_redirects=False
    )
    answer.release() if "event-stream" not in answer.content_type else answer.close()
    return answer


def rows(page: Page) -> dict[str, str]:
    found = re.findall(r'data-user="([^"]*)" data-name="([^"]*)" data-state="([^"]*)"', page.text)
    return {f"{user}/{name}": state for user, name, state in found}


async def until(browser: Browser, path: str, workspace: str, state: str) -> Page:
    for _ in range(150):
        page = await browser.get(path)
        if rows(page).get(workspace) == state:
            return page
        await asyncio.sleep(0.1)
    raise AssertionError(f"{workspace} is not {state}: {rows(page)}")


async def test_the_tables_name_every_address() -> None:
    handlers = admin_handlers(Administration.__new__(Administration))
    patterns = [pattern for pattern, *_ in handlers]
    for pattern in patterns:
        assert any(re.fullmatch(pattern, f"/{path}") for path in (*GET, *POST)), pattern
    for path in (*GET, *POST):
        assert any(re.fullmatch(pattern, f"/{path}") for pattern in patterns), path


@pytest.mark.parametrize("path", GET)
async def test_who_may_read(hub: RunningHub, issuer: FakeIssuer, path: str) -> None:
    async with person(hub, issuer, "member") as member:
        assert (await asked(member, "GET", path)).status == 403
    async with Browser(hub) as stranger:
        answer = await asked(stranger, "GET", path)
        if path.endswith(".json"):
            assert answer.status == 403
            assert answer.content_type == "application/json"
        else:
            assert answer.status == 302
            assert answer.headers["Location"].startswith("/hub/login?next=")
    async with person(hub, issuer, "root", "ops") as admin:
        answer = await asked(admin, "GET", path)
        assert answer.status == 200
        assert "no-" in answer.headers.get("Cache-Control", "no-") or path.endswith("yaml")
        # What changes something is no link.
        assert (await asked(admin, "POST", path)).status in {403, 405}


@pytest.mark.parametrize("path", POST)
async def test_who_may_change(hub: RunningHub, issuer: FakeIssuer, path: str) -> None:
    async with person(hub, issuer, "member") as member:
        token = token_of(await member.get("home"))
        assert (await asked(member, "POST", path, {"_xsrf": token})).status == 403
        # Not by being the owner, either: that is the home page's button.
    async with Browser(hub) as stranger:
        assert (await asked(stranger, "POST", path)).status == 403
    async with person(hub, issuer, "root", "ops") as admin:
        assert (await asked(admin, "POST", path)).status == 403
        assert (await asked(admin, "POST", path, {"_xsrf": "guessed"})).status == 403
        assert (await asked(admin, "GET", path)).status == 405


def token_of(page: Page) -> str:
    found = re.search(r'xsrf_token: "([^"]+)"|name="_xsrf" value="([^"]+)"', page.text)
    assert found
    return found[1] or found[2]


async def test_who_is_no_longer_an_administrator_loses_the_pages(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "demoted", "ops") as browser:
        assert 'href="/hub/studiolo/admin"' in (await browser.get("home")).text
        assert (await browser.get("studiolo/admin")).status == 200
        issuer.claims["groups"] = ["ml"]
        await asyncio.sleep(1.1)
        assert (await browser.get("studiolo/admin")).status == 403
        assert "studiolo/admin" not in (await browser.get("home")).text
        issuer.claims["groups"] = ["ops"]
        await asyncio.sleep(1.1)
        assert (await browser.get("studiolo/admin")).status == 200


async def test_all_workspaces_and_a_stop(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "worker") as worker,
        person(hub, issuer, "slowpoke") as slow,
        person(hub, issuer, "keeper", "ops") as admin,
    ):
        await start(worker)
        await start(slow, image="slow")
        path = "studiolo/admin/workspaces"
        await until(admin, path, "worker@example.org/", "running")
        page = await until(admin, path, "slowpoke@example.org/", "starting")
        assert page.headers["Content-Type"].startswith("text/html")
        # Narrowed by what stands in it, by state, and by profile.
        only = rows(await admin.get(f"{path}?q=WORKER+good"))
        assert list(only) == ["worker@example.org/"]
        assert "worker@example.org/" not in rows(await admin.get(f"{path}?state=starting"))
        assert not rows(await admin.get(f"{path}?profile=other"))
        narrowed = await admin.get(f"{path}?q=worker")
        assert 'name="filter" value="q=worker"' in narrowed.text
        after = await admin.press(narrowed, "worker@example.org/stop", filter="q=worker")
        assert after.path == "/hub/studiolo/admin/workspaces"
        assert "worker@example.org is stopped, or about to be" in after.words
        assert 'value="worker"' in after.text  # still narrowed
        assert "worker@example.org/" not in rows(await admin.get(path))
        stopped = rows(await admin.get(f"{path}?state=stopped"))
        assert stopped["worker@example.org/"] == "stopped"
        # A start is cancelled by the same button.
        await admin.press(await admin.get(f"{path}?q=slowpoke"), "slowpoke@example.org/stop")
        for _ in range(100):
            if rows(await admin.get(path)).get("slowpoke@example.org/") != "starting":
                break
            await asyncio.sleep(0.1)
        assert "slowpoke@example.org/" not in {
            name for name, state in rows(await admin.get(path)).items() if state == "starting"
        }


async def test_a_failed_start_is_told(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "unlucky") as unlucky,
        person(hub, issuer, "nightwatch", "ops") as admin,
    ):
        await start(unlucky, image="bad")
        path = "studiolo/admin/workspaces?state=failed"
        page = await until(admin, path, "unlucky@example.org/", "failed")
        assert "No image could be started." in page.words
        overview = await admin.get("studiolo/admin")
        assert "did not start" in overview.words
        assert 'data-alarm="workspaces"' in overview.text
        await start(unlucky)


async def test_stopping_somebody_who_is_not_there(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "root", "ops") as admin:
        token = token_of(await admin.get("home"))
        for path in ("nobody@example.org/stop", "root@example.org/none/stop"):
            answer = await asked(
                admin, "POST", f"studiolo/admin/workspaces/{path}", {"_xsrf": token}
            )
            assert answer.status == 404
        assert (await admin.get("studiolo/admin/people/nobody@example.org")).status == 404


async def test_a_group_leader_sees_the_group_alone(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "artist", "vision") as artist,
        person(hub, issuer, "writer", "words") as writer,
        person(hub, issuer, "lead", "vision") as leader,
    ):
        await start(artist)
        await start(writer)
        page = await until(leader, "studiolo/admin/workspaces", "artist@example.org/", "running")
        assert "writer" not in page.text
        assert "writer" not in (await leader.get("studiolo/admin/workspaces?state=all")).text
        people = await leader.get("studiolo/admin/people")
        assert "artist@example.org" in people.text
        assert "writer" not in people.text
        # Groups and roles are scopes of their own.
        assert "not yours to see" in people.words
        assert (await leader.get("studiolo/admin/people/artist@example.org")).status == 200
        assert (await leader.get("studiolo/admin/people/writer@example.org")).status in {403, 404}
        assert (await leader.get("studiolo/admin/volumes")).status == 403
        assert "Volumes" not in page.words
        token = token_of(await leader.get("home"))
        stop = "studiolo/admin/workspaces/{}@example.org/stop"
        other = await asked(leader, "POST", stop.format("writer"), {"_xsrf": token})
        assert other.status in {403, 404}
        own = await asked(leader, "POST", stop.format("artist"), {"_xsrf": token})
        assert own.status == 302
        async with person(hub, issuer, "root", "ops") as admin:
            state = rows(await admin.get("studiolo/admin/workspaces"))
            assert state.get("writer@example.org/") == "running"
            assert "artist@example.org/" not in state


async def test_one_person(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "subject", "vision", "<b>bold</b>") as subject,
        person(hub, issuer, "root", "ops") as admin,
    ):
        await start(subject, path="spawn/subject@example.org/second")
        page = await admin.get("studiolo/admin/people/subject@example.org")
        assert "vision" in page.words
        assert "&lt;b&gt;bold" in page.text
        assert "<b>bold" not in page.text
        assert "subject@example.org/second" in rows(page)
        listed = await admin.get("studiolo/admin/people?q=subject")
        assert 'href="/hub/studiolo/admin/people/subject%40example.org"' in listed.text
        assert "One person." in listed.words
        by_group = await admin.get("studiolo/admin/people?q=VISION+subject")
        assert "One person." in by_group.words
        for nobody in ("%25", "_ubject", "subject+nobody", "%27%3B+drop+table+users"):
            page = await admin.get(f"studiolo/admin/people?q={nobody}")
            assert "Nobody is called that." in page.words


async def test_the_catalogues_mistakes_with_their_places(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    path = hub.folder / "catalogue.yaml"
    async with person(hub, issuer, "root", "ops") as admin:
        assert "is in effect as it is" in (await admin.get("studiolo/admin/catalogue")).words
        good = (await admin.get("studiolo/admin/catalogue.yaml")).text
        try:
            path.write_text(CATALOGUE.replace("cpu: 4", "cpu: <b>four</b>"))
            for _ in range(120):
                page = await admin.get("studiolo/admin/catalogue")
                if "What has to be mended" in page.words:
                    break
                await asyncio.sleep(0.1)
            assert "profiles[0].cpu" in page.words
            assert re.search(r"line \d+", page.words)
            assert "<b>four" not in page.text
            overview = await admin.get("studiolo/admin")
            assert 'data-alarm="catalogue"' in overview.text
            # The banner on every page and the overview say it in the same words.
            banner = re.search(r"<li><code>(.*?)</code></li>", overview.text, re.DOTALL)
            assert banner
            assert overview.text.count(banner[1].strip()) == 2
            # What is downloaded is what is in effect.
            assert (await admin.get("studiolo/admin/catalogue.yaml")).text == good
        finally:
            path.write_text(CATALOGUE)


async def test_what_is_downloaded_is_a_catalogue(hub: RunningHub, issuer: FakeIssuer) -> None:
    from studiolo_spawner.catalogue import parse_catalogue

    async with person(hub, issuer, "root", "ops") as admin:
        page = await admin.get("studiolo/admin/catalogue.yaml")
    assert page.headers["Content-Disposition"] == 'attachment; filename="catalogue.yaml"'
    assert parse_catalogue(page.text) == parse_catalogue(CATALOGUE)


async def test_images_are_not_checked_without_a_spawner_that_can(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "root", "ops") as admin:
        page = await admin.get("studiolo/admin/images")
        assert "Good image" in page.words
        assert "Check all now" not in page.words
        token = token_of(await admin.get("home"))
        answer = await admin._session.post(
            hub.address("studiolo/admin/images/check"),
            data={"_xsrf": token},
            headers={"Accept": "application/json"},
        )
        told = await answer.json()
        assert (answer.status, told["reason"], told["version"]) == (503, "no_checks", 1)


async def test_the_stream_tells_of_a_change(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "mover") as mover,
        person(hub, issuer, "root", "ops") as admin,
    ):
        session = admin._session
        async with session.get(hub.address("studiolo/admin/events")) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            assert (await event(stream))["changes"] == 0
            path = hub.folder / "catalogue.yaml"
            path.write_text(CATALOGUE.replace("Good image", "Better image"))
            try:
                assert (await event(stream))["version"] == 1
            finally:
                path.write_text(CATALOGUE)
        await mover.get("home")


async def event(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    async with asyncio.timeout(20):
        async for line in stream.content:
            if line.startswith(b"data: "):
                told: dict[str, Any] = json.loads(line[6:])
                return told
    raise AssertionError("the stream has ended")


def shape(value: object) -> object:
    """Names and kinds; of a list, its first element's."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def fits(value: object, example: object) -> bool:
    """Whether a document has the fields of the example; nulls and empty lists fit everything."""
    if value is None or example is None:
        return True
    if isinstance(example, dict) and isinstance(value, dict):
        return value.keys() == example.keys() and all(fits(value[k], example[k]) for k in example)
    if isinstance(example, list) and isinstance(value, list):
        return all(fits(each, example[0]) for each in value) if example else True
    return type(value) is type(example)


@pytest.mark.parametrize("page", sorted(set(CONTRACT) - {"people/NAME", "events"}))
async def test_json_is_what_was_agreed(hub: RunningHub, issuer: FakeIssuer, page: str) -> None:
    async with person(hub, issuer, "root", "ops") as admin:
        await start(admin)
        await until(admin, "studiolo/admin/workspaces", "root@example.org/", "running")
        path = f"studiolo/admin/{page}".rstrip("/")
        told = json.loads((await admin.get(f"{path}.json")).text)
        expected = CONTRACT[page]
        missing = {"known"} if page == "gpus" else set()
        if missing:
            assert told.keys() >= {"version", "at"} | missing
        else:
            assert fits(told, expected), (shape(told), shape(expected))
        token = await token_for(hub, admin)
        async with aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session:
            answer = await session.get(hub.address(path))
            assert answer.content_type == "application/json"
            assert (await answer.json()).keys() == told.keys()


async def test_json_of_one_person(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "root", "ops") as admin:
        token = await token_for(hub, admin)
        async with aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session:
            answer = await session.get(hub.address("studiolo/admin/people/root@example.org"))
            told = await answer.json()
    assert fits(told, CONTRACT["people/NAME"]), (shape(told), shape(CONTRACT["people/NAME"]))


async def token_for(hub: RunningHub, browser: Browser) -> str:
    xsrf = token_of(await browser.get("home"))
    user = "root@example.org"
    answer = await browser._session.post(
        hub.address(f"api/users/{user}/tokens"), json={}, headers={"X-XSRFToken": xsrf}
    )
    token: str = (await answer.json())["token"]
    return token
