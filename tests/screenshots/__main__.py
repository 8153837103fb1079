"""``python -m tests.screenshots [NAME ...]``: start a demo, show each scene, keep its pictures.

The pictures are docs/screenshots/NAME-SCHEME-WIDTH.png. One that is larger than documentation
should carry ends the run with its name, after all were taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.chromium import FLAGS, chromium_path
from tests.running_demo import RunningDemo
from tests.screenshots.scenes import SCENES, Scene

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_OCTETS = 150 * 1024
HEIGHTS = {1200: 780, 390: 844}
PATIENCE_MS = 60_000


def _take(browser: Browser, address: str, each: Scene, folder: Path) -> list[Path]:
    """Show one scene in a browser of its own and keep it in every way that it asks for."""
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.set_viewport_size({"width": each.widths[0], "height": HEIGHTS[each.widths[0]]})
    each.show(page)
    taken: list[Path] = []
    for width in each.widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        for scheme in each.schemes:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            file = folder / f"{each.name}-{scheme}-{width}.png"
            page.screenshot(path=file, animations="disabled", caret="hide")
            taken.append(file)
    context.close()
    return taken


def main() -> int:
    """Take what was asked for; the exit code says whether every picture is small enough."""
    parser = argparse.ArgumentParser(prog="scripts/take_screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names; left out: all")
    parser.add_argument("--address", help="a demo that runs already")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    wanted = [
        s for s in SCENES.values() if not asked.names or s.name.startswith(tuple(asked.names))
    ]
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="studiolo-pictures-") as data:
        demo = None if asked.address else RunningDemo.start(Path(data))
        try:
            address = demo.address if demo is not None else asked.address
            taken = _take_all(address, wanted, asked.folder)
        finally:
            if demo is not None:
                demo.stop()
    large = [file for file in taken if file.stat().st_size > MOST_OCTETS]
    for file in large:
        print(f"{file.name} has {file.stat().st_size // 1024} KiB: more than {MOST_OCTETS // 1024}")
    print(f"{len(taken)} pictures in {asked.folder}")
    return 1 if large else 0


def _take_all(address: str, wanted: list[Scene], folder: Path) -> list[Path]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        taken = [file for each in wanted for file in _take(browser, address, each, folder)]
        browser.close()
    return taken


if __name__ == "__main__":
    sys.exit(main())
