"""A whole demo in a folder of its own, and a real headless Chromium before it.

Everything is found by what a person sees: roles, labels and words. The few addresses and ids that
are used are the ones that other programs may rely on, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.lab_fixtures import labs as labs
from tests.browser.lab_fixtures import look as look
from tests.chromium import FLAGS, chromium_path
from tests.running_demo import RunningDemo

BUILD = Path(__file__).parents[2] / "build"
#: How long a person would wait at most before a page changes; starts of workspaces say their own.
PATIENCE_MS = 20_000

Visit = Callable[[], Page]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo that is started once for all journeys and must end without a trace."""
    running = RunningDemo.start(tmp_path_factory.mktemp("demo"))
    yield running
    running.stop()
    assert running.left_behind() == []


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(_playwright: Playwright) -> Iterator[Browser]:
    """The machine's own Chromium; STUDIOLO_CHROMIUM names another."""
    browser = _playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield browser
    browser.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a journey failed, so that what it saw last can be kept."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def visit(
    chromium: Browser, demo: RunningDemo, screenshots: Path, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """Give a page in a browser of its own, as another person has; no error may pass unseen."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def note(page: Page, error: str) -> None:
        # What JupyterLab itself says when its server goes away is not ours to judge.
        if "/user/" not in page.url:
            errors.append(f"{page.url}: {error}")

    def begin() -> Page:
        context = chromium.new_context(base_url=demo.address, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: note(page, str(error)))
        return page

    yield begin
    for number, context in enumerate(contexts):
        if request.node.stash.get(FAILED, False):
            name = re.sub(r"\W+", "-", request.node.name).strip("-")
            context.pages[0].screenshot(path=screenshots / f"failed-{name}-{number}.png")
        context.close()
    demo.stop_all_workspaces()
    assert errors == []


@pytest.fixture
def page(visit: Visit) -> Page:
    """One person's page."""
    return visit()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the pages are kept for whoever wants to look."""
    folder = BUILD / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
