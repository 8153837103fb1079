"""Signing out, through a real hub: what is stopped, what goes on, and what the pages say of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import (
    CATALOGUE,
    Browser,
    Page,
    RunningHub,
    hub_settings,
    running_hub,
)

in_module = pytest.mark.asyncio(loop_scope="module")

NEVER_IDLE = """
  - {id: endless, display_name: Endless, cpu: 1, memory: 1Gi, idle: {timeout: never}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    issuer: FakeIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHub]:
    """A hub for which a pause of a second, and two reports, is idle."""
    folder = tmp_path_factory.mktemp("hub")
    settings = hub_settings(
        folder, issuer, culling={"report_every": "1s"}, sign_out={"idle_after": "1s"}
    )
    (folder / "catalogue.yaml").write_text(CATALOGUE + NEVER_IDLE.lstrip("\n"))
    async with running_hub(folder, settings) as running:
        yield running


class SignedIn:
    """A person with a browser and, if told so, workspaces that run."""

    def __init__(self, hub: RunningHub, issuer: FakeIssuer, name: str) -> None:
        self.hub, self.issuer = hub, issuer
        self.user = f"{name}@example.org"
        self.browser = Browser(hub)

    async def __aenter__(self) -> Self:
        self.issuer.claims = {"email": self.user, "email_verified": True, "groups": ["ml"]}
        assert (await self.browser.sign_in()).path == "/hub/home"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.__aexit__()

    async def start(self, name: str = "", *, image: str = "good", profile: str = "gpu") -> None:
        path = f"spawn/{self.user}/{name}".rstrip("/")
        await self.browser.press(await self.browser.get(path), "", image=image, profile=profile)

    async def works(self, name: str = "") -> None:
        """The workspace reports that something happens in it."""
        token = (self.hub.folder / f"token-{self.user}-{name}").read_text()
        now = datetime.now(UTC).isoformat()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session,
            session.post(
                self.hub.address(f"api/users/{self.user}/activity"),
                json={"servers": {name: {"last_activity": now}}, "last_activity": now},
            ) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def works_for(self, seconds: float, name: str = "") -> None:
        for _ in range(int(seconds / 0.5)):
            await self.works(name)
            await asyncio.sleep(0.5)

    async def states(self) -> dict[str, str]:
        home = (await self.browser.get("home")).text
        return dict(re.findall(r'data-name="([^"]*)"[^>]*data-state="([^"]*)"', home))

    async def until(self, name: str, state: str) -> None:
        for _ in range(150):
            if (await self.states()).get(name) == state:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name!r} is not {state}: {await self.states()}")

    async def sign_out(self) -> Page:
        return await self.browser.press(await self.browser.get("logout"), "/logout")

    async def again(self) -> None:
        self.issuer.claims = {"email": self.user, "email_verified": True, "groups": ["ml"]}
        await self.browser.sign_in()


def outcome(page: Page) -> dict[str, str]:
    return dict(re.findall(r'data-name="([^"]*)" data-outcome="([^"]*)"', page.text))


@in_module
async def test_nothing_runs(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with SignedIn(hub, issuer, "none") as person:
        assert "None of your workspaces is running" in (await person.browser.get("logout")).words
        page = await person.sign_out()
        assert "You are signed out" in page.words
        assert (await person.browser.get("home")).path == "/hub/login"


@in_module
async def test_the_idle_one_stops_and_the_busy_one_goes_on_until_it_is_idle(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with SignedIn(hub, issuer, "both") as person:
        await person.start()
        await person.start("train")
        await person.until("", "running")
        await person.works_for(4, "train")
        before = await person.browser.get("logout")
        assert re.search(r'data-name="" data-stops="true"', before.text)
        assert re.search(r'data-name="train" data-stops="false"', before.text)
        assert "stopped when nothing has happened in it for 1 second" in before.words
        page = await person.browser.press(before, "/logout")
        assert outcome(page) == {"": "stopped", "train": "running"}
        assert "It was in use just now" in page.words
        # It is at work after its owner has left, and is left alone; then it is quiet.
        await person.works_for(4, "train")
        assert b"its owner signed out and it is idle" not in hub.log
        for _ in range(100):
            if b"Workspace 'train' of 'both@example.org' is stopped" in hub.log:
                break
            await asyncio.sleep(0.1)
        await person.again()
        await person.until("train", "stopped")


@in_module
async def test_who_comes_back_takes_theirs_back(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with SignedIn(hub, issuer, "returner") as person:
        await person.start()
        await person.until("", "running")
        await person.works()
        assert outcome(await person.sign_out()) == {"": "running"}
        await person.again()
        await asyncio.sleep(5)
        assert await person.states() == {"": "running"}


@in_module
async def test_a_profile_that_never_stops_for_being_idle(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with SignedIn(hub, issuer, "endless") as person:
        await person.start(profile="endless")
        await person.until("", "running")
        await asyncio.sleep(3.5)
        page = await person.sign_out()
        assert outcome(page) == {"": "running"}
        assert "runs until somebody stops it" in page.words


@in_module
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, id="a-link"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, id="a-picture"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, id="a-notebook"),
        pytest.param({}, id="no-headers"),
    ],
)
async def test_no_get_signs_anybody_out(
    hub: RunningHub, issuer: FakeIssuer, headers: dict[str, str]
) -> None:
    async with SignedIn(hub, issuer, "lured") as person:
        await person.start()
        await person.until("", "running")
        await asyncio.sleep(3.5)  # idle: signing out would stop it
        session = person.browser._session
        async with session.get(hub.address("logout"), headers=headers) as answer:
            await answer.read()
        assert await person.states() == {"": "running"}
        await person.browser.press(
            await person.browser.get("home"), f"workspaces/{person.user}/stop"
        )


@in_module
@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({}, {}, id="no-token"),
        pytest.param({"_xsrf": "guessed"}, {}, id="wrong-token"),
        pytest.param(
            {},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
            id="another-sites-form",
        ),
    ],
)
async def test_no_post_without_our_token(
    hub: RunningHub, issuer: FakeIssuer, form: dict[str, str], headers: dict[str, str]
) -> None:
    async with SignedIn(hub, issuer, "forged") as person:
        session = person.browser._session
        async with session.post(hub.address("logout"), data=form, headers=headers) as answer:
            assert answer.status == 403
        assert (await person.browser.get("home")).path == "/hub/home"


@in_module
async def test_who_is_signed_out_is_led_to_the_login(hub: RunningHub, issuer: FakeIssuer) -> None:
    async with SignedIn(hub, issuer, "twice") as person:
        page = await person.browser.get("logout")
        await person.browser.press(page, "/logout")
        # The page's form once more, as a reload of the answer sends it.
        assert (await person.browser.press(page, "/logout")).path == "/hub/login"
        assert (await person.browser.get("logout")).path == "/hub/login"


@pytest.mark.parametrize(
    ("choice", "become", "words"),
    [("stop", "stopped", "files are kept"), ("keep", "running", "stops no workspace")],
)
async def test_the_other_policies(tmp_path: Path, choice: str, become: str, words: str) -> None:
    async with FakeIssuer() as issuer:
        settings = hub_settings(tmp_path, issuer, sign_out={"workspaces": choice})
        async with (
            running_hub(tmp_path, settings) as hub,
            SignedIn(hub, issuer, "ruled") as person,
        ):
            await person.start()
            await person.until("", "running")
            await person.start("slow", image="slow")
            await person.until("slow", "starting")
            await person.works()
            page = await person.sign_out()
            assert outcome(page) == {"": become, "slow": become}
            assert words in page.words


async def test_the_sign_in_services_own_page_comes_after(tmp_path: Path) -> None:
    async with FakeIssuer() as issuer:
        onward = f"{issuer.issuer}/signed-out"
        settings = hub_settings(tmp_path, issuer, sign_in={"logout_url": onward})
        async with (
            running_hub(tmp_path, settings) as hub,
            SignedIn(hub, issuer, "onward") as person,
        ):
            await person.start()
            await person.until("", "running")
            page = await person.sign_out()
            assert outcome(page) == {"": "running"}
            assert page.headers["Refresh"] == f"15; url={onward}"
            assert f'href="{onward}"' in page.text
            # Browsers hold a form's redirects against form-action: it would stop them there.
            assert "form-action" not in page.headers["Content-Security-Policy"]
            # With nothing to tell it follows at once.
            async with SignedIn(hub, issuer, "at-once") as other:
                assert (await other.sign_out()).path == "/dex/signed-out"
