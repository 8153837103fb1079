"""How much JavaScript the panel brings to JupyterLab, beside its peers' in the same JupyterLab."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

from playwright.sync_api import Response, expect, sync_playwright

from tests.bench.measures import Figures, Goal, measure
from tests.browser.running_lab import PEERS, READY_MS, ROOT, RunningLab
from tests.chromium import FLAGS, chromium_path

OURS = "jupyterlab-studiolo"
NVDASHBOARD = "jupyterlab-nvdashboard"
RESOURCE_USAGE = "@jupyter-server/resource-usage"
BUILT = ROOT / "labextension" / "jupyterlab_studiolo" / "labextension"
#: What is loaded in idle moments after the start counts as loaded at the start.
SETTLED_MS = 3000


def _compressed(script: bytes) -> int:
    """As a server that compresses would send it, in the way that all of them can."""
    return len(gzip.compress(script, 9, mtime=0))


def _loaded_at_start(folder: Path) -> dict[str, int]:
    """Bytes of each extension's scripts that a JupyterLab asks for before anybody clicks."""
    loaded: dict[str, int] = {}
    answers: list[Response] = []
    lab = RunningLab.start(folder, peers=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
            page = browser.new_page()
            page.on("response", lambda answer: answers.append(answer))
            page.goto(f"{lab.url}/lab")
            expect(page.get_by_role("tab", name="GPU and workspace")).to_be_visible(
                timeout=READY_MS
            )
            page.wait_for_timeout(SETTLED_MS)
            for answer in answers:
                name, _, file = answer.url.partition("/lab/extensions/")[2].partition("/static/")
                if file.partition("?")[0].endswith(".js"):
                    loaded[name] = loaded.get(name, 0) + _compressed(answer.body())
            browser.close()
    finally:
        lab.stop()
    missing = {OURS, NVDASHBOARD, RESOURCE_USAGE} - loaded.keys()
    if missing:
        raise RuntimeError(
            f"{', '.join(missing)} was not loaded; run `make bench`, which installs it"
        )
    return loaded


@measure(
    "panel_eager_js",
    "JavaScript of the panel that JupyterLab loads at its start, compressed; the peer is "
    "the smallest, jupyter-resource-usage, which knows no GPU",
    unit="kB",
    goal=Goal(at_most=25),
)
async def panel_eager_js(folder: Path) -> Figures:
    loaded = await asyncio.to_thread(_loaded_at_start, folder)
    for name, size in sorted(loaded.items()):
        print(f"     {name}: {size / 1000:.1f} kB", flush=True)
    return Figures(loaded[OURS] / 1000, loaded[RESOURCE_USAGE] / 1000)


def _all_of(extension: Path) -> float:
    scripts = sorted((extension / "static").glob("*.js"))
    if not scripts:
        raise RuntimeError(f"{extension} holds no scripts: it is not built or not installed")
    return sum(_compressed(script.read_bytes()) for script in scripts) / 1000


@measure(
    "panel_all_js",
    "all JavaScript of the panel, with what is loaded when it is first opened, compressed; the "
    "peer is jupyterlab-nvdashboard",
    unit="kB",
    goal=Goal(at_most=60),
)
async def panel_all_js(_folder: Path) -> Figures:
    peers = PEERS / "share" / "jupyter" / "labextensions"
    return Figures(_all_of(BUILT), _all_of(peers / NVDASHBOARD))
