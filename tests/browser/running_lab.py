"""A real JupyterLab (or Notebook 7) in a process of its own, with or without what a hub gives it.

What the panel's server says can come from the server itself, with the stand-in for a GPU driver, or
from the examples in tests/contract, put in the place of its answers in the browser.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import psutil
from playwright.sync_api import Locator, Page, Route, expect

ROOT = Path(__file__).parents[2]
#: What is measured against, and Notebook 7; see the dependency group `peers`.
PEERS = ROOT / "build" / "peers"
CONTRACT = ROOT / "tests" / "contract"
API = "**/jupyterlab_studiolo/api/v1/"

START_SECONDS = 60
READY_MS = 60_000

_CONFIG = """
c.IdentityProvider.token = ""
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.ip = "127.0.0.1"
c.LabApp.expose_app_in_browser = True
c.JupyterNotebookApp.expose_app_in_browser = True
c.ServerApp.tornado_settings = {"page_config_data": %s}
"""

#: Its question about news would lie over what is looked at, and asks the outside world.
_PAGE_CONFIG = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}'


@dataclass
class RunningLab:
    """A server and where it is."""

    process: subprocess.Popen[bytes]
    home: Path
    url: str

    @classmethod
    def start(
        cls,
        home: Path,
        *,
        environment: Mapping[str, str] = {},
        hub_prefix: str = "",
        notebook: bool = False,
        peers: bool = False,
        port: int = 0,
    ) -> Self:
        """Start it in an empty folder; the port may be lost to another process, hence the turns.

        `notebook`: Notebook 7 in place of JupyterLab. `peers`: with the extensions that ours is
        measured against. `port`: any free one by default.
        """
        for turn in range(3):
            folder = home / str(turn)
            (folder / "work").mkdir(parents=True)
            running = cls._start_once(
                folder, dict(environment), hub_prefix, notebook=notebook, peers=peers, port=port
            )
            if running is not None:
                return running
        raise AssertionError(f"JupyterLab did not start; see the logs in {home}.")

    @classmethod
    def _start_once(
        cls,
        home: Path,
        environment: dict[str, str],
        hub_prefix: str,
        *,
        notebook: bool,
        peers: bool,
        port: int,
    ) -> Self | None:
        page = {"hubPrefix": hub_prefix, "hubHost": "", "hubUser": "ana"} if hub_prefix else {}
        (home / "jupyter_server_config.py").write_text(_CONFIG % json.dumps(page), "utf-8")
        (home / "labconfig").mkdir()
        (home / "labconfig" / "page_config.json").write_text(_PAGE_CONFIG, "utf-8")
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("JUPYTER", "STUDIOLO", "NVIDIA"))
        }
        own = {
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home),
        }
        module = ["-m", "jupyter_server"]
        extension = "notebook" if notebook else "jupyterlab"
        if notebook or peers:
            python = f"python{sys.version_info.major}.{sys.version_info.minor}"
            own["PYTHONPATH"] = str(PEERS / "lib" / python / "site-packages")
            own["JUPYTER_PATH"] = str(PEERS / "share" / "jupyter")
            own["JUPYTER_CONFIG_PATH"] = str(PEERS / "etc" / "jupyter")
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, *module),
                    f"--ServerApp.jpserver_extensions={{'{extension}':True}}",
                    f"--ServerApp.root_dir={home / 'work'}",
                    f"--ServerApp.port={port}",
                ],
                env=inherited | own | environment,
                cwd=home / "work",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        url = _wait_for_address(process, home)
        return None if url is None else cls(process, home, url)

    @property
    def log(self) -> str:
        """Everything that it has written so far."""
        return (self.home / "log").read_text("utf-8", "replace")

    @property
    def work(self) -> Path:
        """The folder that its file browser shows."""
        return self.home / "work"

    def stop(self) -> None:
        """End it, and whatever it has started."""
        if self.process.poll() is not None:
            return
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for child in started:
            if child.is_running():
                child.kill()


def _wait_for_address(process: subprocess.Popen[bytes], home: Path) -> str | None:
    """The address that the server has written down; None when it has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return None
        for path in home.glob("jpserver-*.json"):
            text = path.read_text("utf-8")
            if text:
                port = urlsplit(str(json.loads(text)["url"])).port or 0
                with contextlib.suppress(OSError):  # it is written a moment before it listens
                    socket.create_connection(("127.0.0.1", port), 5).close()
                    return f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    process.kill()
    process.wait()
    return None


def example(name: str, key: str) -> Any:
    """One of the examples that both sides' units read."""
    return json.loads((CONTRACT / f"{name}.json").read_text("utf-8"))[key]


def later(value: Any, seconds: float) -> Any:
    """The same with each moment (Unix seconds) so much later."""
    if isinstance(value, dict):
        return {key: later(item, seconds) for key, item in value.items()}
    if isinstance(value, list):
        return [later(item, seconds) for item in value]
    is_moment = isinstance(value, float) and 1.7e9 < value < 1.9e9
    return value + seconds if is_moment else value


def past_hour(state: Any, minutes: float) -> Any:
    """A history for the devices of a state: waves around what they do now, over the whole time."""
    points = 300
    spacing = minutes * 60 / points
    now = time.time()

    def wave(value: float | None, swing: float) -> list[float | None]:
        return [
            None
            if value is None
            else max(0.0, value * (1 - swing + swing * math.sin(point / 17) * math.sin(point / 5)))
            for point in range(points)
        ]

    figures = {
        "utilisation_percent": 0.3,
        "memory_used_bytes": 0.05,
        "temperature_celsius": 0.05,
        "power_watts": 0.2,
    }
    machine = state["machine"]
    return {
        "version": 1,
        "spacing_seconds": spacing,
        "times": [now - (points - 1 - point) * spacing for point in range(points)],
        "devices": {
            device["id"]: {
                name: wave(device["figures"][name], swing) for name, swing in figures.items()
            }
            for device in state["gpus"]["devices"]
        },
        "machine": {
            "cpu_percent": wave(machine["cpu"]["percent"], 0.4),
            "memory_used_bytes": wave(machine["memory"]["used_bytes"], 0.02),
        },
    }


@dataclass
class Answers:
    """The panel's server, as the browser sees it: answers with what it is told, remembers posts."""

    state: Callable[[], Any]
    history: Callable[[float], Any] = lambda _minutes: example("history", "nothing yet")
    choices: Any = None
    #: What a post is answered with: status and body, by the last part of its path.
    posts: dict[str, tuple[int, Any]] = field(default_factory=dict)
    posted: list[tuple[str, Any]] = field(default_factory=list)
    away: bool = False

    def install(self, page: Page) -> None:
        """Stand in for the routes of the panel on this page, and for the hub's pages."""
        page.route(API + "**", self._answer)
        page.route("**/hub/**", lambda route: route.fulfill(body="<h1>The hub</h1>"))

    def moved(self) -> float:
        """How much later it is than in the examples, in seconds."""
        return time.time() - float(self.state()["at"])

    def _answer(self, route: Route) -> None:
        path, _, query = route.request.url.partition("/api/v1/")[2].partition("?")
        if self.away:
            route.abort("connectionrefused")
        elif route.request.method == "POST":
            self.posted.append((path, route.request.post_data_json))
            status, body = self.posts.get(path, (202, {"version": 1, "url": "/hub/home"}))
            route.fulfill(status=status, json=body)
        elif path == "stream":
            state = later(self.state(), self.moved())
            event = f"event: state\ndata: {json.dumps(state)}\n\n"
            route.fulfill(content_type="text/event-stream", body=event)
        elif path == "history":
            route.fulfill(json=self.history(float(parse_qs(query)["minutes"][0])))
        else:
            found = self.choices if path == "choices" else later(self.state(), self.moved())
            route.fulfill(json=found)


def open_lab(page: Page, lab: RunningLab, path: str = "/lab") -> None:
    """Open it, and wait until it can be worked with."""
    page.goto(lab.url + path)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=READY_MS)


def panel(page: Page) -> Locator:
    """Open the panel if it is closed, and give it with its content loaded."""
    region = page.get_by_role("region", name="GPU and workspace")
    if not region.is_visible():
        # The command only ever opens it; a click might close what has just opened by itself.
        run_command(page, "studiolo:show-panel")
    expect(region.locator(".st-Panel-content")).to_be_visible()
    return region


def run_command(page: Page, name: str, **arguments: str) -> None:
    """Run one of JupyterLab's commands, without waiting for what a person answers to it."""
    page.wait_for_function("name => window.jupyterapp?.commands.hasCommand(name)", arg=name)
    page.evaluate(
        "([name, args]) => { void window.jupyterapp.commands.execute(name, args); }",
        [name, arguments],
    )


def choose_theme(page: Page, name: str) -> None:
    """As the Settings menu does it."""
    run_command(page, "apputils:change-theme", theme=name)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", name)


def widen_panel(page: Page, width: int) -> None:
    """Drag the edge between the panel and the documents, as a person does."""
    handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)").last
    box = handle.bounding_box()
    assert box is not None
    size = page.viewport_size or {"width": 1280, "height": 900}
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(size["width"] - 32 - width, box["y"] + 200, steps=4)
    page.mouse.up()
