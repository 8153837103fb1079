"""What one attempt puts into the pod; the contract with the workspace; operators' values kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.catalogue import Home, Image, Profile, SharedVolume
from studiolo_spawner.pod import (
    AttemptPod,
    attempt_traits,
    environment,
    hides_nvidia,
    home_traits,
    literal,
    readiness_probe,
    workspace_document,
)
from studiolo_spawner.reference import parse_reference

CONTRACT = json.loads(
    (Path(__file__).parents[1] / "contract" / "workspace.json").read_text(encoding="utf-8")
)
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DIGEST = CONTRACT["whole GPU"]["image"]["digest"]

IMAGE = {
    "id": "pytorch",
    "display_name": "PyTorch 2.9",
    "reference": "registry.studiolo.test/pytorch:2.9",
}
CPU = {"id": "cpu", "display_name": "CPU only", "cpu": 2, "memory": "4Gi"}
L4 = {
    "id": "gpu-l4",
    "display_name": "One L4",
    "resource": "nvidia.com/gpu",
    "count": 1,
    "gpu": {"model": "NVIDIA L4", "memory_gib": 24},
    "cpu": 8,
    "cpu_guarantee": 4,
    "memory": "32Gi",
    "memory_guarantee": "16Gi",
    "node_selector": {"gpu": "l4"},
    "tolerations": [
        {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "spot", "value": "yes", "effect": "NoExecute", "toleration_seconds": 60},
    ],
    "runtime_class": "nvidia",
    "max_lifetime": "12h",
}


def image(**fields: Any) -> Image:
    return Image.model_validate({**IMAGE, **fields})


def profile(of: dict[str, Any] = CPU, **fields: Any) -> Profile:
    return Profile.model_validate({**of, **fields})


def attempt(**fields: Any) -> AttemptPod:
    tried = fields.get("image", image())
    known: dict[str, Any] = {
        "username": "ana",
        "image": tried,
        "requested": tried,
        "reference": parse_reference(tried.reference),
        "digest": DIGEST,
        "profile": profile(),
        "home": Home(),
        "claim": "home-ana",
        "volumes": (),
        "spawn_id": "s1",
        "number": 1,
        "base_url": "/user/ana/",
    }
    return AttemptPod(**{**known, **fields})


def traits(pod: AttemptPod, **current: Any) -> dict[str, Any]:
    return attempt_traits(pod, current.get)


def test_whole_gpu() -> None:
    assert traits(attempt(profile=profile(L4))) == {
        "image": f"registry.studiolo.test/pytorch:2.9@{DIGEST}",
        "image_pull_secrets": [],
        "working_dir": "/home/jovyan",
        "node_selector": {"gpu": "l4"},
        "tolerations": [
            {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
            {
                "key": "spot",
                "operator": "Equal",
                "value": "yes",
                "effect": "NoExecute",
                "tolerationSeconds": 60,
            },
        ],
        "extra_labels": {"studiolo.dev/profile": "gpu-l4", "studiolo.dev/image": "pytorch"},
        "extra_annotations": {
            "studiolo.dev/user": "ana",
            "studiolo.dev/requested-image": "pytorch",
            "studiolo.dev/image-digest": DIGEST,
            "studiolo.dev/spawn-id": "s1",
            "studiolo.dev/attempt": "1",
        },
        "extra_pod_config": {"runtimeClassName": "nvidia"},
        "extra_container_config": {
            "readinessProbe": {
                "httpGet": {
                    "path": "/user/ana/api",
                    "port": "notebook-port",
                    "scheme": "HTTP",
                },
                "periodSeconds": 1,
                "timeoutSeconds": 3,
                "successThreshold": 1,
                "failureThreshold": 30,
            },
            "terminationMessagePolicy": "FallbackToLogsOnError",
        },
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home-ana"}}],
        "volume_mounts": [{"name": "home", "mountPath": "/home/jovyan"}],
        "cpu_limit": 8,
        "cpu_guarantee": 4,
        "mem_limit": 32 * 2**30,
        "mem_guarantee": 16 * 2**30,
        "extra_resource_limits": {"nvidia.com/gpu": "1"},
        "extra_resource_guarantees": {"nvidia.com/gpu": "1"},
    }


def test_unchecked_image_runs_by_its_tag_and_guarantees_default_to_limits() -> None:
    found = traits(attempt(digest=None))
    assert found["image"] == "registry.studiolo.test/pytorch:2.9"
    assert "studiolo.dev/image-digest" not in found["extra_annotations"]
    assert (found["cpu_guarantee"], found["mem_guarantee"]) == (2, 4 * 2**30)
    assert found["extra_resource_limits"] == found["extra_pod_config"] == {}


def test_shared_volumes_and_pull_secret() -> None:
    volumes = (
        SharedVolume(name="data", claim="datasets", mount_path="/data"),
        SharedVolume(name="team", claim="team", mount_path="/team", read_only=False),
    )
    found = traits(attempt(volumes=volumes, image=image(pull_secret="registry-key")))
    assert found["image_pull_secrets"] == [{"name": "registry-key"}]
    assert found["volumes"][1:] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "datasets", "readOnly": True}},
        {"name": "team", "persistentVolumeClaim": {"claimName": "team", "readOnly": False}},
    ]
    assert found["volume_mounts"][1:] == [
        {"name": "data", "mountPath": "/data", "readOnly": True},
        {"name": "team", "mountPath": "/team", "readOnly": False},
    ]


def test_operators_values_stay_and_are_not_changed() -> None:
    current = {
        "node_selector": {"zone": "a", "gpu": "any"},
        "tolerations": [{"key": "own"}],
        "volumes": {"b": {"name": "b"}, "a": {"name": "a"}},
        "extra_container_config": {"lifecycle": {}},
    }
    before = json.dumps(current)
    found = traits(attempt(profile=profile(L4)), **current)
    assert found["node_selector"] == {"zone": "a", "gpu": "l4"}
    assert found["tolerations"][0] == {"key": "own"}
    assert [volume["name"] for volume in found["volumes"]] == ["a", "b", "home"]
    assert set(found["extra_container_config"]) == {
        "lifecycle",
        "readinessProbe",
        "terminationMessagePolicy",
    }
    assert json.dumps(current) == before


def test_a_rescue_start_writes_nothing_of_its_own_into_the_home() -> None:
    plain, rescued = attempt(), attempt(rescue=True)
    assert "args" not in traits(plain)
    arguments = traits(rescued, args=["--own"])["args"]
    assert arguments == ["--own", "--FileContentsManager.delete_to_trash=False"]
    added = {
        name: value
        for name, value in environment(rescued, now=NOW).items()
        if environment(plain, now=NOW).get(name) != value
    }
    assert {"JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"} < added.keys()
    assert all(value.startswith("/tmp/") for value in added.values())
    assert environment(rescued, now=NOW)["HOME"] == "/home/jovyan"


def test_internal_tls_is_probed_by_the_open_port() -> None:
    probe = readiness_probe(attempt(secure=True))
    assert probe["tcpSocket"] == {"port": "notebook-port"}
    assert "httpGet" not in probe


@given(st.text())
def test_literal_survives_the_expansion_of_templates(text: str) -> None:
    assert literal(text).format(username="ana") == text


def test_templates_in_names_stay_as_they_are() -> None:
    found = traits(attempt(username="{0.__class__}"))
    assert found["extra_annotations"]["studiolo.dev/user"].format() == "{0.__class__}"


def test_ids_that_are_no_label_values_become_some() -> None:
    labels = traits(attempt(image=image(id="x" * 63)))["extra_labels"]
    assert len(labels["studiolo.dev/image"]) <= 63


def test_new_home() -> None:
    current: Callable[[str], Any] = {"storage_class": "slow"}.get
    assert home_traits(Home(size="5Gi"), current) == {
        "storage_capacity": "5Gi",
        "storage_class": "slow",
        "storage_access_modes": ["ReadWriteOnce"],
    }
    assert home_traits(Home(storage_class="fast"), current)["storage_class"] == "fast"


# -- what the workspace is told -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "hidden"),
    [
        pytest.param({}, True, id="no GPU"),
        pytest.param({"resource": "nvidia.com/mig-1g.10gb", "count": 1}, False, id="MIG slice"),
        pytest.param({"resource": "amd.com/gpu", "count": 1}, True, id="AMD"),
        pytest.param({"resource": "gpu.intel.com/i915", "count": 1}, True, id="Intel"),
        pytest.param({"resource": "example.org/vgpu", "count": 1}, False, id="some other plugin"),
    ],
)
def test_nvidia_gpus_are_hidden_from_who_has_none(of: dict[str, Any], hidden: bool) -> None:
    pod = attempt(profile=profile(**of))
    assert hides_nvidia(pod.profile) is hidden
    # Left alone elsewhere: the device plugin says which GPUs there are.
    wanted = "void" if hidden else None
    assert environment(pod, now=NOW).get("NVIDIA_VISIBLE_DEVICES") == wanted


def test_an_image_adds_variables_but_not_the_hubs() -> None:
    own = {"OMP_NUM_THREADS": "4", "JUPYTERHUB_API_URL": "http://evil", "STUDIOLO_WORKSPACE": "x"}
    # What the catalogue itself refuses is kept out here, too.
    tried = Image.model_construct(**{**image().__dict__, "environment": own})
    found = environment(attempt(image=tried), now=NOW)
    assert found["OMP_NUM_THREADS"] == "4"
    assert found["HOME"] == "/home/jovyan"
    assert "JUPYTERHUB_API_URL" not in found
    assert json.loads(found["STUDIOLO_WORKSPACE"])["version"] == 1


def test_kubernetes_puts_nothing_into_the_document() -> None:
    tried = image(display_name="Costs $(JUPYTERHUB_API_TOKEN)")
    text = environment(attempt(image=tried), now=NOW)["STUDIOLO_WORKSPACE"]
    assert "$$(JUPYTERHUB_API_TOKEN)" in text
    document = json.loads(text.replace("$$(", "$("))
    assert document["image"]["display_name"] == "Costs $(JUPYTERHUB_API_TOKEN)"


def test_document_of_a_whole_gpu_is_the_contracts() -> None:
    pod = attempt(profile=profile(L4))
    assert workspace_document(pod, now=NOW) == CONTRACT["whole GPU"]


def test_document_after_a_fallback_is_the_contracts() -> None:
    wanted = CONTRACT["shared simulated GPU after a fallback"]
    tried = image(**{key: wanted["image"][key] for key in ("id", "display_name", "reference")})
    shared = profile(
        L4,
        id="gpu-shared",
        display_name="A share of a GPU",
        resource="nvidia.com/gpu.shared",
        gpu=wanted["profile"]["gpu"],
        max_lifetime="never",
        idle={
            "timeout": "30m",
            "gpu_busy_percent": 10,
            "warn_before": "10m",
            "keep_alive": "1h",
        },
    )
    pod = replace(
        attempt(image=tried, profile=shared, digest=wanted["image"]["digest"]),
        requested=image(),
        fallback_reason=wanted["fallback_reason"],
    )
    assert workspace_document(pod, now=NOW) == wanted


def test_document_without_gpu_and_check_is_the_contracts() -> None:
    wanted = CONTRACT["CPU only, never stopped for idleness, registry not asked"]
    tried = image(**{key: wanted["image"][key] for key in ("id", "display_name", "reference")})
    pod = attempt(
        image=tried, digest=None, profile=profile(idle={"timeout": "never", "keep_alive": "never"})
    )
    found = workspace_document(pod, now=NOW)
    # The contract's example is read before the pod exists, when nothing has started yet.
    assert {**found, "started_at": None, "lifetime_from": None} == wanted
