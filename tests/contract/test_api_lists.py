"""Lists: selected, paged, and as of which version."""

from __future__ import annotations

import pytest

from tests.contract.cluster import Cluster, Outcome, config_map, pod

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def names(outcome: Outcome) -> list[str]:
    return [item["metadata"]["name"] for item in outcome.body["items"]]


async def maps(cluster: Cluster, letters: str = "abcde") -> str:
    for letter in letters:
        body = config_map(letter)
        body["metadata"]["labels"] = {"vowel": "yes" if letter in "aeiou" else "no"}
        await cluster.create("configmaps", body)
    return cluster.path("configmaps")


async def test_a_list_has_a_kind_and_a_version_and_its_items_have_not(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    listed = await cluster.expect("GET", cluster.path("pods"))
    assert (listed.body["kind"], listed.body["apiVersion"]) == ("PodList", "v1")
    assert listed.version.isdigit()
    assert "kind" not in listed.body["items"][0]


async def test_every_namespace_is_listed_together(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one", labels={"test": cluster.namespace}))
    everywhere = await cluster.expect(
        "GET", "/api/v1/pods", labelSelector=f"test={cluster.namespace}"
    )
    assert names(everywhere) == ["one"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("vowel=yes", "ae"),
        ("vowel!=yes", "bcd"),
        ("vowel in (yes,no),vowel notin (no)", "ae"),
        ("!vowel", ""),
        ("other!=1", "abcde"),
    ],
)
async def test_lists_are_selected_by_labels(cluster: Cluster, selector: str, expected: str) -> None:
    path = await maps(cluster)
    listed = await cluster.expect(
        "GET", path, labelSelector=selector, fieldSelector="metadata.name!=kube-root-ca.crt"
    )
    assert "".join(names(listed)) == expected


async def test_pods_are_selected_by_node_and_phase(cluster: Cluster) -> None:
    await cluster.add_node()
    await cluster.bound_pod("placed")
    await cluster.create("pods", pod("waiting"))
    path = cluster.path("pods")
    for selector, expected in (
        (f"spec.nodeName={cluster.node}", ["placed"]),
        ("spec.nodeName=", ["waiting"]),
        ("status.phase=Pending", ["placed", "waiting"]),
        ("status.phase!=Pending", []),
        ("metadata.name=waiting,status.phase=Pending", ["waiting"]),
    ):
        assert names(await cluster.expect("GET", path, fieldSelector=selector)) == expected


async def test_events_are_selected_by_what_they_are_about(cluster: Cluster) -> None:
    for name, reason in (("one", "Pulled"), ("two", "Failed")):
        involved = {"kind": "Pod", "name": name, "namespace": cluster.namespace}
        body = {"metadata": {"name": f"e-{name}"}, "involvedObject": involved, "reason": reason}
        await cluster.create("events", {**body, "type": "Normal"})
    path = cluster.path("events")
    for selector in ("involvedObject.name=two,involvedObject.kind=Pod", "reason=Failed"):
        assert names(await cluster.expect("GET", path, fieldSelector=selector)) == ["e-two"]


@pytest.mark.parametrize(
    "query",
    [{"labelSelector": "a in b"}, {"fieldSelector": "spec.hostname=x"}, {"continue": "x"}],
    ids=str,
)
async def test_what_cannot_be_selected_by_is_refused(
    cluster: Cluster, query: dict[str, str]
) -> None:
    refused = await cluster.call("GET", cluster.path("pods"), **query)
    assert (refused.code, refused.reason) == (400, "BadRequest")


async def test_pages_show_one_moment(cluster: Cluster) -> None:
    path = await maps(cluster)
    selector = {"fieldSelector": "metadata.name!=kube-root-ca.crt"}
    first = await cluster.expect("GET", path, limit="2", **selector)
    await cluster.expect("DELETE", f"{path}/d")
    await cluster.create("configmaps", config_map("cc"))
    token = first.body["metadata"]["continue"]
    second = await cluster.expect("GET", path, limit="2", **{"continue": token}, **selector)
    token = second.body["metadata"]["continue"]
    third = await cluster.expect("GET", path, limit="2", **{"continue": token}, **selector)
    assert [names(each) for each in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert {each.version for each in (first, second, third)} == {first.version}
    assert "continue" not in third.body["metadata"]


async def test_pages_count_what_is_left(cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        await cluster.create("pods", pod(name))
    first = await cluster.expect("GET", cluster.path("pods"), limit="1")
    assert first.body["metadata"]["remainingItemCount"] == 2


async def test_an_earlier_version_can_be_had_exactly(cluster: Cluster) -> None:
    path = await maps(cluster, "ab")
    before = await cluster.expect("GET", path)
    await cluster.expect("DELETE", f"{path}/a")
    exact = await cluster.expect(
        "GET", path, resourceVersion=before.version, resourceVersionMatch="Exact", limit="500"
    )
    assert names(exact) == names(before)
    newer = await cluster.expect(
        "GET", path, resourceVersion=before.version, resourceVersionMatch="NotOlderThan"
    )
    assert int(newer.version) >= int(before.version)
    assert (await cluster.expect("GET", path, resourceVersion="0")).code == 200


async def test_a_version_that_is_gone_is_expired(cluster: Cluster) -> None:
    if await cluster.remembers_the_beginning():
        pytest.skip("the cluster is younger than ten minutes and remembers everything")
    gone = await cluster.call(
        "GET", cluster.path("pods"), resourceVersion="1", resourceVersionMatch="Exact", limit="5"
    )
    assert (gone.code, gone.reason) == (410, "Expired")


async def test_the_future_is_told_to_try_again(cluster: Cluster) -> None:
    present = await cluster.expect("GET", cluster.path("pods"))
    future = await cluster.call(
        "GET",
        cluster.path("pods"),
        resourceVersion=str(int(present.version) + 1_000_000),
        resourceVersionMatch="NotOlderThan",
    )
    assert (future.code, future.reason) == (504, "Timeout")
    assert "Too large resource version" in future.message
    assert future.body["details"]["retryAfterSeconds"] >= 1


async def test_pods_are_shown_as_a_table(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    table = await cluster.expect("GET", cluster.path("pods"), accept=TABLE)
    assert (table.body["kind"], table.body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    columns = [each["name"] for each in table.body["columnDefinitions"]]
    assert columns[:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    (row,) = table.body["rows"]
    assert row["cells"][:3] == ["one", "0/1", "Pending"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["name"] == "one"
