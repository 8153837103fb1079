"""GPUs and quotas as the real scheduler and the real API server count them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.e2e import gpus
from tests.e2e.cluster import SingleNode
from tests.e2e.hub import Hub, Object
from tests.e2e.release import GPU, Release
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

Person = Callable[[str], str]
GPU_CHOICE = {"image": "minimal", "profile": "gpu"}


def test_the_ninth_gpu_waits_and_says_why(
    node: SingleNode, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("nina")
    with gpus.held(node):
        until(lambda: capacity(hub)["free"] == 0)
        assert capacity(hub)["total"] == gpus.ALL
        assert hub.begin(name, GPU_CHOICE).status == 202
        reason = f"All {gpus.ALL} GPUs for this profile are in use."
        assert any(reason in event["message"] for event in hub.follow(name))
        (pod,) = installed.pods_of(name)
        assert pod["status"]["phase"] == "Pending"
        told = node.kubectl("-n", gpus.NAMESPACE, "get", "pods", "-o", "name")
        assert told.split() == [f"pod/holder-{gpus.ALL}"]
        holders = json.dumps(hub.must("GET", "studiolo/admin/gpus.json"))
        assert gpus.NAMESPACE in holders
    # They are free again: the same pod gets its GPU.
    assert hub.ending(name).ready
    (same,) = installed.pods_of(name)
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    assert same["spec"]["containers"][0]["resources"]["limits"][GPU] == "1"
    until(lambda: capacity(hub)["free"] == gpus.ALL - 1)
    hub.stop(name)
    until(lambda: capacity(hub)["free"] == gpus.ALL)


def test_more_gpus_than_a_machine_has_say_so(
    node: SingleNode, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("nora")
    gpus.offer_all(node)
    assert hub.begin(name, {"image": "minimal", "profile": "nine"}).status == 202
    told = next(e["message"] for e in hub.follow(name) if "No machine has" in e["message"])
    assert f"{gpus.ALL} of {gpus.ALL} are free" in told
    hub.stop(name)
    until(lambda: not installed.pods_of(name))


def test_the_catalogues_quota_refuses_in_words(
    node: SingleNode, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("gast")
    with gpus.held(node):
        assert hub.begin(name, GPU_CHOICE).status == 202
        refused = hub.begin(name, GPU_CHOICE, "second")
        assert refused.status == 403, refused
        assert "1 of your 1 GPU is in use. Stop one of yours" in refused.content["message"]
        assert len(installed.pods_of(name)) == 1


@pytest.fixture
def one_gpu_for_the_namespace(installed: Release) -> Iterator[None]:
    installed.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "gpus"},
            "spec": {"hard": {f"requests.{GPU}": "0"}},
        }
    )
    # The controller has counted; before that everything would be let through.
    until(lambda: '"used"' in installed.kubectl("get", "quota", "gpus", "-o", "json"))
    yield
    installed.kubectl("delete", "quota", "gpus")


@pytest.mark.usefixtures("one_gpu_for_the_namespace")
def test_the_namespaces_quota_is_told_and_no_reason_for_another_image(
    installed: Release, hub: Hub, person: Person
) -> None:
    name = person("quentin")
    ending = hub.start(name, GPU_CHOICE)
    assert not ending.ready
    assert "0 of 0 GPUs of the cluster's namespace are in use" in ending.error
    assert "resourcequota" not in ending.error.lower()
    assert "serviceaccount" not in ending.error.lower()
    story = hub.story(name)
    assert [attempt["image_id"] for attempt in story["attempts"]] == ["minimal"]
    assert story["failure"]["reason"] == "quota"
    assert not installed.pods_of(name)


def capacity(hub: Hub) -> Object:
    found: Object = hub.must("GET", "studiolo/capacity")["profiles"]["gpu"]
    return found
