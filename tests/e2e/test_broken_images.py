"""Images that are bad in ways that only a real kubelet and container runtime tell: another runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e import gpus, registry
from tests.e2e.cluster import SingleNode
from tests.e2e.hub import Hub
from tests.e2e.release import Release

pytestmark = pytest.mark.e2e

Person = Callable[[str], str]
MISSING = ("image_missing", "The image does not exist in the registry")
#: The reason and the beginning of the sentence for each image that is bad from the start.
CAUSES = {
    "gone": MISSING,
    "crash": ("crashed", "The image started and then stopped"),
    "silent": ("never_ready", "The image runs, but its server does not answer"),
}


def test_another_image_runs_and_the_cause_is_told(
    installed: Release, hub: Hub, person: Person
) -> None:
    people = {image: person(f"person-{image}") for image in CAUSES}
    with ThreadPoolExecutor() as at_once:
        starts = {
            image: at_once.submit(hub.start, name, {"image": image, "profile": "cpu"})
            for image, name in people.items()
        }
    for image, name in people.items():
        assert starts[image].result().ready, starts[image].result()
        see_the_cause(installed, hub, name, image, *CAUSES[image])


def test_an_image_that_is_deleted_between_check_and_pull(
    node: SingleNode, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("lotte")
    with gpus.held(node):
        assert hub.begin(name, {"image": "lost", "profile": "gpu"}).status == 202
        # It was found, its digest is in the pod, and the pod waits for a GPU.
        assert any("in use" in event["message"] for event in hub.follow(name))
        (pod,) = installed.pods_of(name)
        assert "/lost:1@sha256:" in pod["spec"]["containers"][0]["image"]
        registry.delete_manifest("lost", "1")
    assert hub.ending(name).ready
    see_the_cause(installed, hub, name, "lost", *MISSING)


def see_the_cause(
    installed: Release, hub: Hub, name: str, image: str, reason: str, words: str
) -> None:
    """The other image runs, and story and hub name the bad one with what was wrong with it."""
    (pod,) = installed.pods_of(name)
    assert pod["metadata"]["labels"]["studiolo.dev/image"] == "minimal"
    story = hub.story(name)
    assert story["actual_image"]["id"] == "minimal"
    failed, ran = story["attempts"]
    assert (failed["image_id"], failed["reason"]) == (image, reason)
    assert failed["outcome"] == "failed", failed
    assert ran["image_id"] == "minimal"
    assert f"“{image.capitalize()}”" in story["fallback_reason"]
    assert words in story["fallback_reason"]
