"""The kubelet on the embedded cluster: what a person with kubectl sees of a pod's life."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from studiolo_local.cluster import NAMESPACE
from studiolo_local.kubelet.leftovers import POD_MARK, marked
from studiolo_local.registry.demo_images import (
    CRASHING,
    MISSING_REFERENCE,
    SILENT,
    WITHOUT_JUPYTER,
    put_image,
)
from studiolo_local.registry.oci_image import ImageFile, ImageRecipe, build_image

from tests.local.running_cluster import (
    QUICK,
    READY,
    SERVE,
    Object,
    Running,
    claim,
    container_of,
    ended_with,
    in_phase,
    is_ready,
    pod,
    running_cluster,
    waits_for,
    with_home,
)

pytestmark = pytest.mark.cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_cluster(tmp_path / "data") as running:
        yield running


async def test_a_pod_serves_from_its_home_and_goes(cluster: Running) -> None:
    await cluster.create("persistentvolumeclaims", claim("claim-alice"))
    await cluster.create(
        "pods", pod("web", SERVE, readinessProbe=READY, **with_home("claim-alice"))
    )
    found = await cluster.until("web", is_ready)
    home = cluster.cluster.data_dir / "homes" / NAMESPACE / "claim-alice"
    (home / "notes.txt").write_text("from outside")
    address = found["status"]["podIP"]
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://{address}:8000/notes.txt") as answer,
    ):
        assert await answer.text() == "from outside"
    output = (await cluster.logs("web")).splitlines()
    assert output[0] == "serving"
    assert await cluster.logs("web", tailLines="1") == f"{output[-1]}\n"
    uid = found["metadata"]["uid"]
    assert marked({POD_MARK: uid})
    await cluster.delete("web")
    await cluster.until_gone("web")
    assert marked({POD_MARK: uid}) == []
    async with asyncio.timeout(20):  # its folder goes after its object
        while (cluster.cluster.data_dir / "kubelet" / "pods" / uid).exists():
            await asyncio.sleep(0.02)
    assert (home / "notes.txt").exists()


async def test_the_status_of_a_ready_pod(cluster: Running) -> None:
    await cluster.create("pods", pod("web", SERVE, readinessProbe=READY))
    found = await cluster.until("web", is_ready)
    status, container = found["status"], container_of(found)
    assert status["phase"] == "Running"
    assert status["podIPs"] == [{"ip": status["podIP"]}]
    assert status["podIP"].startswith("127.77.")
    assert {each["type"]: each["status"] for each in status["conditions"]} == dict.fromkeys(
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"],
        "True",
    )
    assert container["ready"]
    assert container["started"]
    assert container["imageID"].startswith("registry.studiolo.test/python@sha256:")
    told = [reason for _, reason, _ in await cluster.events("web")]
    assert [each for each in told if each in {"Pulling", "Pulled", "Created", "Started"}] == [
        "Pulling",
        "Pulled",
        "Created",
        "Started",
    ]
    assert "Scheduled" in told


async def test_a_running_update_carries_address_and_containers_together(cluster: Running) -> None:
    _, version = await cluster.client.list("pods", NAMESPACE)
    await cluster.create("pods", pod("web", ["sleep", "100"]))
    async with asyncio.timeout(10):
        async for change in cluster.client.watch("pods", version, NAMESPACE):
            status = change.item.get("status", {})
            if status.get("phase") == "Running":
                assert status["podIP"]
                assert "running" in status["containerStatuses"][0]["state"]
                break


@pytest.mark.parametrize(
    ("image", "first", "then", "text"),
    [
        (MISSING_REFERENCE, "ErrImagePull", "ImagePullBackOff", f"{MISSING_REFERENCE}: not found"),
        ("elsewhere.test/a:1", "ErrImagePull", "ImagePullBackOff", "no such host"),
        ("registry.studiolo.test/UPPER:1", "InvalidImageName", "InvalidImageName", "invalid ref"),
    ],
    ids=["missing", "unknown registry", "invalid"],
)
async def test_an_image_that_cannot_be_pulled(
    tmp_path: Path, image: str, first: str, then: str, text: str
) -> None:
    # Long enough for the first state to be written before it is the second
    timing = replace(QUICK, event=0.5)
    async with running_cluster(tmp_path, timing=timing) as cluster:
        await cluster.create("pods", pod("bad", image=image))
        found = await cluster.until("bad", waits_for(first))
        assert text in container_of(found)["state"]["waiting"]["message"]
        await cluster.until("bad", waits_for(then))
        if then == "ImagePullBackOff":
            message = f'Back-off pulling image "{image}"'
            assert await cluster.until_told("bad", "BackOff") == message
        told = [(reason, message) for _, reason, message in await cluster.events("bad")]
        assert ("Failed", f"Error: {first}") in told


async def test_an_image_that_is_pushed_later_is_found(cluster: Running) -> None:
    await cluster.create("pods", pod("late", ["sleep", "100"], image=MISSING_REFERENCE))
    await cluster.until("late", waits_for("ImagePullBackOff"))
    files = {"bin/sleep": ImageFile(executable=True)}
    image = build_image(ImageRecipe(files))
    put_image(cluster.cluster.registry.store, "pytorch", "nightly", image)
    await cluster.until("late", is_ready)


async def test_an_image_that_must_be_there_already(cluster: Running) -> None:
    await cluster.create("pods", pod("never", ["sleep", "100"], imagePullPolicy="Never"))
    await cluster.until("never", waits_for("ErrImageNeverPull"))


async def test_an_image_that_crashes(cluster: Running) -> None:
    body = pod(
        "crash",
        ["jupyterhub-singleuser"],
        image=CRASHING.reference,
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    await cluster.create("pods", body)
    found = await cluster.until("crash", waits_for("CrashLoopBackOff"))
    ended = container_of(found)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (1, "Error")
    assert "libcudart.so.12" in ended["message"]
    message = await cluster.until_told("crash", "BackOff")
    uid = found["metadata"]["uid"]
    assert message == (f"Back-off restarting failed container main in pod crash_{NAMESPACE}({uid})")
    assert "libcudart" in await cluster.logs("crash", previous="true")


async def test_an_image_without_its_program(cluster: Running) -> None:
    body = pod("bare", ["jupyterhub-singleuser"], image=WITHOUT_JUPYTER.reference)
    body["spec"]["restartPolicy"] = "Never"
    await cluster.create("pods", body)
    found = await cluster.until("bare", ended_with("StartError"))
    ended = container_of(found)["state"]["terminated"]
    assert ended["exitCode"] == 128
    assert ended["message"].endswith(
        'exec: "jupyterhub-singleuser": executable file not found in $PATH: unknown'
    )
    assert found["status"]["phase"] == "Failed"
    told = [message for _, reason, message in await cluster.events("bare") if reason == "Failed"]
    assert told == [f"Error: {ended['message']}"]


async def test_an_image_that_never_serves(cluster: Running) -> None:
    body = pod("silent", ["jupyterhub-singleuser"], image=SILENT.reference, readinessProbe=READY)
    await cluster.create("pods", body)
    message = await cluster.until_told("silent", "Unhealthy")
    found = await cluster.until("silent", in_phase("Running"))
    address = found["status"]["podIP"]
    assert message == (
        f'Readiness probe failed: Get "http://{address}:8000/": dial tcp {address}:8000: connect: '
        "connection refused"
    )
    assert not is_ready(found)
    assert "never serves" in await cluster.logs("silent")


@pytest.mark.parametrize(
    ("policy", "script", "phase", "restarts"),
    [
        ("Never", "exit 0", "Succeeded", False),
        ("Never", "exit 3", "Failed", False),
        ("OnFailure", "exit 0", "Succeeded", False),
        ("OnFailure", "exit 3", "Running", True),
        ("Always", "exit 0", "Running", True),
    ],
)
async def test_the_restart_policy(
    cluster: Running, policy: str, script: str, phase: str, restarts: bool
) -> None:
    body = pod("ends", command=[], spec={"restartPolicy": policy})
    body["spec"]["containers"][0]["command"] = ["sh", "-c", script]
    await cluster.create("pods", body)
    if restarts:
        found = await cluster.until("ends", lambda it: container_of(it).get("restartCount", 0) > 1)
    else:
        found = await cluster.until("ends", in_phase(phase))
        assert container_of(found)["restartCount"] == 0
    assert found["status"]["phase"] == phase


async def test_a_container_that_is_not_alive_is_restarted(cluster: Running) -> None:
    body = pod("dead", ["sleep", "100"])
    body["spec"]["containers"][0]["livenessProbe"] = {
        "exec": {"command": ["sh", "-c", "echo nothing here; exit 1"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    await cluster.create("pods", body)
    await cluster.until("dead", lambda it: container_of(it).get("restartCount", 0) > 0)
    assert await cluster.until_told("dead", "Unhealthy") == "Liveness probe failed: nothing here"
    assert await cluster.until_told("dead", "Killing") == (
        "Container main failed liveness probe, will be restarted"
    )


async def test_init_containers_come_first(cluster: Running) -> None:
    shared = [{"name": "work", "mountPath": "/shared"}]
    body = pod("steps", ["cat", "/shared/word"], volumeMounts=shared)
    body["spec"] |= {
        "volumes": [{"name": "work", "emptyDir": {}}],
        "initContainers": [
            {
                "name": "first",
                "image": body["spec"]["containers"][0]["image"],
                "command": ["sh", "-c", 'echo written > "$1/word"', "sh", "/shared"],
                "volumeMounts": shared,
            }
        ],
    }
    await cluster.create("pods", body)
    found = await cluster.until("steps", in_phase("Succeeded"))
    assert found["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert await cluster.logs("steps", container="main") == "written\n"


async def test_the_environment_comes_from_all_its_sources(cluster: Running) -> None:
    await cluster.create(
        "secrets",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "keys"},
            "stringData": {"a": "b"},
        },
    )
    body = pod("env", command=[], envFrom=[{"configMapRef": {"name": "words"}}])
    main = body["spec"]["containers"][0]
    main["command"] = ["sh", "-c", 'echo "$SECRET $WHERE $word $HOSTNAME $HOME"']
    main["env"] += [
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}},
        {"name": "WHERE", "value": "http://$(POD_IP):1"},
    ]
    body["spec"]["restartPolicy"] = "Never"
    await cluster.create("pods", body)
    found = await cluster.until("env", waits_for("CreateContainerConfigError"))
    assert container_of(found)["state"]["waiting"]["message"] == 'configmap "words" not found'
    await cluster.create(
        "configmaps",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "words"},
            "data": {"word": "hello"},
        },
    )
    found = await cluster.until("env", in_phase("Succeeded"))
    address, uid = found["status"]["podIP"], found["metadata"]["uid"]
    home = cluster.cluster.data_dir / "kubelet" / "pods" / uid / "home"
    assert (await cluster.logs("env")).strip() == f"b http://{address}:1 hello env {home}"


async def test_a_pod_is_told_of_its_gpus(cluster: Running) -> None:
    body = pod(
        "gpus",
        ["sleep", "100"],
        resources={"limits": {"nvidia.com/gpu": "2"}},
        spec={"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]},
    )
    await cluster.create("pods", body)
    found = await cluster.until("gpus", is_ready)
    pids = marked({POD_MARK: found["metadata"]["uid"]})
    environments = [Path(f"/proc/{pid}/environ").read_text().split("\0") for pid in pids]
    inside = next(
        dict(entry.split("=", 1) for entry in each if entry)
        for each in environments
        if any(entry.startswith("HOSTNAME=") for entry in each)
    )
    visible = inside["NVIDIA_VISIBLE_DEVICES"].split(",")
    simulated = json.loads(inside["STUDIOLO_SIMULATED_GPUS"])
    assert len(set(visible)) == 2
    assert [each["uuid"] for each in simulated] == visible
    assert all("Simulated" in each["name"] for each in simulated)


async def test_a_grace_period_that_is_not_used_up(cluster: Running) -> None:
    body = pod("slow", command=[], spec={"terminationGracePeriodSeconds": 60})
    body["spec"]["containers"][0]["command"] = [
        "sh",
        "-c",
        "trap '' TERM; while :; do sleep 0.1; done",
    ]
    await cluster.create("pods", body)
    await cluster.until("slow", is_ready)
    await cluster.delete("slow")
    assert await cluster.until_told("slow", "Killing") == "Stopping container main"
    # Asked again, with less patience
    await cluster.delete("slow", grace=1)
    await cluster.until_gone("slow", seconds=10)


async def test_a_pod_that_is_forced_away_leaves_no_process(cluster: Running) -> None:
    await cluster.create("pods", pod("forced", ["sleep", "100"]))
    found = await cluster.until("forced", is_ready)
    await cluster.delete("forced", grace=0)
    await cluster.until_gone("forced")
    async with asyncio.timeout(10):
        while marked({POD_MARK: found["metadata"]["uid"]}):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("grace", [0, 1], ids=["by force", "in peace"])
async def test_devices_are_free_when_the_pod_is_gone(cluster: Running, grace: int) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    every_one: Object = {
        "resources": {"limits": {"amd.com/gpu": "2"}},
        "spec": {"tolerations": [{"operator": "Exists"}]},
    }
    for number in range(4):
        name = f"holder-{number}"
        await cluster.create("pods", pod(name, ["python", "-c", stubborn], **every_one))
        await cluster.until(name, in_phase("Running"))
        await cluster.delete(name, grace)
        await cluster.until_gone(name)
