"""Programs are found in an image as in a container, without unpacking it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.kubelet.image_root import (
    BadLayer,
    Entry,
    ImageRoot,
    NotExecutable,
    find_program,
    read_layers,
)

PATH = "/usr/local/bin:/bin"
RUN = Entry("program", executable=True)


def layer(path: Path, **files: str | None) -> Path:
    """An archive; names are paths with __ for /, None is a directory, "->x" a link."""
    with tarfile.open(path, "w") as archive:
        for key, content in files.items():
            member = tarfile.TarInfo(key.replace("__", "/"))
            data = b""
            if content is None:
                member.type = tarfile.DIRTYPE
            elif content.startswith("->"):
                member.type, member.linkname = tarfile.SYMTYPE, content[2:]
            else:
                data = content.encode()
                member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return path


def test_layers_are_laid_over_each_other(tmp_path: Path) -> None:
    first = layer(tmp_path / "1", bin__a="x", bin__b="x", etc=None, etc__c="x", opt__d="x")
    second = layer(
        tmp_path / "2", **{"bin__.wh.b": "", "etc__.wh..wh..opq": "", "etc__e": "#!/bin/sh\nhi"}
    )
    root = read_layers([first, second])
    assert sorted(root.entries) == ["/bin/a", "/etc/e", "/opt/d"]
    assert root.entries["/etc/e"].text == "#!/bin/sh\nhi"
    assert ImageRoot.from_json(root.to_json()) == root


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no archive at all" * 100)
    with pytest.raises(BadLayer, match="invalid tar header"):
        read_layers([tmp_path / "x"])


def test_programs_behind_links() -> None:
    root = ImageRoot(
        {
            "/bin": Entry("link", target="usr/bin"),
            "/usr/bin/python": Entry("link", target="python3"),
            "/usr/bin/python3": Entry("link", target="/opt/../opt/conda/bin/python3.12"),
            "/opt/conda/bin/python3.12": RUN,
        }
    )
    assert find_program(root, "python", PATH).name == "python3.12"
    assert find_program(root, "/bin/python", PATH).name == "python3.12"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("lab", 'exec: "lab": executable file not found in $PATH'),
        ("plain", 'exec: "plain": executable file not found in $PATH'),
        ("/bin/plain", 'exec: "/bin/plain": permission denied'),
        ("/bin", 'exec: "/bin": is a directory'),
        ("/none", 'exec: "/none": stat /none: no such file or directory'),
        ("loop", 'exec: "loop": executable file not found in $PATH'),
    ],
)
def test_what_cannot_be_executed(command: str, message: str) -> None:
    root = ImageRoot(
        {
            "/bin": Entry("directory"),
            "/bin/plain": Entry("program"),
            "/bin/loop": Entry("link", target="loop"),
            "/sbin/lab": RUN,
        }
    )
    with pytest.raises(NotExecutable) as caught:
        find_program(root, command, PATH)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!/bin/sh\n", ["sh"]),
        ("#! /bin/bash -e\n", ["bash", "-e"]),
        ("#!/usr/bin/env python3\n", ["python3"]),
        ("#!/usr/bin/env -S python3 -u\n", ["python3", "-u"]),
        ("#!\n", ["sh"]),
    ],
)
def test_the_interpreter_of_a_script(text: str, expected: list[str]) -> None:
    root = ImageRoot({"/bin/start": Entry("script", executable=True, text=text)})
    assert list(find_program(root, "start", PATH).interpreter) == expected


@given(st.text(alphabet="./ab", max_size=20), st.text(alphabet="./ab", max_size=20))
def test_no_path_leads_out_of_the_image(path: str, target: str) -> None:
    root = ImageRoot({"/a": Entry("link", target=target), "/b": RUN})
    found = root.resolve(path)
    assert found is None or found[0] in root.entries
