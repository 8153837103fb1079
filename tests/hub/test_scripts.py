"""What our scripts do in a real browser: the waiting page and the buttons."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Dialog, Page, async_playwright, expect

from tests.chromium import FLAGS, chromium_path
from tests.fakes.oidc import FakeIssuer
from tests.hub.page_spawner import CANARY
from tests.hub.running_hub import RunningHub

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(
    browser: Browser, hub: RunningHub, issuer: FakeIssuer, request: pytest.FixtureRequest
) -> AsyncIterator[Page]:
    """A tab of somebody who is signed in; fails for what the page asks of other hosts."""
    name = request.node.name.replace("_", "-")
    issuer.claims = {"email": f"{name}@example.org", "email_verified": True, "groups": ["ml"]}
    asked: list[str] = []
    # With cookies of its own, which go with it.
    page = await browser.new_page()
    page.on("request", lambda sent: asked.append(sent.url))
    await page.goto(hub.address("login"))
    await page.get_by_role("link", name="Sign in with").click()
    await expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    yield page
    await page.close()
    ours = (hub.url, issuer.issuer, "data:")
    assert [url for url in asked if not url.startswith(ours)] == []


async def start(page: Page, hub: RunningHub, kind: str) -> None:
    await page.goto(hub.address("spawn"))
    await page.locator(f"input[value={kind}]").check()
    await page.get_by_role("button", name="Start").click()


async def test_waiting_tells_steps_as_text_and_can_be_cancelled(
    page: Page, hub: RunningHub
) -> None:
    await start(page, hub, "slow")
    steps = page.get_by_role("listitem")
    await expect(page.locator("#st-steps li span")).to_have_text(
        [
            "The start was asked for.",
            "The registry has the image.",
            # The same step with a later time is one line, brought up to date.
            "Looking for a machine that has room, for 3 s now.",
            "<img src=x onerror=alert(1)> is shown as text",
            "The machine fetches the image (6.3 GB), for 40 s now.",
        ]
    )
    await expect(page.locator("#st-steps time")).to_have_text(["0:00", "0:02", "0:24", "1:01"])
    assert await steps.locator("img").count() == 0
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "55")
    await expect(page.locator("#st-elapsed")).to_contain_text("Waiting for 1 min")

    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("Not running")).to_be_visible()
    assert page.url == hub.address("home")


async def test_a_failed_start_says_why_where_one_waits(page: Page, hub: RunningHub) -> None:
    await start(page, hub, "bad")
    await expect(page.get_by_role("alert")).to_contain_text(
        "No image could be started. <b>1 & 2</b>: the registry has none of them."
    )
    await expect(page.get_by_role("heading", level=1)).to_have_text("The workspace did not start")
    await expect(page.locator("#st-failure")).to_be_focused()
    await expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    await page.get_by_role("link", name="Choose again").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Choose your workspace")


async def test_an_unexpected_error_is_not_told_where_one_waits(page: Page, hub: RunningHub) -> None:
    await start(page, hub, "broken")
    await expect(page.get_by_role("alert")).to_contain_text("your files are safe")
    assert CANARY not in await page.content()


async def test_stopping_asks_first(page: Page, hub: RunningHub) -> None:
    await start(page, hub, "good")
    await page.goto(hub.address("home"))
    await expect(page.get_by_text("Running for")).to_be_visible()
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.dismiss() if len(asked) == 1 else dialog.accept())

    page.on("dialog", answer)
    await page.get_by_role("button", name="Stop").click()
    await page.reload()
    await expect(page.get_by_text("Running for")).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text("The GPU is back in the pool")).to_be_visible()
    assert "files are kept" in asked[1]


async def test_without_javascript(page: Page, hub: RunningHub) -> None:
    assert page.context.browser
    context = await page.context.browser.new_context(java_script_enabled=False)
    plain = await context.new_page()
    await plain.goto(hub.address("oauth_login?next=/hub/home"))
    assert "requires JavaScript" not in await plain.locator("body").inner_text()
    await start(plain, hub, "slow")
    await plain.get_by_role("button", name="Cancel").click()
    await expect(plain.get_by_text("Not running")).to_be_visible()
    await context.close()
