from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from studiolo_local.api.journal import JournalError
from studiolo_local.api.resources import CONFIG_MAPS
from studiolo_local.api.store import Store


def metadata(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "default", "uid": name}}


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "state.sqlite"
    store = Store(file)
    store.put(CONFIG_MAPS, metadata("a"))
    assert {each.stat().st_mode & 0o077 for each in file.parent.iterdir()} == {0}
    store.close()


def test_a_second_cluster_on_the_same_file_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    with pytest.raises(JournalError, match="is in use: another embedded cluster runs on it"):
        Store(tmp_path / "state.sqlite")
    store.close()


def test_a_file_that_is_no_state_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    file.write_text("my thesis, " * 500)
    with pytest.raises(JournalError, match="file is not a database; see that the disk has room"):
        Store(file)
    assert file.read_text().startswith("my thesis")


def test_the_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    with sqlite3.connect(file) as newer:
        newer.execute("pragma user_version = 99")
    newer.close()
    with pytest.raises(JournalError, match="its layout is 99, this version writes 1"):
        Store(file)


def test_a_kind_that_is_not_served_any_more_is_named(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    Store(file).close()
    with sqlite3.connect(file) as other:
        other.execute("insert into objects values ('', 'v1', 'gadgets', 'ns', 'g', '{}')")
    other.close()
    with pytest.raises(JournalError, match="holds gadgets/g"):
        Store(file)


def test_a_change_that_cannot_be_kept_does_not_happen(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    store.put(CONFIG_MAPS, metadata("a"))
    heard: list[object] = []
    store.subscribe(heard.append)
    before = store.version
    database = store._journal._file  # type: ignore[attr-defined]
    (pages,) = database.execute("pragma page_count").fetchone()
    database.execute(f"pragma max_page_count = {pages}")
    large = {"data": {"x": "x" * 100_000}}
    with pytest.raises(JournalError, match="disk is full; see that the disk has room"):
        store.put(CONFIG_MAPS, metadata("b") | large)
    assert (store.version, heard) == (before, [])
    assert [entry.key.name for entry in store.entries(CONFIG_MAPS)] == ["a"]
    database.execute("pragma max_page_count = 100000")
    assert store.put(CONFIG_MAPS, metadata("b") | large).version == before + 1
    store.close()
