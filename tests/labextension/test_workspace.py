"""The description of the workspace, on the examples that the spawner's tests read too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterlab_studiolo.workspace import (
    Workspace,
    WorkspaceUnreadable,
    parse_workspace,
    workspace_from_environment,
)

EXAMPLES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "contract" / "workspace.json").read_text("utf-8")
)


def example(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(EXAMPLES[name]))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", EXAMPLES)
def test_keeps_what_the_spawner_writes(name: str) -> None:
    again = parse_workspace(json.dumps(EXAMPLES[name])).to_json()
    expected = example(name)
    del expected["version"]
    expected["requested_image"] |= {"reference": None, "digest": None}
    assert again == expected


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("whole GPU", (True, False, False)),
        ("shared simulated GPU after a fallback", (True, True, True)),
        ("CPU only, never stopped for idleness, registry not asked", (False, False, False)),
    ],
)
def test_tells_the_gpu(name: str, facts: tuple[bool, bool, bool]) -> None:
    workspace = parse_workspace(json.dumps(EXAMPLES[name]))
    assert (workspace.has_gpu, workspace.shared, workspace.simulated) == facts


def test_leaves_out_what_a_newer_hub_adds() -> None:
    data = example("whole GPU") | {"owner": "ada"}
    data["image"]["colour"] = "red"
    assert parse_workspace(json.dumps(data)) == parse_workspace(json.dumps(EXAMPLES["whole GPU"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"version": 2}, "version is 2", id="version"),
        pytest.param({"image": None}, "image is not an object", id="no image"),
        pytest.param(
            {"image": {"id": "x"}}, "image.display_name is not a text", id="half an image"
        ),
        pytest.param({"profile": []}, "profile is not an object", id="profile"),
        pytest.param(
            {"profile": {"id": "a", "display_name": "b", "count": -1}},
            "profile.count is not a whole number",
            id="negative",
        ),
        pytest.param(
            {"profile": {"id": "a", "display_name": "b", "gpu": {"memory_gib": "10"}}},
            "profile.gpu.memory_gib is not a number",
            id="memory",
        ),
        pytest.param(
            {"idle": {"timeout_seconds": True}}, "idle.timeout_seconds is not a whole", id="bool"
        ),
        pytest.param({"started_at": 5}, "started_at is not a text", id="start"),
    ],
)
def test_names_the_place_of_what_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkspaceUnreadable, match=message):
        parse_workspace(json.dumps(example("whole GPU") | change))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(workspace_from_environment({"STUDIOLO_WORKSPACE": text}), Workspace | None)


@given(
    st.sampled_from(sorted(EXAMPLES["whole GPU"])),
    st.none() | st.booleans() | st.integers() | st.text() | st.dictionaries(st.text(), st.text()),
)
def test_any_field_is_read_or_refused(key: str, value: object) -> None:
    text = json.dumps(EXAMPLES["whole GPU"] | {key: value})
    assert isinstance(workspace_from_environment({"STUDIOLO_WORKSPACE": text}), Workspace | None)


def test_is_absent_outside_studiolo(caplog: pytest.LogCaptureFixture) -> None:
    assert workspace_from_environment({}) is None
    assert caplog.text == ""
    assert workspace_from_environment({"STUDIOLO_WORKSPACE": "{"}) is None
    assert "STUDIOLO_WORKSPACE is left aside: it is not JSON" in caplog.text
