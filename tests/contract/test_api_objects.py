"""The life of single objects."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract.cluster import MERGE_PATCH, Cluster, config_map, pod


async def test_a_new_object_gets_its_identity(cluster: Cluster) -> None:
    body = config_map("one", a="1")
    body["metadata"]["uid"] = "claimed"
    made = await cluster.create("configmaps", body)
    metadata = made["metadata"]
    assert re.fullmatch(r"[0-9a-f-]{36}", metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert metadata["resourceVersion"].isdigit()
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")
    assert (await cluster.expect("GET", cluster.path("configmaps", "one"))).body == made


async def test_a_new_pod_is_completed(cluster: Cluster) -> None:
    made = await cluster.create("pods", pod("one"))
    spec, container = made["spec"], made["spec"]["containers"][0]
    assert made["status"]["phase"] == "Pending"
    assert made["status"]["qosClass"] == "BestEffort"
    assert spec["restartPolicy"] == "Always"
    assert spec["terminationGracePeriodSeconds"] == 30
    assert spec["serviceAccountName"] == "default"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["terminationMessagePath"] == "/dev/termination-log"


async def test_limits_are_requests_too_and_quantities_are_canonical(cluster: Cluster) -> None:
    body = pod("one")
    limits = {"cpu": "1000m", "memory": "1024Mi", "example.com/gpu": 1}
    body["spec"]["containers"][0]["resources"] = {"limits": limits}
    made = await cluster.create("pods", body)
    canonical = {"cpu": "1", "memory": "1Gi", "example.com/gpu": "1"}
    resources = made["spec"]["containers"][0]["resources"]
    assert resources == {"limits": canonical, "requests": canonical}


async def test_a_name_is_made_up_from_its_beginning(cluster: Cluster) -> None:
    body = {"metadata": {"generateName": "some-"}}
    names = {(await cluster.create("configmaps", body))["metadata"]["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(re.fullmatch(r"some-[a-z0-9]{5}", name) for name in names)


@pytest.mark.parametrize(
    ("plural", "body", "code", "reason", "message"),
    [
        pytest.param(
            "configmaps",
            config_map("Upper"),
            422,
            "Invalid",
            'ConfigMap "Upper" is invalid: metadata.name: Invalid value: "Upper": a lowercase RFC',
            id="name",
        ),
        pytest.param(
            "pods",
            {"metadata": {"name": "p"}, "spec": {"containers": []}},
            422,
            "Invalid",
            'Pod "p" is invalid: spec.containers: Required value',
            id="containers",
        ),
        pytest.param(
            "pods",
            {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": ""}]}},
            422,
            "Invalid",
            'Pod "p" is invalid: spec.containers[0].image: Required value',
            id="image",
        ),
        pytest.param(
            "pods",
            {"metadata": {"name": "p"}, "spec": {"containers": [{"env": [{"value": 5}]}]}},
            400,
            "BadRequest",
            'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into',
            id="type",
        ),
        pytest.param(
            "configmaps",
            {"metadata": {"name": "a", "namespace": "elsewhere"}},
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
            id="namespace",
        ),
        pytest.param(
            "configmaps",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}},
            400,
            "BadRequest",
            "",
            id="kind",
        ),
    ],
)
async def test_what_is_not_right_is_refused_in_the_same_words(
    cluster: Cluster, plural: str, body: Any, code: int, reason: str, message: str
) -> None:
    outcome = await cluster.call("POST", cluster.path(plural), body)
    assert (outcome.code, outcome.reason) == (code, reason), outcome.body
    assert outcome.message.startswith(message), outcome.message
    assert outcome.body["kind"] == "Status"
    assert outcome.body["code"] == code


async def test_the_causes_name_each_field(cluster: Cluster) -> None:
    body = pod("one")
    body["spec"]["containers"] = [{"name": "", "image": "a"}, {"name": "b", "image": ""}]
    outcome = await cluster.call("POST", cluster.path("pods"), body)
    causes = {(each["field"], each["reason"]) for each in outcome.body["details"]["causes"]}
    assert ("spec.containers[0].name", "FieldValueRequired") in causes
    assert ("spec.containers[1].image", "FieldValueRequired") in causes


async def test_names_are_taken_once_and_objects_that_are_not_there_are_missed(
    cluster: Cluster,
) -> None:
    await cluster.create("configmaps", config_map("one"))
    again = await cluster.call("POST", cluster.path("configmaps"), config_map("one"))
    assert (again.code, again.reason) == (409, "AlreadyExists")
    assert again.message == 'configmaps "one" already exists'
    assert again.body["details"] == {"name": "one", "kind": "configmaps"}
    for method in ("GET", "DELETE"):
        missing = await cluster.call(method, cluster.path("configmaps", "two"))
        assert (missing.code, missing.reason) == (404, "NotFound")
        assert missing.message == 'configmaps "two" not found'
    lost = await cluster.call("POST", "/api/v1/namespaces/not-there/configmaps", config_map("a"))
    assert (lost.code, lost.message) == (404, 'namespaces "not-there" not found')
    assert (await cluster.call("GET", cluster.path("gadgets"))).code == 404


async def test_unknown_fields_are_warned_about_or_refused(cluster: Cluster) -> None:
    body = pod("one")
    body["spec"]["containers"][0]["imagge"] = "x"
    path = cluster.path("pods")
    warned = await cluster.expect("POST", path, body, fieldValidation="Warn", dryRun="All")
    assert 'unknown field \\"spec.containers[0].imagge\\"' in warned.headers["Warning"]
    refused = await cluster.call("POST", path, body, fieldValidation="Strict", dryRun="All")
    assert (refused.code, refused.reason) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "spec.containers[0].imagge"' in refused.message
    ignored = await cluster.expect("POST", path, body, fieldValidation="Ignore", dryRun="All")
    assert "Warning" not in ignored.headers


async def test_a_stale_change_is_a_conflict(cluster: Cluster) -> None:
    first = await cluster.create("configmaps", config_map("one"))
    path = cluster.path("configmaps", "one")
    second = await cluster.expect("PUT", path, {**first, "data": {"a": "1"}})
    assert int(second.version) > int(first["metadata"]["resourceVersion"])
    stale = await cluster.call("PUT", path, {**first, "data": {"a": "2"}})
    assert (stale.code, stale.reason) == (409, "Conflict")
    assert stale.message == (
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please '
        "apply your changes to the latest version and try again"
    )
    unconditional = config_map("one", a="3")
    assert (await cluster.expect("PUT", path, unconditional)).body["data"] == {"a": "3"}


async def test_a_change_without_a_difference_is_none(cluster: Cluster) -> None:
    made = await cluster.create("configmaps", config_map("one", a="1"))
    again = await cluster.expect("PUT", cluster.path("configmaps", "one"), config_map("one", a="1"))
    assert again.version == made["metadata"]["resourceVersion"]


async def test_the_status_is_written_apart_from_the_rest(cluster: Cluster) -> None:
    made = await cluster.create("pods", pod("one"))
    path = cluster.path("pods", "one")
    both: dict[str, Any] = {
        "spec": {"activeDeadlineSeconds": 5},
        "status": {"message": "through status"},
    }
    status = await cluster.expect("PATCH", f"{path}/status", both, media_type=MERGE_PATCH)
    assert status.body["status"]["message"] == "through status"
    assert "activeDeadlineSeconds" not in status.body["spec"]
    both["status"]["message"] = "through the object"
    main = await cluster.expect("PATCH", path, both, media_type=MERGE_PATCH)
    assert main.body["status"]["message"] == "through status"
    assert main.body["spec"]["activeDeadlineSeconds"] == 5
    replaced = {**main.body, "status": {"phase": "Running"}}
    status = await cluster.expect("PUT", f"{path}/status", replaced)
    assert status.body["status"]["phase"] == "Running"
    assert status.body["metadata"]["uid"] == made["metadata"]["uid"]


async def test_a_pods_spec_is_fixed_but_for_its_image(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    path = cluster.path("pods", "one")
    image = [{"op": "replace", "path": "/spec/containers/0/image", "value": "other:2"}]
    changed = await cluster.expect("PATCH", path, image, media_type="application/json-patch+json")
    assert changed.body["spec"]["containers"][0]["image"] == "other:2"
    fixed = await cluster.call(
        "PATCH", path, {"spec": {"nodeName": "sneaky"}}, media_type=MERGE_PATCH
    )
    assert (fixed.code, fixed.reason) == (422, "Invalid")
    assert "pod updates may not change fields other than" in fixed.message


async def test_a_pods_gates_may_only_go_and_place_it_while_they_stand(cluster: Cluster) -> None:
    gates = [{"name": "example.com/one"}, {"name": "example.com/two"}]
    await cluster.create("pods", pod("one", schedulingGates=gates))
    path = cluster.path("pods", "one")

    async def change(**spec: object) -> int:
        return (await cluster.call("PATCH", path, {"spec": spec}, media_type=MERGE_PATCH)).code

    assert await change(schedulingGates=[*gates, {"name": "example.com/three"}]) == 422
    assert await change(nodeSelector={"pool": "a"}) == 200
    assert await change(nodeSelector={"pool": "b"}) == 422
    assert await change(schedulingGates=None) == 200
    assert await change(nodeSelector={"more": "labels"}) == 422
    assert await change(schedulingGates=gates) == 422


async def test_a_pod_is_bound_to_one_node(cluster: Cluster) -> None:
    await cluster.add_node()
    bound = await cluster.bound_pod("one")
    assert bound["spec"]["nodeName"] == cluster.node
    conditions = {each["type"]: each["status"] for each in bound["status"]["conditions"]}
    assert conditions["PodScheduled"] == "True"
    binding = {"metadata": {"name": "one"}, "target": {"kind": "Node", "name": "another"}}
    again = await cluster.call("POST", cluster.path("pods", "one", "binding"), binding)
    assert (again.code, again.reason) == (409, "Conflict")
    assert f'pod one is already assigned to node "{cluster.node}"' in again.message


async def test_a_trial_leaves_nothing_behind(cluster: Cluster) -> None:
    tried = await cluster.create("configmaps", config_map("one"), dryRun="All")
    assert tried["metadata"]["uid"]
    assert (await cluster.call("GET", cluster.path("configmaps", "one"))).code == 404
    made = await cluster.create("configmaps", config_map("one"))
    path = cluster.path("configmaps", "one")
    await cluster.expect("PUT", path, config_map("one", a="1"), dryRun="All")
    await cluster.expect("DELETE", path, dryRun="All")
    assert (await cluster.expect("GET", path)).body == made


async def test_secrets_take_plain_text_and_keep_it_encoded(cluster: Cluster) -> None:
    made = await cluster.create("secrets", {"metadata": {"name": "s"}, "stringData": {"k": "v"}})
    assert (made["data"], made["type"]) == ({"k": "dg=="}, "Opaque")
    assert "stringData" not in made


async def test_services_get_an_address(cluster: Cluster) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
    spec = (await cluster.create("services", body))["spec"]
    assert spec["clusterIP"] == spec["clusterIPs"][0]
    assert spec["type"] == "ClusterIP"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


async def test_events_show_their_empty_times(cluster: Cluster) -> None:
    body = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": cluster.namespace},
        "reason": "Testing",
        "type": "Normal",
    }
    made = await cluster.create("events", body)
    assert (made["eventTime"], made["lastTimestamp"], made["firstTimestamp"]) == (None, None, None)
