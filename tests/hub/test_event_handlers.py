"""The stream of a person's workspaces, as a real hub process sends it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, RunningHub
from tests.hub.visits import home_that, person, program, start, token_of, xsrf

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Heard:
    """What a page's stream has brought so far."""

    workspaces: list[dict[str, Any]] = field(default_factory=list)
    cards: str = ""
    times: int = 0

    async def until(self, state: str, name: str = "") -> dict[str, Any]:
        for _ in range(200):
            for each in self.workspaces:
                if each["name"] == name and each["state"] == state:
                    return each
            await asyncio.sleep(0.05)
        raise AssertionError(f"never {state}: {self.workspaces}")


@asynccontextmanager
async def listening(browser: Browser) -> AsyncIterator[Heard]:
    """Follow the stream as the home page does, with its address from that page."""
    page = await browser.get("home")
    address = re.search(r'data-stream="/hub/([^"]+)"', page.text)
    assert address
    heard = Heard()
    headers = {"Sec-Fetch-Mode": "cors", "Accept": "text/event-stream"}
    url = browser.hub.address(address[1].replace("&amp;", "&"))
    async with browser._session.get(url, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        reading = asyncio.create_task(_read(answer, heard))
        try:
            yield heard
        finally:
            reading.cancel()


async def _read(answer: aiohttp.ClientResponse, heard: Heard) -> None:
    event, lines = "", []
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data:"):
            lines.append(line[6:])
        elif not line and lines:
            text, lines = "\n".join(lines), []
            if event == "cards":
                heard.cards = text
            else:
                heard.times += 1
                heard.workspaces = json.loads(text)["workspaces"]
            event = ""


async def test_a_page_hears_of_start_and_stop(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "hear") as browser, listening(browser) as heard:
        assert (await heard.until("stopped"))["title"] == "My workspace"
        await start(browser, "good")
        running = await heard.until("running")
        assert (running["image"], running["profile"]) == ("Good image", "One GPU")
        assert running["since_at"]
        assert 'data-state="running"' in heard.cards
        assert 'name="_xsrf" value=""' in heard.cards
        await browser.press(await browser.get("home"), "/stop")
        stopped = await heard.until("stopped")
        assert stopped["stopped"]["gpu"] is True


async def test_what_a_start_tells_is_heard(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "slowly") as browser, listening(browser) as heard:
        await start(browser, "slow")
        starting = await heard.until("starting")
        assert starting["told"] == "Looking for a machine that has room."
        await browser.press(await browser.get("home"), "/stop")
        await heard.until("stopped")


async def test_a_workspace_that_is_added_is_heard(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "adds") as browser, listening(browser) as heard:
        await heard.until("stopped")
        menu = await browser.press(await browser.get("home"), "/add", name="Trial <b>")
        await browser.press(menu, "", image="good")
        running = await heard.until("running", "trial-b")
        assert running["title"] == "Trial <b>"
        assert "Trial &lt;b&gt;" in heard.cards
        assert "Trial <b>" not in heard.cards


async def test_what_a_workspace_says_of_its_gpu_is_heard(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    use = {"version": 1, "gpus": [{"index": 0, "utilisation_percent": 37}]}
    path = "studiolo/workspaces/{}@example.org/use"
    async with (
        person(hub, issuer, "gpu") as browser,
        person(hub, issuer, "nogpu") as other,
        listening(browser) as heard,
    ):
        await start(browser, "good")
        assert (await heard.until("running"))["use"] is None
        token = token_of(hub, "gpu")
        assert (await program(hub, token, "POST", path.format("gpu"), use))[0] == 200
        for _ in range(100):
            if heard.workspaces[0]["use"]:
                break
            await asyncio.sleep(0.05)
        assert heard.workspaces[0]["use"]["gpus"][0]["utilisation_percent"] == 37
        assert "37 %" in (await browser.get("home")).words
        status, told = await program(hub, token, "POST", path.format("gpu"), {"gpus": "<b>"})
        assert (status, told["reason"]) == (400, "bad_request")  # type: ignore[index]
        await start(other, "good")
        await home_that(other, "running")
        status, _told = await program(hub, token, "POST", path.format("nogpu"), use)
        assert status == 404
        assert "37 %" not in (await other.get("home")).words


async def test_nobody_hears_of_another(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with (
        person(hub, issuer, "quiet") as quiet,
        person(hub, issuer, "loud") as loud,
        listening(quiet) as heard,
    ):
        await heard.until("stopped")
        await start(loud, "good")
        await home_that(loud, "running")
        await asyncio.sleep(0.5)
        assert heard.times == 1
        assert "loud" not in heard.cards


async def test_a_stream_needs_the_person_and_their_token(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with person(hub, issuer, "stream") as browser, Browser(hub) as nobody:
        await start(browser, "good")
        await home_that(browser, "running")
        headers = {"Sec-Fetch-Mode": "cors"}
        for session, query in (
            (nobody._session, ""),
            (browser._session, ""),
            (browser._session, "?_xsrf=forged"),
        ):
            url = hub.address(f"studiolo/events{query}")
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 403
        # A workspace may look at itself, and at nothing beside it.
        status, told = await program(hub, token_of(hub, "stream"), "GET", "studiolo/events")
        assert status in {403, 404}
        assert isinstance(told, dict)
        assert (await browser.post("studiolo/events", {"_xsrf": await xsrf(browser)})).status == 405


async def test_signing_out_ends_the_stream(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with person(hub, issuer, "leaver") as browser:
        address = re.search(r'data-stream="/hub/([^"]+)"', (await browser.get("home")).text)
        assert address
        url = hub.address(address[1].replace("&amp;", "&"))
        headers = {"Sec-Fetch-Mode": "cors", "Accept": "text/event-stream"}
        async with browser._session.get(url, headers=headers) as stream:
            assert stream.status == 200
            await browser.press(await browser.get("logout"), "/logout")
            async with asyncio.timeout(10):
                while await stream.content.readline():
                    pass
        async with browser._session.get(url, headers=headers, allow_redirects=False) as again:
            assert again.status == 403
