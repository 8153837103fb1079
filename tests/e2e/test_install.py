"""From an empty cluster to a first workspace: the chart, the images, a real Dex, a real browser."""

from __future__ import annotations

import json

import pytest

from tests.browser import steps
from tests.e2e import images, registry, release
from tests.e2e.cluster import SingleNode
from tests.e2e.people import browsing, sign_in, write_file
from tests.e2e.release import Release

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def installed(cluster: SingleNode) -> Release:
    images.build("hub", "proxy", "minimal")
    registry.push("dex", "1", registry.program_image(cluster.tools.path("dex")))
    found = Release(cluster)
    found.make_namespace()
    try:
        found.install(release.values())
    except AssertionError as error:
        raise AssertionError(f"{error}\n{found.everything_that_happened()}") from None
    return found


def test_everything_is_ready(installed: Release) -> None:
    components = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["status"]["phase"]
        for pod in installed.pods(**{"app.kubernetes.io/name": "studiolo"})
    }
    assert components == {"hub": "Running", "proxy": "Running", "dex": "Running"}


def test_from_sign_in_to_a_file_that_is_kept(installed: Release) -> None:
    with browsing() as page:
        sign_in(page, "ana")
        steps.open_menu(page)
        steps.choose(page, image="minimal", profile="cpu")
        steps.start(page)
        steps.wait_for_lab(page)
        write_file(page, "kept.txt")
        (pod,) = installed.pods(**{"app.kubernetes.io/component": "singleuser-server"})
        container = pod["spec"]["containers"][0]
        assert "@sha256:" in container["image"]
        first = pod["metadata"]["uid"]
        steps.stop_with_the_button(page)
        installed.kubectl("wait", "pod", pod["metadata"]["name"], "--for=delete", "--timeout=60s")

        steps.open_menu(page)
        steps.start(page)
        steps.wait_for_lab(page)
        steps.see_file(page, "kept.txt")
        (pod,) = installed.pods(**{"app.kubernetes.io/component": "singleuser-server"})
        assert pod["metadata"]["uid"] != first


def test_workspaces_outlive_an_upgrade(installed: Release) -> None:
    selector = {"app.kubernetes.io/component": "singleuser-server"}
    before = [pod["metadata"]["uid"] for pod in installed.pods(**selector)]
    assert before, "the test before this one leaves a workspace running"
    values = release.values()
    values["hub"]["settings"]["hub"] = {"named_workspaces": 5}
    installed.install(values)
    assert [pod["metadata"]["uid"] for pod in installed.pods(**selector)] == before
    installed.helm("rollback", release.NAME, "1", "--wait")
    after = installed.pods(**selector)
    assert [pod["metadata"]["uid"] for pod in after] == before
    assert [s["restartCount"] for pod in after for s in pod["status"]["containerStatuses"]] == [0]


def test_uninstalling_leaves_the_homes(installed: Release) -> None:
    installed.helm("uninstall", release.NAME, "--wait")
    claims = json.loads(installed.kubectl("get", "pvc", "-o", "json"))["items"]
    owners = {
        claim["metadata"].get("annotations", {}).get("hub.jupyter.org/username") for claim in claims
    }
    assert "ana@example.org" in owners
