"""Following the catalogue's file: edits, bad edits, ConfigMap swaps, deletion."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.catalogue_file import CatalogueFile
from studiolo_spawner.errors import CatalogueError

from tests.spawner.catalogues import image, profile


def content(*ids: str) -> str:
    return json.dumps({"version": 1, "images": [image(i) for i in ids], "profiles": [profile()]})


def ids(catalogue: Catalogue) -> list[str]:
    return [image.id for image in catalogue.images]


def valid() -> float | None:
    return REGISTRY.get_sample_value("studiolo_catalogue_valid")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the file's follower does on its own; pytest's time-out bounds it."""
    while not condition():
        await asyncio.sleep(0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(content("a"))
    return path


@pytest.fixture
async def followed(path: Path) -> AsyncIterator[CatalogueFile]:
    file = CatalogueFile(path, poll_seconds=0.01)
    await file.start()
    yield file
    await file.stop()


async def test_the_first_load(followed: CatalogueFile) -> None:
    assert ids(followed.snapshot) == ["a"]
    assert followed.problem is None
    assert valid() == 1
    assert (REGISTRY.get_sample_value("studiolo_catalogue_loaded_timestamp_seconds") or 0) > 1e9


async def test_an_edit_takes_effect_and_old_snapshots_stay(
    path: Path, followed: CatalogueFile
) -> None:
    before = followed.snapshot
    path.write_text(content("a", "b"))
    await until(lambda: len(followed.snapshot.images) == 2)
    assert ids(before) == ["a"]


async def test_followers_are_called_with_every_new_one(path: Path, followed: CatalogueFile) -> None:
    seen: list[list[str]] = []

    def broken(catalogue: Catalogue) -> None:
        raise RuntimeError("a follower's fault")

    followed.on_change(broken)
    followed.on_change(lambda catalogue: seen.append(ids(catalogue)))
    path.write_text(content("b"))
    await until(lambda: bool(seen))
    path.write_text(content("c"))
    await until(lambda: len(seen) == 2)
    assert seen == [["b"], ["c"]]


async def test_a_bad_edit_keeps_the_last_good_one(
    path: Path, followed: CatalogueFile, caplog: pytest.LogCaptureFixture
) -> None:
    good = followed.snapshot
    path.write_text(content("a").replace("reference", "refernce"))
    await until(lambda: followed.problem is not None)
    assert followed.snapshot is good
    assert valid() == 0
    problem = followed.problem
    assert problem is not None
    assert problem.source == str(path)
    assert {p.path for p in problem.problems} == {"images[0].reference", "images[0].refernce"}
    await asyncio.sleep(0.1)
    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1, "told once, not at every look"
    assert "\n" not in errors[0].getMessage()
    assert str(path) in errors[0].getMessage()
    assert "images[0].refernce" in errors[0].getMessage()


async def test_undoing_a_bad_edit_is_seen(path: Path, followed: CatalogueFile) -> None:
    good = followed.snapshot
    path.write_text("nonsense")
    await until(lambda: followed.problem is not None)
    path.write_text(content("a"))
    await until(lambda: followed.problem is None)
    assert followed.snapshot is good
    assert valid() == 1


async def test_a_second_bad_edit_is_told_anew(path: Path, followed: CatalogueFile) -> None:
    path.write_text("nonsense")
    await until(lambda: followed.problem is not None)
    first = followed.problem
    path.write_text("")
    await until(lambda: followed.problem is not first)
    assert followed.problem is not None
    assert followed.problem.problems[0].message == "the file is empty"


async def test_a_deleted_file_is_a_bad_edit(path: Path, followed: CatalogueFile) -> None:
    good = followed.snapshot
    path.unlink()
    await until(lambda: followed.problem is not None)
    assert followed.snapshot is good
    assert "cannot be read" in str(followed.problem)
    path.write_text(content("a"))
    await until(lambda: followed.problem is None)
    assert followed.snapshot is good


@pytest.mark.parametrize("kind", ["folder", "pipe", "unreadable link"])
async def test_what_is_no_file_is_a_bad_edit(
    path: Path, followed: CatalogueFile, kind: str
) -> None:
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    await until(lambda: "cannot be read" in str(followed.problem))
    assert ids(followed.snapshot) == ["a"]


async def test_the_same_file_coming_back_is_seen(path: Path, followed: CatalogueFile) -> None:
    aside = path.with_suffix(".old")
    path.rename(aside)
    await until(lambda: followed.problem is not None)
    aside.rename(path)
    await until(lambda: followed.problem is None)


async def test_edits_of_one_length_at_one_moment_are_seen(
    path: Path, followed: CatalogueFile
) -> None:
    """Two writes within the clock's grain bear the same time stamp."""
    for name in "bcdefgh":
        stamp = path.stat()
        path.write_text(content(name))
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        await until(lambda name=name: ids(followed.snapshot) == [name])  # type: ignore[misc]


async def test_a_swapped_config_map_is_seen(tmp_path: Path) -> None:
    """What a kubelet does: a new folder, then one rename of the link ..data."""

    def publish(version: str, text: str) -> None:
        folder = tmp_path / f"..{version}"
        folder.mkdir()
        (folder / "catalogue.yaml").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(folder.name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("1", content("a"))
    path = tmp_path / "catalogue.yaml"
    path.symlink_to(Path("..data") / "catalogue.yaml")
    file = CatalogueFile(path, poll_seconds=0.01)
    await file.start()
    try:
        publish("2", content("b"))
        await until(lambda: ids(file.snapshot) == ["b"])
        publish("3", "nonsense")
        await until(lambda: file.problem is not None)
        assert ids(file.snapshot) == ["b"]
        publish("4", content("c"))
        await until(lambda: ids(file.snapshot) == ["c"])
        assert file.problem is None
    finally:
        await file.stop()


@pytest.mark.parametrize(
    ("text", "part"),
    [(None, "cannot be read"), ("", "the file is empty"), ("#" * 300_000, "larger than")],
    ids=["missing", "empty", "large"],
)
async def test_a_hub_without_any_catalogue_does_not_start(
    tmp_path: Path, text: str | None, part: str
) -> None:
    path = tmp_path / "catalogue.yaml"
    if text is not None:
        path.write_text(text)
    file = CatalogueFile(path)
    with pytest.raises(CatalogueError, match=part) as caught:
        await file.start()
    assert str(path) in caught.value.user_message
    with pytest.raises(RuntimeError, match="call start first"):
        _ = file.snapshot
    await file.stop()


async def test_many_may_start_it(path: Path) -> None:
    file = CatalogueFile(path, poll_seconds=0.01)
    await asyncio.gather(*(file.start() for _ in range(5)))
    followers = [t for t in asyncio.all_tasks() if t.get_name() == "catalogue file"]
    assert len(followers) == 1
    await file.stop()
    await file.stop()


async def test_stopped_it_follows_no_more(path: Path, followed: CatalogueFile) -> None:
    await followed.stop()
    path.write_text(content("b"))
    await asyncio.sleep(0.05)
    assert ids(followed.snapshot) == ["a"]


async def test_a_fault_of_one_look_does_not_end_the_following(
    path: Path, followed: CatalogueFile, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __fspath__(self) -> str:
            raise RuntimeError("not expected")

    healthy: Any = followed.path
    followed.path = Broken()  # type: ignore[assignment]
    await until(lambda: "failed" in caplog.text)
    followed.path = healthy
    path.write_text(content("b"))
    await until(lambda: ids(followed.snapshot) == ["b"])
