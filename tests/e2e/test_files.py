"""A person's files and logs on a real cluster: seen by administrators, deleted only when asked."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.hub import Hub
from tests.e2e.release import Release

pytestmark = pytest.mark.e2e


def test_log_and_volume_are_shown_and_files_go_when_that_is_asked(
    installed: Release, hub: Hub, person: Callable[[str], str]
) -> None:
    name = person("frida")
    assert hub.start(name, {"image": "minimal", "profile": "cpu"}).ready
    told = json.dumps(hub.must("GET", f"studiolo/workspaces/{name}/log"))
    assert "Jupyter" in told
    hub.stop(name)
    volumes = hub.must("GET", "studiolo/admin/volumes.json")["volumes"]
    (hers,) = (volume for volume in volumes if volume["owner"] == name)
    assert claims(installed) >= {hers["name"]}
    wrong = {"files": "delete", "confirm": "another name"}
    assert hub.ask("POST", f"studiolo/workspaces/{name}/delete", wrong).status == 400
    assert hers["name"] in claims(installed)
    hub.must(
        "POST",
        f"studiolo/workspaces/{name}/delete",
        {"files": "delete", "confirm": "My workspace"},
    )
    # Deleted, or about to be as soon as nothing protects it.
    listed = json.loads(installed.kubectl("get", "pvc", "-o", "json"))["items"]
    left = [each for each in listed if each["metadata"]["name"] == hers["name"]]
    assert all("deletionTimestamp" in each["metadata"] for each in left)


def claims(installed: Release) -> set[str]:
    """The names of all volume claims."""
    found = json.loads(installed.kubectl("get", "pvc", "-o", "json"))["items"]
    return {claim["metadata"]["name"] for claim in found}
