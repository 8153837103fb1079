from __future__ import annotations

import copy
from typing import Any

import pytest
from studiolo_local.api import deletion, resources
from studiolo_local.api.entries import Key
from studiolo_local.api.patch import MERGE_PATCH
from studiolo_local.api.status_errors import ApiError
from studiolo_local.api.terms import Terms

from tests.local.api.samples import binding, cluster, config_map, labelled, pod, quota

ONE = Key("default", "one")


def refused(code: int, reason: str, message: str = "") -> Any:
    return pytest.raises(
        ApiError, match=message or None, check=lambda e: (e.code, e.reason) == (code, reason)
    )


def test_a_new_pod_is_completed_by_the_server() -> None:
    store, operations = cluster()
    made = operations.create(resources.PODS, "default", pod()).content()
    metadata, spec = made["metadata"], made["spec"]
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert (metadata["generation"], metadata["resourceVersion"]) == (1, str(store.version))
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("Always", 30)
    assert spec["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a:1", "IfNotPresent"),
        ("a", "Always"),
        ("a:latest", "Always"),
        ("r:5000/a", "Always"),
        ("r:5000/a@sha256:0", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    _, operations = cluster()
    body = pod()
    body["spec"]["containers"][0]["image"] = image
    made = operations.create(resources.PODS, "default", body).content()
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_a_name_is_made_up_when_only_its_beginning_is_given() -> None:
    _, operations = cluster()
    bodies = [{"metadata": {"generateName": "x" * 253}} for _ in range(2)]
    names = [operations.create(resources.CONFIG_MAPS, "default", each).key.name for each in bodies]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {253}


def test_what_a_client_claims_about_a_new_object_is_ignored() -> None:
    _, operations = cluster()
    body = pod()
    body["metadata"] |= {
        "uid": "mine",
        "generation": 9,
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    body["status"] = {"phase": "Running"}
    made = operations.create(resources.PODS, "default", body).content()
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["generation"] == 1
    assert not made["metadata"]["creationTimestamp"].startswith("2020")
    assert made["status"]["phase"] == "Pending"


@pytest.mark.parametrize(
    ("body", "code", "reason", "message"),
    [
        pytest.param([], 400, "BadRequest", "not an object", id="a list"),
        pytest.param({"kind": "Secret"}, 400, "BadRequest", "kind in the data", id="kind"),
        pytest.param({"apiVersion": "v2"}, 400, "BadRequest", "API version", id="version"),
        pytest.param(
            {"metadata": {"namespace": "other"}}, 400, "BadRequest", "namespace of", id="namespace"
        ),
        pytest.param(
            {"metadata": {"name": "a", "resourceVersion": "1"}},
            400,
            "BadRequest",
            "resourceVersion should not be set",
            id="resource version",
        ),
        pytest.param({"metadata": {"name": 1}}, 400, "BadRequest", "of type string", id="type"),
        pytest.param({"metadata": {"name": "A"}}, 422, "Invalid", "RFC 1123", id="invalid"),
        pytest.param(
            {"metadata": {"name": "taken"}},
            409,
            "AlreadyExists",
            '"taken" already exists',
            id="taken",
        ),
    ],
)
def test_a_body_that_cannot_become_an_object_is_refused(
    body: Any, code: int, reason: str, message: str
) -> None:
    store, operations = cluster()
    operations.create(resources.CONFIG_MAPS, "default", config_map("taken"))
    before = store.version
    with refused(code, reason, message):
        operations.create(resources.CONFIG_MAPS, "default", body)
    assert store.version == before


def test_nothing_is_made_in_a_namespace_that_is_not_there_or_is_going() -> None:
    _, operations = cluster()
    with refused(404, "NotFound", 'namespaces "none" not found'):
        operations.create(resources.CONFIG_MAPS, "none", config_map("a"))
    operations.create(resources.NAMESPACES, "", {"metadata": {"name": "going"}})
    operations.delete(resources.NAMESPACES, Key("", "going"), deletion.Options())
    with refused(403, "Forbidden", "because it is being terminated"):
        operations.create(resources.CONFIG_MAPS, "going", config_map("a"))


def test_a_stale_change_is_refused() -> None:
    _, operations = cluster()
    first = operations.create(resources.CONFIG_MAPS, "default", config_map("one")).content()
    changed = {**copy.deepcopy(first), "data": {"a": "1"}}
    operations.replace(resources.CONFIG_MAPS, ONE, changed)
    with refused(409, "Conflict", "the object has been modified; please apply your changes"):
        operations.replace(resources.CONFIG_MAPS, ONE, {**first, "data": {"a": "2"}})
    patch = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}}
    with refused(409, "Conflict"):
        operations.patch(resources.CONFIG_MAPS, ONE, MERGE_PATCH, patch)


def test_a_change_of_another_object_of_the_same_name_is_refused() -> None:
    _, operations = cluster()
    operations.create(resources.CONFIG_MAPS, "default", config_map("one"))
    with refused(409, "Conflict", "Precondition failed: UID in precondition: other"):
        operations.replace(
            resources.CONFIG_MAPS, ONE, {"metadata": {"name": "one", "uid": "other"}}
        )


def test_a_change_without_a_difference_is_none() -> None:
    store, operations = cluster()
    made = operations.create(resources.CONFIG_MAPS, "default", config_map("one", a="1"))
    before = store.version
    assert operations.replace(resources.CONFIG_MAPS, ONE, config_map("one", a="1")) == made
    assert store.version == before


def test_the_status_and_the_rest_are_written_apart() -> None:
    _, operations = cluster()
    operations.create(resources.PODS, "default", pod())
    patch = {"spec": {"nodeName": "sneaky"}, "status": {"phase": "Running"}}
    through_status = operations.patch(
        resources.PODS, ONE, MERGE_PATCH, patch, subresource="status"
    ).content()
    assert "nodeName" not in through_status["spec"]
    assert through_status["status"]["phase"] == "Running"
    through_main = operations.patch(
        resources.PODS, ONE, MERGE_PATCH, {"status": {"phase": "Failed"}}
    ).content()
    assert through_main["status"]["phase"] == "Running"
    assert through_main["metadata"]["generation"] == 1


def test_a_new_spec_is_a_new_generation() -> None:
    _, operations = cluster()
    operations.create(resources.PODS, "default", pod())
    patch = {"spec": {"activeDeadlineSeconds": 9}}
    changed = operations.patch(resources.PODS, ONE, MERGE_PATCH, patch).content()
    assert changed["metadata"]["generation"] == 2


def test_a_trial_changes_nothing() -> None:
    store, operations = cluster()
    trial = Terms(dry_run=True)
    before = store.version
    made = operations.create(resources.PODS, "default", pod(), trial)
    assert (made.key, store.get(resources.PODS, ONE), store.version) == (ONE, None, before)
    operations.create(resources.PODS, "default", pod())
    before = store.version
    tried = operations.patch(
        resources.PODS, ONE, MERGE_PATCH, {"metadata": {"labels": {"a": "b"}}}, trial
    )
    assert tried.labels == {"a": "b"}
    assert operations.delete(resources.PODS, ONE, deletion.Options(), trial).gone
    assert store.version == before


def test_a_pod_is_bound_once() -> None:
    _, operations = cluster()
    made = operations.create(resources.PODS, "default", pod())
    with refused(409, "Conflict", "UID in precondition"):
        operations.bind(ONE, binding("n1", uid="other"))
    with refused(422, "Invalid", "target.name: Required value"):
        operations.bind(ONE, {**binding("n1"), "target": {}})
    with refused(400, "BadRequest", "name in URL does not match name in Binding object"):
        operations.bind(ONE, binding("n1", pod="another"))
    operations.bind(ONE, binding("n1", uid=made.uid))
    bound = operations.get(resources.PODS, ONE).content()
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    with refused(409, "Conflict", 'pod one is already assigned to node "n1"'):
        operations.bind(ONE, binding("n2"))


def bound_pod(**spec: Any) -> Any:
    store, operations = cluster()
    operations.create(resources.PODS, "default", pod(**spec))
    operations.bind(ONE, binding("n1"))
    return store, operations


@pytest.mark.parametrize(("asked", "grace"), [(None, 7), (3, 3), (60, 60), (-1, 1)])
def test_a_pod_on_a_node_is_given_time(asked: int | None, grace: int) -> None:
    store, operations = bound_pod(terminationGracePeriodSeconds=7)
    outcome = operations.delete(resources.PODS, ONE, deletion.Options(asked))
    metadata = outcome.entry.content()["metadata"]
    assert not outcome.gone
    assert metadata["deletionGracePeriodSeconds"] == grace
    assert metadata["deletionTimestamp"]
    assert store.get(resources.PODS, ONE) is not None


def test_a_pod_that_is_going_can_be_hurried_and_not_slowed() -> None:
    store, operations = bound_pod()
    operations.delete(resources.PODS, ONE, deletion.Options(30))
    before = store.version
    operations.delete(resources.PODS, ONE, deletion.Options(60))
    assert store.version == before
    hurried = operations.delete(resources.PODS, ONE, deletion.Options(2)).entry.content()
    assert hurried["metadata"]["deletionGracePeriodSeconds"] == 2
    assert operations.delete(resources.PODS, ONE, deletion.Options(0)).gone
    assert store.get(resources.PODS, ONE) is None


def test_a_pod_that_runs_nowhere_is_marked_and_goes_at_once() -> None:
    store, operations = cluster()
    before = operations.create(resources.PODS, "default", pod()).version
    gone = operations.delete(resources.PODS, ONE, deletion.Options())
    assert gone.gone
    assert gone.entry.content()["metadata"]["deletionGracePeriodSeconds"] == 0
    assert gone.entry.content()["metadata"]["generation"] == 2
    assert [each.after is None for each in store.changes(resources.PODS, before)] == [False, True]
    _, operations = bound_pod()
    operations.patch(
        resources.PODS, ONE, MERGE_PATCH, {"status": {"phase": "Failed"}}, subresource="status"
    )
    assert operations.delete(resources.PODS, ONE, deletion.Options()).gone


def test_a_delete_of_another_object_of_the_same_name_is_refused() -> None:
    _, operations = cluster()
    operations.create(resources.PODS, "default", pod())
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        with refused(
            409, "Conflict", rf"on Pod \"one\": the {label} in the precondition \(other\)"
        ):
            operations.delete(resources.PODS, ONE, deletion.Options(preconditions={field: "other"}))


def test_finalizers_keep_an_object_until_the_last_lets_go() -> None:
    store, operations = cluster()
    body = config_map("one")
    body["metadata"]["finalizers"] = ["x/a", "x/b"]
    operations.create(resources.CONFIG_MAPS, "default", body)
    assert not operations.delete(resources.CONFIG_MAPS, ONE, deletion.Options()).gone
    for left in (["x/b"], []):
        assert store.get(resources.CONFIG_MAPS, ONE) is not None
        patch = {"metadata": {"finalizers": left}}
        operations.patch(resources.CONFIG_MAPS, ONE, MERGE_PATCH, patch)
    assert store.get(resources.CONFIG_MAPS, ONE) is None


def test_a_quota_refuses_what_does_not_fit_in_kubernetes_words() -> None:
    _, operations = cluster()
    hard = {"requests.nvidia.com/gpu": "1"}
    operations.create(resources.QUOTAS, "default", quota(**hard))
    body = pod()
    body["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": 1}}
    operations.create(resources.PODS, "default", body)
    second = pod("two")
    second["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": 1}}
    message = (
        'pods "two" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1, '
        "used: requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=1"
    )
    with refused(403, "Forbidden", message):
        operations.create(resources.PODS, "default", second)
    operations.delete(resources.PODS, ONE, deletion.Options(0))
    operations.create(resources.PODS, "default", second)


def test_services_get_addresses_that_stay_on_the_machine() -> None:
    _, operations = cluster()
    made = []
    for name in ("a", "b"):
        body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
        made.append(operations.create(resources.SERVICES, "default", body).content()["spec"])
    assert [spec["clusterIP"] for spec in made] == ["127.78.0.1", "127.78.0.2"]
    taken = {"metadata": {"name": "c"}, "spec": {"clusterIP": "127.78.0.1", "ports": [{"port": 1}]}}
    with refused(422, "Invalid", "provided IP is already allocated"):
        operations.create(resources.SERVICES, "default", taken)


def test_secrets_are_kept_encoded() -> None:
    _, operations = cluster()
    body = {"metadata": {"name": "one"}, "stringData": {"k": "v"}}
    made = operations.create(resources.SECRETS, "default", body).content()
    assert (made["data"], made["type"], "stringData" in made) == ({"k": "dg=="}, "Opaque", False)


def test_unknown_fields_are_warned_about_refused_or_ignored() -> None:
    _, operations = cluster()
    for strictness, warnings in (("Warn", ['unknown field "metadata.lables"']), ("Ignore", [])):
        body = {"metadata": {"generateName": "x", "lables": {}}}
        terms = Terms(unknown_fields=strictness)  # type: ignore[arg-type]
        operations.create(resources.CONFIG_MAPS, "default", body, terms)
        assert terms.warnings == warnings
    with refused(400, "BadRequest", 'strict decoding error: unknown field "metadata.lables"'):
        operations.create(
            resources.CONFIG_MAPS,
            "default",
            {"metadata": {"name": "x", "lables": {}}},
            Terms(unknown_fields="Strict"),
        )


def test_applying_makes_an_object_and_then_changes_it() -> None:
    store, operations = cluster()
    terms = Terms(manager="tests")
    made, new = operations.apply(resources.PODS, ONE, labelled("one", a="1"), terms)
    assert (new, made.labels) == (True, {"a": "1"})
    changed, new = operations.apply(resources.PODS, ONE, labelled("one", b="2"), terms)
    assert (new, changed.labels) == (False, {"b": "2"})
    before = store.version
    operations.apply(resources.PODS, ONE, labelled("one", b="2"), terms)
    assert store.version == before
    with refused(409, "Conflict", 'conflict with "tests": .metadata.labels.b'):
        operations.apply(resources.PODS, ONE, labelled("one", b="3"), Terms(manager="other"))
    with refused(422, "Invalid", "fieldManager: Required value"):
        operations.apply(resources.PODS, ONE, labelled("one"), Terms())
