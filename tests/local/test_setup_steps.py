"""The set-up's shell scripts: what they say, what they leave, and how they fail."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEP = ROOT / "scripts" / "step"


def step(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(STEP), "build/part/.ready", "1/2 A part", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_step_says_what_it_does_and_leaves_its_stamp(tmp_path: Path) -> None:
    done = step(tmp_path, "sh", "-c", "echo much output")
    assert done.returncode == 0
    assert done.stdout.startswith("1/2 A part ...\n    done in ")
    assert "much output" not in done.stdout
    assert (tmp_path / "build/part/.ready").read_text() == f"{tmp_path}\n"
    assert (tmp_path / "build/log/part.log").read_text() == "much output\n"


def test_a_step_that_fails_shows_why_and_leaves_no_stamp(tmp_path: Path) -> None:
    step(tmp_path, "true")
    done = step(tmp_path, "sh", "-c", "seq 100; echo the cause >&2; exit 3")
    assert done.returncode == 3
    assert "This step failed: 1/2 A part" in done.stderr
    assert "the cause" in done.stderr
    assert "\n50\n" not in done.stderr
    assert not (tmp_path / "build/part/.ready").exists()


def test_two_makes_at_once_take_turns_and_do_a_step_once(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo x >>count; sleep 1"]
    arguments = [str(STEP), "build/part/.ready", "1/2 A part", *command]
    both = [
        subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=20)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / "count").read_text() == "x\n"
    assert sum("waiting for another make" in words for words in said) == 1


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("exit 1", "needs Python 3.11 or newer", id="too old"),
        pytest.param(
            'case "$2" in *ensurepip*) exit 1;; esac', "python3-venv", id="Debian without venv"
        ),
    ],
)
def test_a_python_that_will_not_do_is_told(tmp_path: Path, script: str, words: str) -> None:
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "scripts/make-tools"), str(python)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr


def test_missing_debian_packages_are_named_where_they_cannot_be_installed(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, body in {"id": "echo 1000", "sudo": "exit 1", "cat": "exec /bin/cat"}.items():
        (commands / name).write_text(f"#!/bin/sh\n{body}\n")
        (commands / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts/need-debian-packages")],
        cwd=tmp_path,
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install docker-registry chromium" in done.stderr


def test_missing_debian_packages_are_installed_where_that_is_allowed(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    asked = tmp_path / "asked"
    for name, body in {"id": "echo 0", "apt-get": f'echo "$@" >>{asked}'}.items():
        (commands / name).write_text(f"#!/bin/sh\n{body}\n")
        (commands / name).chmod(0o755)
    (commands / "mkdir").symlink_to("/bin/mkdir")
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts/need-debian-packages")],
        cwd=tmp_path,
        env={"PATH": str(commands), "STUDIOLO_CHROMIUM": "/opt/chrome"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert asked.read_text() == "update\ninstall -y --no-install-recommends docker-registry\n"


def test_make_alone_lists_the_commands() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for target in ("demo", "test", "e2e", "check", "bench", "clean"):
        assert f"make {target}" in done.stdout
