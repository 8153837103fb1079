"""Where a pod's volumes are for its processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.kubelet.volumes import (
    Layout,
    Mount,
    MountProblem,
    plan_layout,
    planned_links,
    prepare,
    remove_links,
    volume_kind,
    write_files,
)

HOME, DATA = Path("/claims/ada"), Path("/claims/data")
PLACES = {"home": HOME, "data": DATA}
CONTAINER = {
    "volumeMounts": [
        {"name": "home", "mountPath": "/home/jovyan"},
        {"name": "data", "mountPath": "/shared/datasets", "readOnly": True},
    ]
}
LAYOUT = plan_layout(CONTAINER, PLACES, ["/home/jovyan"], Path("/own"))


@pytest.mark.parametrize(
    ("paths", "home"),
    [
        (["/home/jovyan"], HOME),
        (["/root", "/home/jovyan"], HOME),
        (["/shared/datasets"], Path("/own")),
        (["/elsewhere"], Path("/own")),
        ([], Path("/own")),
    ],
    ids=["home", "second", "read-only", "not mounted", "none"],
)
def test_which_volume_is_the_home(paths: list[str], home: Path) -> None:
    assert plan_layout(CONTAINER, PLACES, paths, Path("/own")).home == home


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("/home/jovyan", "/claims/ada"),
        ("/home/jovyan/", "/claims/ada"),
        ("/home/jovyan/work/a.ipynb", "/claims/ada/work/a.ipynb"),
        ("--dir=/home/jovyan/work", "--dir=/claims/ada/work"),
        ("/home/jovyan-else", "/home/jovyan-else"),
        ("/home/jovyan/../x", "/home/jovyan/../x"),
        ("/shared/datasets", "/claims/data"),
        ("http://x/home/jovyan", "http://x/home/jovyan"),
        ("NAME=/home/jovyan", "NAME=/home/jovyan"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_words_that_name_a_mounted_path(word: str, expected: str) -> None:
    assert LAYOUT.translate(word) == expected


def test_the_deepest_mount_counts() -> None:
    layout = Layout(HOME, (Mount("/home", Path("/a")), Mount("/home/x", Path("/b"))))
    assert layout.translate("/home/x/y") == "/b/y"


def test_what_a_process_is_told() -> None:
    told = LAYOUT.variables()
    assert told["HOME"] == str(HOME)
    assert json.loads(told["STUDIOLO_MOUNTS"]) == {
        "/home/jovyan": str(HOME),
        "/shared/datasets": str(DATA),
    }


def test_links_for_the_other_volumes() -> None:
    container = {
        "volumeMounts": [
            *CONTAINER["volumeMounts"],
            {"name": "data", "mountPath": "/home/jovyan/team/notes"},
        ]
    }
    layout = plan_layout(container, PLACES, ["/home/jovyan"], Path("/own"))
    assert planned_links(layout, "/home/jovyan") == {"datasets": DATA, "team/notes": DATA}


@pytest.mark.parametrize("inner", ["../x", "a/../../x", "/etc"])
def test_a_part_of_a_volume_stays_inside(inner: str) -> None:
    entry = {"name": "home", "mountPath": "/x", "subPath": inner}
    with pytest.raises(MountProblem, match="leads out"):
        plan_layout({"volumeMounts": [entry]}, PLACES, [], Path("/own"))


def test_kinds_of_volumes() -> None:
    assert volume_kind({"name": "a", "emptyDir": {}}) == "emptyDir"
    with pytest.raises(MountProblem, match="no volumes of the kind hostPath"):
        volume_kind({"name": "a", "hostPath": {"path": "/"}})


def test_links_are_made_and_taken_away(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    layout = Layout(home, (Mount("/h", home), Mount("/d", data)))
    home.mkdir()
    (home / "taken").write_text("mine")
    wanted = {"data": data, "deep/er": data, "taken": data}
    made, skipped = prepare(layout, wanted)
    assert sorted(made) == [str(home / "data"), str(home / "deep" / "er")]
    assert skipped == ["taken"]
    assert (home / "data").readlink() == data
    assert prepare(layout, wanted) == (made, skipped)
    (home / "data").unlink()
    (home / "data").write_text("the user's own now")
    remove_links(made)
    assert (home / "data").read_text() == "the user's own now"
    assert not (home / "deep" / "er").is_symlink()
    assert data.is_dir()


def test_no_link_is_made_outside_of_the_home(tmp_path: Path) -> None:
    home, data, outside = tmp_path / "home", tmp_path / "data", tmp_path / "outside"
    for path in (home, outside):
        path.mkdir()
    (home / "team").symlink_to(outside)
    layout = Layout(home, (Mount("/h", home), Mount("/h/team/x", data)))
    assert prepare(layout, {"team/x": data}) == ([], ["team/x"])
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", ""])
def test_a_key_that_is_no_file_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(MountProblem, match="no file name"):
        write_files(tmp_path / "v", {name: b"x"}, 0o600)
    assert list(tmp_path.rglob("*")) == [tmp_path / "v"]


@given(st.text(max_size=40))
def test_other_words_stay_as_they_are(word: str) -> None:
    if "/home/jovyan" not in word and "/shared/datasets" not in word:
        assert LAYOUT.translate(word) == word
