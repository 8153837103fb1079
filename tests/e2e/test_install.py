"""From an empty cluster to a first workspace: the chart, the images, a real Dex, a real browser."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from playwright.sync_api import expect

from tests.browser import steps
from tests.e2e import release
from tests.e2e.people import browsing, sign_in, write_file
from tests.e2e.release import WORKSPACES, Release

pytestmark = pytest.mark.e2e


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
        (pod,) = installed.pods_of("ana@example.org")
        assert "@sha256:" in pod["spec"]["containers"][0]["image"]
        first = pod["metadata"]["uid"]
        steps.stop_with_the_button(page)
        installed.kubectl("wait", "pod", pod["metadata"]["name"], "--for=delete", "--timeout=60s")

        steps.open_menu(page)
        steps.start(page)
        steps.wait_for_lab(page)
        steps.see_file(page, "kept.txt")
        (pod,) = installed.pods_of("ana@example.org")
        assert pod["metadata"]["uid"] != first


def test_another_image_runs_in_place_of_one_without_jupyterhub(installed: Release) -> None:
    with browsing() as page:
        sign_in(page, "ben")
        steps.open_menu(page)
        steps.choose(page, image="empty", profile="cpu")
        steps.start(page)
        steps.wait_for_lab(page)
        reason = "JupyterHub's single-user server is not in the image."
        expect(steps.panel(page)).to_contain_text(reason)
        page.goto("/hub/home")
        expect(page.get_by_role("main")).to_contain_text(f"“Empty” could not be used. {reason}")
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text("Stopped")


def test_an_edit_of_the_catalogue_counts_without_a_restart(installed: Release) -> None:
    (hub,) = installed.pods(**{"app.kubernetes.io/component": "hub"})
    catalogue = release.catalogue()
    catalogue["profiles"][0]["display_name"] = "Renamed"
    patch = json.dumps({"data": {"catalogue.yaml": yaml.safe_dump(catalogue)}})
    installed.kubectl("patch", "configmap", f"{release.NAME}-catalogue", "--patch", patch)
    with browsing() as page:
        sign_in(page, "carla")
        deadline = time.monotonic() + 180
        while "Renamed" not in page.inner_text("main"):
            assert time.monotonic() < deadline, "the edit never came to the hub"
            time.sleep(2)
            page.goto("/hub/studiolo/admin/catalogue")
    (same,) = installed.pods(**{"app.kubernetes.io/component": "hub"})
    assert same["metadata"]["uid"] == hub["metadata"]["uid"]
    restarts = [pod["status"]["containerStatuses"][0]["restartCount"] for pod in (hub, same)]
    assert restarts[0] == restarts[1]


def test_workspaces_outlive_an_upgrade(installed: Release) -> None:
    before = [pod["metadata"]["uid"] for pod in installed.pods(**WORKSPACES)]
    assert before, "ana's workspace still runs"
    values = release.values()
    values["hub"]["settings"]["hub"] = {"named_workspaces": 5}
    installed.install(values)
    assert [pod["metadata"]["uid"] for pod in installed.pods(**WORKSPACES)] == before
    installed.helm("rollback", release.NAME, "1", "--wait")
    after = installed.pods(**WORKSPACES)
    assert [pod["metadata"]["uid"] for pod in after] == before
    assert {s["restartCount"] for pod in after for s in pod["status"]["containerStatuses"]} == {0}


def test_a_secret_that_is_taken_out_is_made_anew(installed: Release) -> None:
    before = secrets_of(installed)
    patch = [{"op": "remove", "path": "/data/metrics-token"}]
    words = ("secret", f"{release.NAME}-secrets", "--type=json", "--patch", json.dumps(patch))
    installed.kubectl("patch", *words)
    installed.install(release.values())
    after = secrets_of(installed)
    assert after.pop("metrics-token") != before.pop("metrics-token")
    assert after == before


def test_a_new_installation_finds_what_the_last_one_left(installed: Release) -> None:
    secrets = secrets_of(installed)
    installed.helm("uninstall", release.NAME, "--wait")
    claims = json.loads(installed.kubectl("get", "pvc", "-o", "json"))["items"]
    names = {claim["metadata"]["name"] for claim in claims}
    assert f"{release.NAME}-hub" in names
    assert any(name.startswith("home-ana") for name in names)
    installed.install(release.values())
    assert secrets_of(installed) == secrets
    with browsing() as page:
        sign_in(page, "ana")
        # Her workspace has outlived even this.
        page.get_by_role("link", name="Open", exact=True).click()
        steps.wait_for_lab(page)
        steps.see_file(page, "kept.txt")


def secrets_of(installed: Release) -> dict[str, str]:
    name = f"{release.NAME}-secrets"
    found: dict[str, str] = json.loads(installed.kubectl("get", "secret", name, "-o", "json"))[
        "data"
    ]
    return found
