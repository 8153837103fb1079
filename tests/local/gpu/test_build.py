"""Compiling the stand-in: once, whole or not at all, and with a reason when not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from studiolo_local.gpu import LIBRARY_NAME, build

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@needs_compiler
def test_compiles_once(tmp_path: Path) -> None:
    first = build(tmp_path / "new" / "folder")
    assert first.library == tmp_path / "new" / "folder" / LIBRARY_NAME
    assert first.library is not None
    before = first.library.stat()
    second = build(tmp_path / "new" / "folder")
    assert second.library == first.library
    assert first.library.stat() == before
    assert sorted(path.name for path in first.library.parent.iterdir()) == [
        LIBRARY_NAME,
        f"{LIBRARY_NAME}.sources",
    ]


@needs_compiler
def test_compiles_again_when_a_source_has_changed(tmp_path: Path) -> None:
    made = build(tmp_path).library
    assert made is not None
    (tmp_path / f"{LIBRARY_NAME}.sources").write_text("of another version", "utf-8")
    made.write_bytes(b"old")
    assert build(tmp_path).library == made
    assert made.read_bytes().startswith(b"\x7fELF")


def test_says_that_there_is_no_compiler(tmp_path: Path) -> None:
    result = build(tmp_path, compiler="no-such-compiler -O3")
    assert result.library is None
    assert "no-such-compiler was not found" in result.reason
    assert "Install gcc or clang" in result.reason
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("import sys; sys.exit('no header')", "status 1: no header", id="fails"),
        pytest.param("", "status 0: no message", id="makes nothing"),
    ],
)
def test_says_what_the_compiler_said(tmp_path: Path, script: str, reason: str) -> None:
    program = tmp_path / "cc.py"
    program.write_text(script, "utf-8")
    folder = tmp_path / "lib"
    result = build(folder, compiler=f"{sys.executable} {program}")
    assert result.library is None
    assert reason in result.reason
    assert list(folder.iterdir()) == []


@needs_compiler
def test_the_source_has_no_warning(tmp_path: Path) -> None:
    result = build(
        tmp_path, compiler="cc -Werror -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion"
    )
    assert result.library is not None, result.reason
