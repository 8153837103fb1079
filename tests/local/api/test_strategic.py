from __future__ import annotations

import copy
from typing import Any

import pytest
from studiolo_local.api.json_patch import PatchError
from studiolo_local.api.strategic import strategic_merge


def containers(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "image": "old"} for name in names]


POD = {
    "metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["x/one"]},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "old",
                "env": [{"name": "A", "value": "1"}],
                "ports": [{"containerPort": 80, "name": "web"}],
                "args": ["--one"],
            },
            {"name": "side", "image": "old"},
        ],
        "tolerations": [{"key": "old"}],
        "volumes": [{"name": "home", "emptyDir": {}}],
    },
    "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Because"}]},
}


@pytest.mark.parametrize(
    ("patch", "path", "expected"),
    [
        pytest.param(
            {"metadata": {"labels": {"b": None, "c": "3"}}},
            ("metadata", "labels"),
            {"a": "1", "c": "3"},
            id="maps are merged, null removes",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["x/two", "x/one"]}},
            ("metadata", "finalizers"),
            ["x/one", "x/two"],
            id="sets are united",
        ),
        pytest.param(
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/one"]}},
            ("metadata", "finalizers"),
            [],
            id="values are taken from sets",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "side", "image": "new"}]}},
            ("spec", "containers", 1),
            {"name": "side", "image": "new"},
            id="containers are merged by name",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "main", "env": [{"name": "B", "value": "2"}]}]}},
            ("spec", "containers", 0, "env"),
            [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            id="environments are merged by name",
        ),
        pytest.param(
            {
                "spec": {
                    "containers": [{"name": "main", "ports": [{"containerPort": 80, "name": "w"}]}]
                }
            },
            ("spec", "containers", 0, "ports"),
            [{"containerPort": 80, "name": "w"}],
            id="container ports are merged by number",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "main", "args": ["--two"]}]}},
            ("spec", "containers", 0, "args"),
            ["--two"],
            id="arguments are replaced",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "main", "$patch": "delete"}]}},
            ("spec", "containers"),
            [{"name": "side", "image": "old"}],
            id="items are deleted by key",
        ),
        pytest.param(
            {"spec": {"containers": [{"$patch": "replace"}, {"name": "only"}]}},
            ("spec", "containers"),
            [{"name": "only"}],
            id="keyed lists are replaced on request",
        ),
        pytest.param(
            {"spec": {"tolerations": [{"key": "new"}]}},
            ("spec", "tolerations"),
            [{"key": "new"}],
            id="tolerations are replaced",
        ),
        pytest.param(
            {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
            ("status", "conditions"),
            [{"type": "Ready", "status": "True", "reason": "Because"}],
            id="conditions are merged by type",
        ),
        pytest.param(
            {"metadata": {"labels": {"$patch": "replace", "only": "1"}}},
            ("metadata", "labels"),
            {"only": "1"},
            id="maps are replaced on request",
        ),
        pytest.param(
            {"metadata": {"labels": {"$patch": "delete"}}},
            ("metadata", "labels"),
            {},
            id="maps are emptied on request",
        ),
        pytest.param(
            {
                "spec": {
                    "volumes": [
                        {
                            "name": "home",
                            "$retainKeys": ["name", "persistentVolumeClaim"],
                            "persistentVolumeClaim": {"claimName": "c"},
                        }
                    ]
                }
            },
            ("spec", "volumes", 0),
            {"name": "home", "persistentVolumeClaim": {"claimName": "c"}},
            id="a volume's source changes its kind",
        ),
        pytest.param(
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "new"}, {"name": "main"}],
                    "containers": [{"name": "new", "image": "n"}],
                }
            },
            ("spec", "containers", 0, "name"),
            "new",
            id="the order is set",
        ),
        pytest.param(
            {"spec": {"new": {"deep": None, "kept": 1}}},
            ("spec", "new"),
            {"kept": 1},
            id="nulls are no values of new maps",
        ),
    ],
)
def test_each_list_is_merged_by_its_own_rule(
    patch: dict[str, Any], path: tuple[str | int, ...], expected: object
) -> None:
    before = copy.deepcopy(POD)
    value: Any = strategic_merge(POD, patch)
    for step in path:
        value = value[step]
    assert value == expected
    assert before == POD


def test_services_ports_are_merged_by_their_own_key() -> None:
    service = {"spec": {"ports": [{"port": 80, "targetPort": 1}]}}
    merged = strategic_merge(service, {"spec": {"ports": [{"port": 80, "targetPort": 2}]}})
    assert merged["spec"]["ports"] == [{"port": 80, "targetPort": 2}]


@pytest.mark.parametrize(
    "patch",
    [
        [],
        {"$patch": "frobnicate"},
        {"spec": {"containers": [{"image": "nameless"}]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}},
    ],
    ids=str,
)
def test_a_malformed_patch_is_refused(patch: Any) -> None:
    with pytest.raises(PatchError):
        strategic_merge(POD, patch)
