"""docs/gallery.md: every page and state, from the table of scenes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.screenshots.scenes import SCENES, Scene

DOCS = Path(__file__).parents[2] / "docs"
GALLERY = DOCS / "gallery.md"
FOLDER = DOCS / "screenshots"
SCHEMES = ("light", "dark")
HEIGHTS = {1200: 780, 390: 844}
"""Of the windows, by their widths; pixels."""

_HEAD = """\
# Every page, in every look

Light and dark, wide and on a phone. Taken of the demo by `scripts/take_screenshots`, which writes
this page, too.
"""


def picture_of(scene: Scene, scheme: str, width: int) -> str:
    """The name of a picture's file."""
    return f"{scene.name}-{scheme}-{width}.png"


def pictures() -> set[str]:
    """The names of all pictures of scenes."""
    return {
        picture_of(scene, scheme, width)
        for scene in SCENES.values()
        for scheme in SCHEMES
        for width in HEIGHTS
    }


def gallery_text(scenes: Iterable[Scene]) -> str:
    """The page."""
    return "\n".join([_HEAD, *(_section(each) for each in scenes)])


def _section(scene: Scene) -> str:
    looks = [(scheme, width) for width in HEIGHTS for scheme in SCHEMES]
    rows = [
        [f"{scheme}, {width} pixels" for scheme, width in looks],
        ["---" for _ in looks],
        [_image(scene, scheme, width) for scheme, width in looks],
    ]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"## {scene.name}\n\n{scene.what}\n\n{table}"


def _image(scene: Scene, scheme: str, width: int) -> str:
    name = f"{scene.name}, {scheme}, {width} pixels wide"
    return f"![{name}](screenshots/{picture_of(scene, scheme, width)})"
