"""The spawner against the embedded Kubernetes API: choices, starts, fallbacks, faults, ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import Configuration
from studiolo_local.api.server import ApiServer
from studiolo_local.api.store import Store
from studiolo_spawner import translation
from studiolo_spawner.shared_parts import close_shared_parts
from studiolo_spawner.spawner import WorkspaceSpawner
from tornado import web

from tests.fakes import hub_parts, pod_driver
from tests.fakes.pod_driver import PodDriver, Step
from tests.fakes.registry import FakeRegistry
from tests.hub.texts import TRANSLATIONS

TOKEN = "a-token-for-the-tests"
HERE = "studiolo"

CATALOGUE = """
version: 1
defaults: {image: good, profile: cpu, start_deadline: 2s, spawn_timeout: 30s}
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1", fallback: [second]}
- {id: second, display_name: Second, reference: "unreachable.invalid/second:1"}
- id: alone
  display_name: Alone
  reference: "unreachable.invalid/alone:1"
  fallback_allowed: false
- {id: lab, display_name: For the lab, reference: "unreachable.invalid/lab:1", groups: [lab]}
profiles:
- {id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}
- id: gpu
  display_name: One GPU
  resource: nvidia.com/gpu
  count: 1
  cpu: 4
  cpu_guarantee: 2
  memory: 8Gi
  node_selector: {gpu: l4}
  tolerations: [{key: gpu, operator: Exists}]
  runtime_class: nvidia
"""


async def call(api: ApiServer, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, api.url + path, json=body) as response,
    ):
        return await response.json()


async def names(api: ApiServer, plural: str) -> set[str]:
    found = await call(api, "GET", f"/api/v1/namespaces/{HERE}/{plural}")
    return {item["metadata"]["name"] for item in found["items"]}


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    server = ApiServer(Store(None), token=TOKEN)
    await server.start()
    before = Configuration.get_default_copy()
    there = Configuration()
    there.host = server.url
    there.api_key = {"BearerToken": f"Bearer {TOKEN}"}
    Configuration.set_default(there)
    await call(server, "POST", "/api/v1/namespaces", {"metadata": {"name": HERE}})
    yield server
    Configuration.set_default(before)
    await server.stop()


@pytest.fixture
async def kubelet(api: ApiServer) -> AsyncIterator[PodDriver]:
    driver = PodDriver(api.url, TOKEN, pod_driver.ready_after(0))
    await driver.start()
    yield driver
    await driver.stop()


Make = Callable[..., Any]


@pytest.fixture
async def make(
    api: ApiServer, kubelet: PodDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Make]:
    # Where the API is was set above; in-cluster settings and kubeconfigs are not ours to read.
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    db = hub_parts.database()

    def made(name: str = "ana", *groups: str, server: str = "", **traits: Any) -> Any:
        traits.setdefault("pod_gone_timeout", 5)
        return hub_parts.spawner_of(
            WorkspaceSpawner,
            hub_parts.user(name, *groups),
            db,
            server=server,
            namespace=HERE,
            catalogue_path=str(catalogue),
            **traits,
        )

    yield made
    await WorkspaceSpawner._stop_all_reflectors()
    await close_shared_parts()
    db.close()


async def started(spawner: Any) -> str:
    """As the hub starts a server: the choice is checked first."""
    await spawner._run_apply_user_options(spawner.user_options)
    url: str = await spawner.start()
    return url


def by_image(**scripts: Any) -> Callable[[Any], list[Step]]:
    """A script for each image; every other one runs at once."""

    def script(pod: Any) -> list[Step]:
        image = pod["metadata"]["labels"]["studiolo.dev/image"]
        return scripts.get(image) or [Step(0, pod_driver.running(ready=True))]

    return script


def is_missing() -> list[Step]:
    return [Step(0, pod_driver.waiting("ErrImagePull", "manifest unknown"))]


async def told_by(spawner: Any) -> list[str]:
    return [event["message"] async for event in spawner.progress()]


# -- a start that goes well -------------------------------------------------------------------


async def test_starts_and_stops(make: Make, kubelet: PodDriver) -> None:
    spawner = make()
    assert await started(spawner) == "http://127.0.0.1:8888"
    assert await spawner.poll() is None
    await spawner.stop()
    assert await spawner.poll() == 1
    assert len(kubelet.created) == len(kubelet.deleted) == 1


async def test_pod_says_who_what_and_asks_for_the_profile(make: Make, kubelet: PodDriver) -> None:
    spawner = make(user_options={"profile": "gpu"})
    await started(spawner)
    (pod,) = kubelet.created
    notebook = pod["spec"]["containers"][0]
    assert pod["metadata"]["labels"]["studiolo.dev/profile"] == "gpu"
    assert pod["metadata"]["annotations"]["studiolo.dev/user"] == "ana"
    assert notebook["resources"] == {
        "limits": {"cpu": "4", "memory": "8589934592", "nvidia.com/gpu": "1"},
        "requests": {"cpu": "2", "memory": "8589934592", "nvidia.com/gpu": "1"},
    }
    assert notebook["readinessProbe"]["httpGet"]["path"] == "/user/ana/api"
    assert notebook["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["runtimeClassName"] == "nvidia"
    assert pod["spec"]["nodeSelector"] == {"gpu": "l4"}
    assert pod["spec"]["volumes"] == [
        {"name": "home", "persistentVolumeClaim": {"claimName": "home-ana"}}
    ]


async def test_traits_are_as_before_after_a_start(make: Make) -> None:
    spawner = make(node_selector={"zone": "a"}, environment={"OWN": "1"})
    before = {name: spawner.trait_values()[name] for name in ("image", "node_selector", "volumes")}
    await started(spawner)
    after = {name: spawner.trait_values()[name] for name in before}
    assert after == before


async def test_two_listeners_hear_the_same_story_from_its_beginning(make: Make) -> None:
    spawner = make()
    first = asyncio.create_task(told_by(spawner))
    start = asyncio.ensure_future(started(spawner))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(told_by(spawner))
    await start
    assert await first == await second
    assert (await first)[0].startswith("Starting “Good”.")
    assert (await first)[-1] == "“Good” runs."


# -- what is not on the menu ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"image": "nothing"}, "nothing", id="unknown image"),
        pytest.param({"image": ["good"]}, "image", id="a list"),
        pytest.param({"image": {"id": "good"}}, "image", id="a mapping"),
        pytest.param({"profile": None, "imgae": "good"}, "imgae", id="unknown key"),
        pytest.param({"frameworks": {"pytorch": 3}}, "pytorch", id="number for versions"),
    ],
)
async def test_bad_options_are_refused_before_anything_is_made(
    make: Make, api: ApiServer, options: Any, said: str
) -> None:
    spawner = make(user_options=options)
    with pytest.raises(SpawnException) as refused:
        await started(spawner)
    assert refused.value.status_code == 400
    assert said in refused.value.message
    assert await spawner.poll() == 1
    assert await names(api, "pods") == await names(api, "persistentvolumeclaims") == set()


async def test_groups_decide(make: Make) -> None:
    with pytest.raises(SpawnException) as refused:
        await started(make("ana", user_options={"image": "lab"}))
    assert refused.value.status_code == 403
    assert await started(make("ben", "lab", user_options={"image": "lab"}))


async def test_saved_options_are_resolved_again_at_the_start(make: Make) -> None:
    spawner = make("ana", "lab", user_options={"image": "lab"})
    await spawner.load_user_options()
    spawner.user.groups = []
    with pytest.raises(SpawnException):
        await spawner.start()


async def test_menu_shows_what_was_saved_and_survives_what_cannot_be_read(make: Make) -> None:
    page = await make(user_options={"image": "second"}).get_options_form()
    assert "Second" in page
    assert "For the lab" not in page
    assert "Good" in await make("ben", user_options={"image": 7}).get_options_form()


async def test_form_becomes_canonical_options(make: Make) -> None:
    spawner = make()
    form = {"_xsrf": ["x"], "image": ["good"], "profile": ["gpu"], "fallback": ["only"]}
    options = await spawner.run_options_from_form(form)
    assert options == {"image": "good", "profile": "gpu", "fallback": False}
    with pytest.raises(SpawnException) as refused:
        await spawner.run_options_from_form({"image": ["a", "b"]})
    assert refused.value.status_code == 400


# -- images that fail -------------------------------------------------------------------------


async def test_bad_image_falls_back_and_says_so(make: Make, kubelet: PodDriver) -> None:
    kubelet.script = by_image(good=is_missing())
    spawner = make()
    listener = asyncio.create_task(told_by(spawner))
    await started(spawner)
    assert [a.outcome for a in spawner.workspace_state.attempts] == ["failed", "running"]
    state = spawner.get_state()["studiolo"]
    assert state["requested_image"]["id"] == "good"
    assert state["actual_image"]["id"] == "second"
    told = "\n".join(await listener)
    assert "“Good” could not be used. The image does not exist in the registry." in told
    assert told.count("does not exist") == 1, "each thing is told once"
    assert "Trying “Second” instead." in told
    assert len(kubelet.deleted) == 1
    environment = {e["name"]: e for e in kubelet.created[1]["spec"]["containers"][0]["env"]}
    document = json.loads(environment["STUDIOLO_WORKSPACE"]["value"])
    assert document["image"]["id"] == "second"
    assert "does not exist" in document["fallback_reason"]


async def test_never_ready_falls_back_at_its_deadline(make: Make, kubelet: PodDriver) -> None:
    kubelet.script = by_image(good=[Step(0, pod_driver.running(ready=False))])
    spawner = make()
    await started(spawner)
    assert spawner.workspace_state.attempts[0].reason == "never_ready"


async def test_no_image_left_tells_of_every_attempt(make: Make, kubelet: PodDriver) -> None:
    crash = [Step(0, pod_driver.crashed())]
    kubelet.script = by_image(good=is_missing(), second=crash, alone=crash)
    with pytest.raises(SpawnException) as failed:
        await started(make())
    assert failed.value.reason == "no_image_left"
    for image in ("“Good”", "“Second”", "“Alone”"):
        assert image in failed.value.message
    assert len(kubelet.deleted) == 3


async def test_people_hear_it_in_the_hubs_language_and_the_log_is_english(
    make: Make, kubelet: PodDriver, caplog: pytest.LogCaptureFixture
) -> None:
    kubelet.script = by_image(good=is_missing())
    with (TRANSLATIONS / "de.mo").open("rb") as file:
        translation.install(GNUTranslations(file))
    try:
        with caplog.at_level("INFO"), pytest.raises(SpawnException) as failed:
            await started(make(user_options={"fallback": False}))
        with caplog.at_level("INFO"):
            await started(make("ben"))
    finally:
        translation.install(NullTranslations())
    told = str(failed.value.message)
    assert "Das Image gibt es nicht in der Registry." in told
    assert "Bitten Sie Ihre Administration" in told
    assert "image_missing: The image does not exist in the registry." in caplog.text
    assert "instead: your administrators named it as the alternative to Good" in caplog.text
    assert "Das Image" not in caplog.text


async def test_each_decision_is_one_line_of_the_log(
    make: Make, kubelet: PodDriver, caplog: pytest.LogCaptureFixture
) -> None:
    kubelet.script = by_image(good=is_missing(), second=[Step(0, pod_driver.crashed())])
    with caplog.at_level("INFO"):
        await started(make())
    pod = "studiolo/jupyter-ana"
    reference = "unreachable.invalid/{}:1".format
    lines = [each.getMessage() for each in caplog.records if each.getMessage().startswith(pod)]
    assert [line.removeprefix(f"{pod}: ") for line in lines] == [
        "image good was not checked: registry_away",
        (
            f"image good ({reference('good')}) failed: image_missing:"
            " The image does not exist in the registry."
        ),
        (
            f"trying image second ({reference('second')}) instead:"
            " your administrators named it as the alternative to Good"
        ),
        "image second was not checked: registry_away",
        (
            f"image second ({reference('second')}) failed: crashed: The image started and"
            " then stopped: its own program reported an error (exit code 1)."
        ),
        f"trying image alone ({reference('alone')}) instead: it provides what you need",
        "image alone was not checked: registry_away",
        f"image alone ({reference('alone')}) running",
    ]


async def test_user_and_entry_can_forbid_the_fallback(make: Make, kubelet: PodDriver) -> None:
    kubelet.script = by_image(good=is_missing(), alone=is_missing())
    for options in ({"image": "alone"}, {"image": "good", "fallback": False}):
        with pytest.raises(SpawnException, match="no_image_left"):
            await started(make("ana", user_options=options))
    assert len(kubelet.created) == 2


# -- what earlier starts and checks have taught ------------------------------------------------


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry() as served:
        yield served


def asked_at(registry: FakeRegistry) -> dict[str, Any]:
    return {"unreachable.invalid": {"endpoint": registry.url, "insecure": True,
                                    "allow_private": True}}  # fmt: skip


def by_digest(**scripts: Any) -> Callable[[Any], list[Step]]:
    """A script for what runs by the digest of this name's image; every other one runs at once."""

    def script(pod: Any) -> list[Step]:
        runs = pod["spec"]["containers"][0]["image"]
        found = [steps for digest, steps in scripts.items() if runs.endswith(digest)]
        return found[0] if found else [Step(0, pod_driver.running(ready=True))]

    return script


async def test_a_tag_that_has_moved_to_a_bad_image_starts_as_it_ran_last(
    make: Make, kubelet: PodDriver, registry: FakeRegistry
) -> None:
    ran = registry.image("good", "1")
    first = make("ana", registries=asked_at(registry))
    await started(first)
    moved = registry.image("good", "1", labels={"built": "anew"})
    # The answer about the tag is kept for a minute; another configuration asks anew.
    second = make("ben", registries={**asked_at(registry), "other.invalid": {}})
    health = (await second._shared()).health
    health.note_attempt(first.workspace_state.attempts[0])
    kubelet.script = by_digest(**{moved: [Step(0, pod_driver.crashed())]})
    await started(second)
    failed, runs = second.workspace_state.attempts
    assert (failed.digest, failed.outcome) == (moved, "failed")
    assert (runs.image_id, runs.digest, runs.outcome) == ("good", ran, "running")
    assert runs.display_name == "Good, as it ran last"
    assert kubelet.created[-1]["spec"]["containers"][0]["image"].endswith(f":1@{ran}")


async def test_the_last_digest_is_passed_over_where_the_tag_names_it_still(
    make: Make, kubelet: PodDriver, registry: FakeRegistry
) -> None:
    registry.image("good", "1")
    registry.image("second", "1")
    await started(make("ana", registries=asked_at(registry)))
    kubelet.script = by_image(good=[Step(0, pod_driver.crashed())])
    spawner = make("ben", registries=asked_at(registry))
    await started(spawner)
    assert [a.image_id for a in spawner.workspace_state.attempts] == ["good", "second"]


async def test_the_next_hub_knows_which_digest_ran_last(
    make: Make, kubelet: PodDriver, registry: FakeRegistry
) -> None:
    ran = registry.image("good", "1")
    await started(make("ana", registries=asked_at(registry)))
    await close_shared_parts()
    moved = registry.image("good", "1", labels={"built": "anew"})
    kubelet.script = by_digest(**{moved: [Step(0, pod_driver.crashed())]})
    spawner = make("ben", registries=asked_at(registry))
    await started(spawner)
    digests = [attempt.digest for attempt in spawner.workspace_state.attempts]
    assert digests == [moved, ran]


async def test_menu_marks_what_cannot_be_pulled(make: Make, registry: FakeRegistry) -> None:
    registry.image("second", "1")
    spawner = make(registries=asked_at(registry))
    page = await spawner.get_options_form()
    assert page.count("Its last check failed just now.") == 2
    assert "Good has a problem at the moment, so Second is selected." in page


# -- the cluster's faults ---------------------------------------------------------------------


async def test_unschedulable_is_told_while_waiting_and_at_the_end(
    make: Make, kubelet: PodDriver, tmp_path: Path
) -> None:
    (tmp_path / "catalogue.yaml").write_text(
        CATALOGUE.replace("spawn_timeout: 30s", "spawn_timeout: 3s")
    )
    text = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
    kubelet.script = by_image(good=[Step(0, pod_driver.unschedulable(text))])
    spawner = make(user_options={"profile": "gpu"})
    listener = asyncio.create_task(told_by(spawner))
    with pytest.raises(SpawnException) as failed:
        await started(spawner)
    assert failed.value.reason == "spawn_timeout"
    assert "No machine offers GPUs for this profile" in failed.value.message
    assert any("No machine offers GPUs for this profile" in line for line in await listener)
    assert len(kubelet.created) == len(kubelet.deleted) == 1


async def test_quota_is_a_refusal_in_our_own_words(make: Make, api: ApiServer) -> None:
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"requests.nvidia.com/gpu": "0"}}}
    await call(api, "POST", f"/api/v1/namespaces/{HERE}/resourcequotas", quota)
    with pytest.raises(SpawnException) as failed:
        await started(make(user_options={"profile": "gpu"}))
    assert failed.value.reason == "quota"
    assert "exceeded quota" not in failed.value.message


async def test_disappearing_pod_ends_the_start(
    make: Make, api: ApiServer, kubelet: PodDriver
) -> None:
    # Never started, so that no deadline of a start runs out on a slow machine.
    kubelet.script = by_image(good=[Step(600, pod_driver.running(ready=True))])
    start = asyncio.ensure_future(started(make()))
    while not kubelet.created:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    path = f"/api/v1/namespaces/{HERE}/pods/jupyter-ana"
    await call(api, "DELETE", path, {"gracePeriodSeconds": 0})
    with pytest.raises(SpawnException, match="pod_removed"):
        await start


# -- whose it is ------------------------------------------------------------------------------


def claim(**annotations: str) -> Any:
    return {
        "metadata": {"name": "home-ana", "annotations": annotations},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        pytest.param({"hub.jupyter.org/username": "Ana"}, "owned_by_another", id="another user"),
        pytest.param({}, "owner_unknown", id="nobody"),
    ],
)
async def test_foreign_home_is_never_mounted(
    make: Make, api: ApiServer, kubelet: PodDriver, annotations: dict[str, str], reason: str
) -> None:
    path = f"/api/v1/namespaces/{HERE}/persistentvolumeclaims"
    await call(api, "POST", path, claim(**annotations))
    with pytest.raises(SpawnException) as refused:
        await started(make())
    assert (refused.value.reason, refused.value.status_code) == (reason, 409)
    assert not kubelet.created


async def test_own_and_adopted_homes_are_mounted(make: Make, api: ApiServer) -> None:
    path = f"/api/v1/namespaces/{HERE}/persistentvolumeclaims"
    await call(api, "POST", path, claim())
    spawner = make(adopt_unowned=True)
    await started(spawner)
    assert spawner.get_state()["pvc_name"] == "home-ana"


async def test_delete_forever_keeps_homes_unless_told_otherwise(make: Make, api: ApiServer) -> None:
    spawner = make()
    await started(spawner)
    await spawner.stop()
    await spawner.delete_forever()
    assert await names(api, "persistentvolumeclaims") == {"home-ana"}
    spawner.delete_pvc = True
    await spawner.delete_forever()
    assert await names(api, "persistentvolumeclaims") == set()


async def test_own_stale_pod_is_removed_first(make: Make, kubelet: PodDriver) -> None:
    await started(make())
    second = make()
    await started(second)
    assert len(kubelet.created) == 2
    assert kubelet.deleted == [kubelet.created[0]["metadata"]["uid"]]


async def test_pod_of_another_user_is_left_alone(
    make: Make, api: ApiServer, kubelet: PodDriver
) -> None:
    await started(make("ben", pod_name_template="same"))
    other = make("ana", pod_name_template="same")
    with pytest.raises(SpawnException, match="owned_by_another"):
        await started(other)
    assert await other.poll() == 1
    await other.stop()
    assert await names(api, "pods") == {"same"}
    assert not kubelet.deleted


# -- ends at any moment -----------------------------------------------------------------------


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
async def test_cancelled_start_leaves_no_pod(
    make: Make, api: ApiServer, kubelet: PodDriver, turns: int
) -> None:
    kubelet.script = by_image(good=[Step(60, pod_driver.running(ready=True))])
    spawner = make()
    await spawner._shared()
    start = spawner.start()
    for _ in range(turns):
        await asyncio.sleep(0.001)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    await spawner.stop(now=True)
    assert await names(api, "pods") == set()


async def test_stop_during_a_start_ends_it(make: Make, api: ApiServer, kubelet: PodDriver) -> None:
    kubelet.script = by_image(good=[Step(60, pod_driver.running(ready=True))])
    spawner = make()
    start = asyncio.ensure_future(started(spawner))
    while not kubelet.created:
        await asyncio.sleep(0.01)
    assert await spawner.poll() is None
    await spawner.stop(now=True)
    assert await names(api, "pods") == set()
    with pytest.raises(asyncio.CancelledError):
        await start


# -- what is kept -----------------------------------------------------------------------------


async def test_state_is_in_the_database_before_the_pod_is(make: Make, kubelet: PodDriver) -> None:
    spawner = make()
    seen: list[Any] = []

    def hook(own: Any, pod: Any) -> Any:
        seen.append(own.orm_spawner.state)
        return pod

    spawner.modify_pod_hook = hook
    await started(spawner)
    (state,) = seen
    (pod,) = kubelet.created
    annotations = pod["metadata"]["annotations"]
    assert state["studiolo"]["spawn_id"] == annotations["studiolo.dev/spawn-id"]
    assert state["studiolo"]["attempts"][0]["outcome"] == "trying"


async def test_a_new_hub_finds_the_pod_again(make: Make) -> None:
    before = make()
    await started(before)
    after = make()
    after.load_state(before.get_state())
    assert await after.poll() is None
    assert after.workspace_state == before.workspace_state
    after.clear_state()
    assert "studiolo" not in after.get_state()


async def test_hooks_and_services_work_as_in_kubespawner(
    make: Make, api: ApiServer, kubelet: PodDriver
) -> None:
    seen: list[Any] = []
    spawner = make(
        services_enabled=True, after_pod_created_hook=lambda own, pod: seen.append((own, pod))
    )
    url = await started(spawner)
    assert url == "http://jupyter-ana.studiolo.svc.cluster.local:8888"
    assert await names(api, "services") == {"jupyter-ana"}
    ((own, pod),) = seen
    assert own is spawner
    assert pod["spec"]["volumes"]


async def test_failing_hook_leaves_no_pod_and_tells_users_nothing_of_its_own(
    make: Make, api: ApiServer
) -> None:
    def hook(_spawner: Any, _pod: Any) -> None:
        raise RuntimeError("password=hunter2 <img onerror=x>")

    with pytest.raises(SpawnException) as failed:
        await started(make(after_pod_created_hook=hook))
    assert (failed.value.reason, failed.value.status_code) == ("hub_fault", 500)
    assert "hunter2" not in f"{failed.value} {failed.value.message_html}"
    assert failed.value.__suppress_context__
    assert await names(api, "pods") == set()


async def test_a_hook_may_tell_users_something(make: Make, api: ApiServer) -> None:
    def hook(_spawner: Any, _pod: Any) -> None:
        raise web.HTTPError(409, "The lab is closed on Sundays.")

    with pytest.raises(web.HTTPError, match="closed on Sundays"):
        await started(make(after_pod_created_hook=hook))
    assert await names(api, "pods") == set()
