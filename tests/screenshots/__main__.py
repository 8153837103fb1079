"""``python -m tests.screenshots [NAME ...]``: start a demo, show each scene, keep its pictures.

The pictures are docs/screenshots/NAME-SCHEME-WIDTH.png, and docs/gallery.md shows them all. One
that is larger than documentation should carry ends the run with its name, after all were taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.chromium import FLAGS, chromium_path
from tests.running_demo import RunningDemo
from tests.screenshots.gallery import (
    FOLDER,
    GALLERY,
    HEIGHTS,
    SCHEMES,
    gallery_text,
    picture_of,
)
from tests.screenshots.scenes import SCENES, Scene

MOST_OCTETS = 150 * 1024
PATIENCE_MS = 60_000
EDIT_SECONDS = 10
"""So long after it was written a catalogue counts (docs/catalogue.md)."""


def _take(browser: Browser, address: str, each: Scene, folder: Path) -> list[Path]:
    """Show one scene in a browser of its own and keep it in every way that it asks for."""
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    first = next(iter(HEIGHTS))
    page.set_viewport_size({"width": first, "height": HEIGHTS[first]})
    begins = each.show(page)
    taken: list[Path] = []
    for width, height in HEIGHTS.items():
        page.set_viewport_size({"width": width, "height": height})
        if begins is not None:
            begins.evaluate("element => element.scrollIntoView()")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            file = folder / picture_of(each, scheme, width)
            page.screenshot(path=file, animations="disabled", caret="hide")
            taken.append(file)
    context.close()
    return taken


@contextmanager
def _catalogue_for(each: Scene, data: Path) -> Iterator[None]:
    """The demo's catalogue as the scene wants it; as it was, afterwards."""
    if each.edit is None:
        yield
        return
    path = data / "catalogue.yaml"
    before = path.read_text()
    path.write_text(each.edit(before))
    time.sleep(EDIT_SECONDS)
    try:
        yield
    finally:
        path.write_text(before)
        time.sleep(EDIT_SECONDS)


def main() -> int:
    """Take what was asked for; the exit code says whether every picture is small enough."""
    parser = argparse.ArgumentParser(prog="scripts/take_screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names; left out: all")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    wanted = [
        s for s in SCENES.values() if not asked.names or s.name.startswith(tuple(asked.names))
    ]
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="studiolo-pictures-") as data:
        demo = RunningDemo.start(Path(data))
        try:
            taken = _take_all(demo, wanted, asked.folder)
        finally:
            demo.stop()
    GALLERY.write_text(gallery_text(SCENES.values()))
    large = [file for file in taken if file.stat().st_size > MOST_OCTETS]
    for file in large:
        print(f"{file.name} has {file.stat().st_size // 1024} KiB: more than {MOST_OCTETS // 1024}")
    print(f"{len(taken)} pictures in {asked.folder}")
    return 1 if large else 0


def _take_all(demo: RunningDemo, wanted: list[Scene], folder: Path) -> list[Path]:
    expect.set_options(timeout=PATIENCE_MS)
    taken: list[Path] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for each in wanted:
            with _catalogue_for(each, demo.folder):
                taken += _take(browser, demo.address, each, folder)
        browser.close()
    return taken


if __name__ == "__main__":
    sys.exit(main())
