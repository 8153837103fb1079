"""What people do on a hub's pages, for the tests of all pages."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, Page, RunningHub


@asynccontextmanager
async def person(
    hub: RunningHub, issuer: FakeIssuer, name: str, group: str = "ml"
) -> AsyncIterator[Browser]:
    issuer.claims = {
        "email": f"{name}@example.org",
        "email_verified": True,
        "groups": [group],
    }
    async with Browser(hub) as browser:
        page = await browser.sign_in()
        assert (page.status, page.path) == (200, "/hub/home"), page.words
        yield browser


async def start(browser: Browser, kind: str, path: str = "spawn") -> Page:
    return await browser.press(await browser.get(path), "", image=kind)


async def home_that(browser: Browser, state: str) -> Page:
    """The home page once a workspace is in that state."""
    for _ in range(100):
        page = await browser.get("home")
        if f'data-state="{state}"' in page.text:
            return page
        await asyncio.sleep(0.05)
    raise AssertionError(f"never {state}: {page.words}")


async def xsrf(browser: Browser) -> str:
    """The token that this person's forms carry."""
    found = re.search(r'name="_xsrf" value="([^"]+)"', (await browser.get("home")).text)
    assert found
    return found[1]


def token_of(hub: RunningHub, user: str, server: str = "") -> str:
    """The token that the stand-in for a workspace was given."""
    return (hub.folder / f"token-{user}@example.org-{server}").read_text()


async def program(
    hub: RunningHub, token: str, method: str, path: str, body: object = None
) -> tuple[int, object]:
    """What a program that has a token is answered: the status and the JSON."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session,
        session.request(method, hub.address(path), json=body) as answer,
    ):
        assert answer.headers["Content-Type"].startswith("application/json"), await answer.text()
        return answer.status, await answer.json()
