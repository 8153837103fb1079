"""Whose an object is: by the whole name, and never by half of it."""

from __future__ import annotations

from typing import Any

import pytest
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.ownership import SERVERNAME, USERNAME, Owner, owner_of, require_owner


def item(**annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": "home-ana", "annotations": annotations}}


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        pytest.param(item(**{USERNAME: "ana"}), Owner.OURS, id="ours"),
        pytest.param(item(**{USERNAME: "Ana"}), Owner.ANOTHER, id="another case"),
        pytest.param(item(**{USERNAME: "ana "}), Owner.ANOTHER, id="white space"),
        pytest.param(item(), Owner.UNKNOWN, id="no annotation"),
        pytest.param({"metadata": {"annotations": None}}, Owner.UNKNOWN, id="null"),
        pytest.param({}, Owner.UNKNOWN, id="nothing"),
    ],
)
def test_owner(found: dict[str, Any], owner: Owner) -> None:
    assert owner_of(found, "ana") is owner


@pytest.mark.parametrize(
    ("annotations", "server", "owner"),
    [
        ({}, "", Owner.OURS),
        ({SERVERNAME: "lab"}, "lab", Owner.OURS),
        ({SERVERNAME: "lab"}, "", Owner.ANOTHER),
        ({}, "lab", Owner.ANOTHER),
    ],
)
def test_servers_of_one_user_are_told_apart(
    annotations: dict[str, str], server: str, owner: Owner
) -> None:
    assert owner_of(item(**{USERNAME: "ana", **annotations}), "ana", server) is owner


def test_only_the_unowned_can_be_adopted() -> None:
    require_owner("home volume", item(), "ana", adopt_unowned=True)
    with pytest.raises(ClusterFault, match="does not say whose it is"):
        require_owner("home volume", item(), "ana")
    with pytest.raises(ClusterFault, match="belongs to another user"):
        require_owner("home volume", item(**{USERNAME: "ben"}), "ana", adopt_unowned=True)


def test_another_users_name_is_not_told() -> None:
    with pytest.raises(ClusterFault) as refused:
        require_owner("home volume", item(**{USERNAME: "ben"}), "ana")
    assert "ben" not in refused.value.user_message
