"""The gallery shows every scene in every look, and keeps no picture that nobody takes any more."""

from __future__ import annotations

from tests.screenshots.gallery import FOLDER, GALLERY, gallery_text, pictures
from tests.screenshots.scenes import SCENES


def test_the_page_is_what_would_be_written_now() -> None:
    assert GALLERY.read_text() == gallery_text(SCENES.values()), "run scripts/take_screenshots"


def test_every_picture_is_there_and_no_other() -> None:
    # Pictures of JupyterLab are taken by tests.screenshots.lab.
    there = {path.name for path in FOLDER.glob("*.png") if not path.name.startswith("lab-")}
    assert there == pictures()
