"""The command `studiolo`: exit codes and what is printed."""

import io
import json
from pathlib import Path

import pytest
from studiolo_hub.cli import main
from studiolo_spawner.catalogue import MAX_BYTES, catalogue_schema, parse_catalogue

BAD = """\
version: 1
images:
  - id: python
    display_name: Python
    refernce: ghcr.io/your-lab/python:3
profiles:
  - {id: cpu, display_name: CPU, cpu: 4, memory: 16GB}
"""


@pytest.fixture
def good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["catalogue", "example"]) == 0
    path = tmp_path / "catalogue.yaml"
    path.write_text(capsys.readouterr().out)
    return path


def test_the_example_is_good(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "check", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: good (6 images, 6 profiles, 2 shared volumes)\n"


def test_every_problem_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    assert main(["catalogue", "check", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{path}:3: images[0].reference: this key is missing",
        f"{path}:5: images[0].refernce: there is no such key",
        '    did you mean "reference"?',
        f"{path}:7: profiles[0].memory: a size is a number and a unit: 512Mi or 32Gi",
        f"{path}: 3 problems; the hub would keep the last good catalogue",
    ]


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], good: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(good.read_bytes())))
    assert main(["catalogue", "check", "-"]) == 0
    assert capsys.readouterr().out.startswith("standard input: good")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "the file cannot be read: No such file or directory"),
        (b"", "the file is empty"),
        (b"\xff\xfe", "the file is not UTF-8 text"),
        (b"#" * (MAX_BYTES + 10), "the file is larger than 256 KiB"),
    ],
    ids=["missing", "empty", "octets", "large"],
)
def test_unusable_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, part: str
) -> None:
    path = tmp_path / "catalogue.yaml"
    if content is not None:
        path.write_bytes(content)
    assert main(["catalogue", "check", str(path)]) == 1
    out = capsys.readouterr().out
    assert part in out
    assert str(path) in out


def test_a_folder_is_told_as_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "check", str(tmp_path)]) == 1
    assert "the file cannot be read: Is a directory" in capsys.readouterr().out


def test_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == catalogue_schema()


def test_the_example_is_what_is_shipped(good: Path) -> None:
    assert parse_catalogue(good.read_bytes()).defaults.image == "pytorch-2.9"


@pytest.mark.parametrize(
    "arguments",
    [[], ["catalogue"], ["catalogue", "check"], ["catalogue", "chek", "x"], ["nothing"]],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: studiolo" in capsys.readouterr().err
