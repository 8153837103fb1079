from __future__ import annotations

from typing import Any

import pytest
from studiolo_local.api.field_sets import fields_of, leaves
from studiolo_local.api.server_side_apply import ApplyConflictError, applied

NOTHING: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {}}


def config(
    image: str = "one", *, env: dict[str, str] | None = None, **labels: str
) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": image}
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "labels": labels},
        "spec": {"containers": [container]},
    }


def apply(live: dict[str, Any], wanted: dict[str, Any], manager: str = "me", **more: Any) -> Any:
    return applied(live, wanted, manager, "now", force=more.get("force", False))


def test_fields_are_known_by_names_and_list_items_by_keys() -> None:
    paths = {"/".join(path) for path in leaves(fields_of(config(a="1")))}
    key = 'f:spec/f:containers/k:{"name":"main"}'
    assert paths == {"f:metadata/f:labels/f:a", key, f"{key}/f:name", f"{key}/f:image"}


def test_what_is_no_longer_applied_goes_and_the_rest_stays() -> None:
    live = apply(NOTHING, config(env={"A": "1", "B": "2"}, mine="1", gone="1"))
    live["metadata"]["labels"]["theirs"] = "1"
    live["spec"]["containers"][0]["resources"] = {}
    result = apply(live, config(env={"A": "1"}, mine="2"))
    assert result["metadata"]["labels"] == {"mine": "2", "theirs": "1"}
    assert result["spec"]["containers"] == [
        {"name": "main", "image": "one", "env": [{"name": "A", "value": "1"}], "resources": {}}
    ]


def test_a_field_that_another_manager_holds_is_a_conflict() -> None:
    live = apply(NOTHING, config(a="1"), "first")
    with pytest.raises(ApplyConflictError) as caught:
        apply(live, config("two", a="1"), "second")
    texts = [conflict.text for conflict in caught.value.conflicts]
    assert texts == ['conflict with "first": .spec.containers[name="main"].image']


def test_the_same_value_is_held_together_and_stays_until_both_let_go() -> None:
    live = apply(NOTHING, config(shared="1"), "first")
    live = apply(live, config(shared="1"), "second")
    live = apply(live, config(), "first")
    assert live["metadata"]["labels"] == {"shared": "1"}
    assert apply(live, config(), "second")["metadata"]["labels"] == {}


def test_force_takes_the_field_from_its_holder() -> None:
    live = apply(NOTHING, config(a="1"), "first")
    live = apply(live, config("two"), "second", force=True)
    assert live["spec"]["containers"][0]["image"] == "two"
    with pytest.raises(ApplyConflictError):
        apply(live, config("one", a="1"), "first")


def test_applying_the_same_again_changes_nothing() -> None:
    once = apply(NOTHING, config(a="1"))
    assert applied(once, config(a="1"), "me", "later", force=False) == once
