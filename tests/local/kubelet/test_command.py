"""What a container runs: the rules of command, args, Entrypoint, Cmd and $(NAME)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.kubelet.command import command_line, expand

IMAGE = {"Entrypoint": ["/start"], "Cmd": ["lab"]}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({}, ["/start", "lab"]),
        ({"args": ["hub"]}, ["/start", "hub"]),
        ({"command": ["sh"]}, ["sh"]),
        ({"command": ["sh"], "args": ["-c", "x"]}, ["sh", "-c", "x"]),
        ({"args": ["--ip=$(IP)"]}, ["/start", "--ip=127.77.0.1"]),
    ],
    ids=["image", "args", "command", "both", "variable"],
)
def test_the_rules_of_kubernetes(container: dict[str, list[str]], expected: list[str]) -> None:
    assert command_line(container, IMAGE, {"IP": "127.77.0.1"}) == expected


@pytest.mark.parametrize("image", [{}, {"Entrypoint": None, "Cmd": None}, {"Cmd": "not a list"}])
def test_nothing_to_run(image: dict[str, object]) -> None:
    assert command_line({}, image, {}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)z", "x1y$(A)z"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$A ${A} $(A", "$A ${A} $(A"),
        ("$()", "$()"),
        ("100$", "100$"),
    ],
)
def test_variables(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "$(A)"}) == expected


@given(st.text(alphabet="ab$() ", max_size=30))
def test_text_without_variables_stays(text: str) -> None:
    if "$" not in text:
        assert expand(text, {"a": "1"}) == text
    assert expand(text.replace("$", "$$"), {"a": "1"}) == text
