"""Stopping, restarting and asking with what, as a real hub process does it."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import CATALOGUE, Browser, RunningHub, hub_settings, running_hub
from tests.hub.visits import home_that, person, program, start, token_of, xsrf

pytestmark = pytest.mark.asyncio(loop_scope="module")

CPU = "  - {id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    issuer: FakeIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHub]:
    """A hub with a profile to park on."""
    folder = tmp_path_factory.mktemp("hub")
    settings = hub_settings(folder, issuer)
    (folder / "catalogue.yaml").write_text(CATALOGUE + CPU)
    async with running_hub(folder, settings) as running:
        yield running


def at(name: str, action: str, server: str = "") -> str:
    middle = f"/{server}" if server else ""
    return f"studiolo/workspaces/{name}@example.org{middle}/{action}"


async def profile_is(browser: Browser, words: str) -> None:
    for _ in range(100):
        page = await browser.get("home")
        if 'data-state="running"' in page.text and f"Profile {words}" in page.words:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never with {words}: {page.words}")


async def test_parking_by_a_button(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "park") as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        await profile_is(browser, "One GPU")
        form = {"_xsrf": await xsrf(browser), "park": "true"}
        page = await browser.post(at("park", "restart"), form)
        assert page.path in {"/hub/spawn-pending/park@example.org", "/user/park@example.org/"}
        await profile_is(browser, "CPU only")


async def test_a_workspace_restarts_itself_with_its_own_token(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "self") as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        token = token_of(hub, "self")
        status, told = await program(hub, token, "GET", at("self", "choices"))
        assert status == 200
        assert isinstance(told, dict)
        assert told["current"] == {"image": "good", "profile": "gpu"}
        assert [each["id"] for each in told["profiles"]] == ["gpu", "cpu"]
        assert told["park"] == {"id": "cpu", "display_name": "CPU only"}

        status, told = await program(hub, token, "POST", at("self", "restart"), {"profile": "cpu"})
        assert (status, told) == (
            202,
            {"version": 1, "url": "/hub/spawn-pending/self@example.org"},
        )
        await profile_is(browser, "CPU only")
        # The workspace that was stopped has no token any more; the new one has its own.
        assert token_of(hub, "self") != token
        status, _told = await program(hub, token, "GET", at("self", "choices"))
        assert status == 403


async def test_a_token_reaches_its_own_workspace_alone(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "mine") as mine, person(hub, issuer, "yours") as yours:
        for browser in (mine, yours):
            await start(browser, "good")
            await home_that(browser, "running")
        page = await mine.press(await mine.get("home"), "/add", name="second")
        await mine.press(page, "", image="good")
        token = token_of(hub, "mine")
        for method, path in (
            ("POST", at("yours", "restart")),
            ("POST", at("yours", "stop")),
            ("GET", at("yours", "choices")),
            ("POST", at("mine", "restart", "second")),
            ("POST", at("mine", "stop", "second")),
            ("GET", at("mine", "choices", "second")),
            ("POST", at("mine", "restart", "nothing")),
        ):
            status, told = await program(hub, token, method, path, {})
            assert status == 404, (method, path)
            assert isinstance(told, dict)
            assert told.keys() == {"version", "reason", "message", "hint"}
            assert told["reason"] == "not_found"
        assert 'data-state="running"' in (await yours.get("home")).text


@pytest.mark.parametrize(
    ("wish", "status", "reason"),
    [
        pytest.param({"profile": "h100"}, 400, "invalid_choice", id="no-such-profile"),
        pytest.param({"image": "../x"}, 400, "invalid_choice", id="no-such-image"),
        pytest.param({"first_choice": True}, 409, "no_first_choice", id="it-runs-already"),
        pytest.param({"pod": "x"}, 400, "invalid_choice", id="unknown-field"),
        pytest.param(["park"], 400, "bad_request", id="no-object"),
    ],
)
async def test_nothing_is_stopped_for_a_choice_that_is_refused(
    hub: RunningHub, issuer: FakeIssuer, wish: Any, status: int, reason: str
) -> None:
    name = f"refused{len(str(wish))}"
    async with person(hub, issuer, name) as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        token = token_of(hub, name)
        answered, told = await program(hub, token, "POST", at(name, "restart"), wish)
        assert (answered, told["reason"]) == (status, reason)  # type: ignore[index]
        assert told["message"]  # type: ignore[index]
        await asyncio.sleep(0.3)
        assert 'data-state="running"' in (await browser.get("home")).text
        assert token_of(hub, name) == token


async def test_a_double_click_restarts_once(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "twice") as browser:
        await start(browser, "good")
        await home_that(browser, "running")
        token = token_of(hub, "twice")
        answers = await asyncio.gather(
            *(
                program(hub, token, "POST", at("twice", "restart"), {"profile": "cpu"})
                for _ in range(4)
            )
        )
        statuses = {status for status, _told in answers}
        # A click that comes late finds the old token revoked, which is as good.
        assert statuses <= {202, 403}
        assert 202 in statuses
        await profile_is(browser, "CPU only")
    starts = re.findall(rb"User twice@example\.org took [0-9.]+ seconds to start", bytes(hub.log))
    assert len(starts) == 2


async def test_a_start_that_waits_is_taken_over_by_another_choice(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "offer") as browser:
        page = await start(browser, "slow")
        assert page.path == "/hub/spawn-pending/offer@example.org"
        form = {"_xsrf": await xsrf(browser), "image": "good", "profile": "cpu"}
        await browser.post(at("offer", "restart"), form)
        await profile_is(browser, "CPU only")


async def test_a_workspace_that_does_not_run_is_started(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "again") as browser:
        await start(browser, "bad")
        await home_that(browser, "failed")
        form = {"_xsrf": await xsrf(browser), "image": "good"}
        await browser.post(at("again", "restart"), form)
        await home_that(browser, "running")


async def test_retrying_the_first_choice(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "first") as browser:
        await start(browser, "fallback")
        await home_that(browser, "running")
        token = token_of(hub, "first")
        _status, told = await program(hub, token, "GET", at("first", "choices"))
        assert told["first_choice"] == {  # type: ignore[index]
            "id": "fallback",
            "display_name": "Fallback image",
        }
        status, _told = await program(
            hub, token, "POST", at("first", "restart"), {"first_choice": True}
        )
        assert status == 202
        for _ in range(100):
            if token_of(hub, "first") != token:
                break
            await asyncio.sleep(0.05)
        assert token_of(hub, "first") != token


async def test_stopping_for_good_ends_a_restart(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "final") as browser:
        await start(browser, "lingering")
        await home_that(browser, "running")
        fields = {"_xsrf": await xsrf(browser)}
        await browser.post(at("final", "restart"), {**fields, "profile": "cpu"})
        await browser.post(at("final", "stop"), fields)
        await home_that(browser, "stopped")
        await asyncio.sleep(0.5)
        await home_that(browser, "stopped")


async def test_a_full_home_is_rescued_for_one_start(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "full") as browser:
        await start(browser, "full")
        page = await home_that(browser, "failed")
        assert "No space is left where your files are." in page.words
        waiting = await browser.get("spawn-pending/full@example.org")
        assert "Start in rescue mode" in waiting.words
        await browser.press(page, "/restart", rescue="true")
        page = await home_that(browser, "running")
        assert "Rescue mode: delete what you no longer need" in page.words
        # As usual, it fails again: the wish was for one start.
        await browser.press(page, "/restart")
        page = await home_that(browser, "failed")
        assert "Start in rescue mode" in page.words


@pytest.mark.parametrize("action", ["restart", "stop"])
async def test_what_changes_something_needs_a_post_a_token_and_the_person(
    hub: RunningHub, issuer: FakeIssuer, action: str
) -> None:
    owner_name, other_name = f"own{action}", f"oth{action}"
    async with (
        person(hub, issuer, owner_name) as owner,
        person(hub, issuer, other_name) as other,
        Browser(hub) as nobody,
    ):
        await start(owner, "good")
        await home_that(owner, "running")
        address = at(owner_name, action)
        assert (await owner.get(address)).status == 405
        for form in ({}, {"_xsrf": "forged"}):
            page = await owner.post(address, {"park": "true", **form})
            assert page.status == 403
            assert "open for too long" in page.words
        page = await other.post(address, {"park": "true", "_xsrf": await xsrf(other)})
        assert page.status == 404
        assert (await nobody.post(address, {"park": "true"})).status == 403
        await asyncio.sleep(0.2)
        assert 'data-state="running"' in (await owner.get("home")).text


async def test_choices_are_for_the_owner(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "asks") as owner,
        person(hub, issuer, "spies") as other,
        Browser(hub) as nobody,
    ):
        assert (await owner.get(at("asks", "choices"))).status == 200
        assert (await other.get(at("asks", "choices"))).status == 404
        assert (await nobody.get(at("asks", "choices"))).status == 403
