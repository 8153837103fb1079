"""JupyterLabs for the tests of the panel: started on demand, shared by all, and ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.running_lab import RunningLab

LOOK_MS = 20_000

Look = Callable[..., Page]


@dataclass
class Labs:
    """Starts servers, one for each name, and ends them on leaving."""

    folder: Path
    running: dict[str, RunningLab] = field(default_factory=dict)

    def get(
        self,
        name: str,
        environment: Mapping[str, str] = {},
        *,
        hub_prefix: str = "/hub/",
        notebook: bool = False,
    ) -> RunningLab:
        """The server of this name; started when it is asked for the first time."""
        if name not in self.running:
            self.running[name] = RunningLab.start(
                self.folder / name,
                environment=environment,
                hub_prefix=hub_prefix,
                notebook=notebook,
            )
        return self.running[name]

    def stop(self) -> None:
        """End all of them."""
        for lab in self.running.values():
            lab.stop()


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    """JupyterLabs by name; no traceback in what they say may go through the panel's server."""
    running = Labs(tmp_path_factory.mktemp("labs"))
    yield running
    running.stop()
    told = [line for lab in running.running.values() for line in lab.log.splitlines()]
    assert [line for line in told if re.search(r'File ".*/jupyterlab_studiolo/', line)] == []


@pytest.fixture
def look(chromium: Browser, screenshots: Path, request: pytest.FixtureRequest) -> Iterator[Look]:
    """A new person's page at a JupyterLab; no error of the panel's scripts may pass unseen.

    Others' do: Notebook 7 has one at each of its starts.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def note(error: Error) -> None:
        if "jupyterlab-studiolo" in (error.stack or ""):
            errors.append(f"{error.message}\n{error.stack}")

    def begin(*, width: int = 1280, height: int = 900) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", locale="en-GB"
        )
        context.set_default_timeout(LOOK_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", note)
        return page

    yield begin
    for number, context in enumerate(contexts):
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        if request.session.testsfailed:
            context.pages[0].screenshot(path=screenshots / f"last-{name}-{number}.png")
        context.close()
    assert not errors, "\n".join(errors)
