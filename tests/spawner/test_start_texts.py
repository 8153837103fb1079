"""What runtimes write when a container does not start or stops again, and what it means.

The texts stand as they are written, one to a line, so that they can be compared with a log.
"""

# ruff: noqa: E501

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.causes import Kind
from studiolo_spawner.start_texts import cause_of_exit, cause_of_start_text, words_of_exit

CREATE = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "

TEXTS = {
    "single-user server missing": ("no_singleuser", CREATE + 'exec: "jupyterhub-singleuser": executable file not found in $PATH: unknown'),
    "single-user server missing, escaped": ("no_singleuser", r'container_linux.go:380: starting container process caused: exec: \"jupyterhub-singleuser\": executable file not found in $PATH: unknown'),
    "single-user server missing, by path": ("no_singleuser", CREATE + 'exec: "/opt/conda/bin/jupyterhub-singleuser": stat /opt/conda/bin/jupyterhub-singleuser: no such file or directory: unknown'),
    "single-user server missing, crun": ("no_singleuser", "Error: crun: executable file `jupyterhub-singleuser` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found"),
    "entrypoint missing": ("command_missing", CREATE + 'exec: "tini": executable file not found in $PATH: unknown'),
    "entrypoint missing, by path": ("command_missing", CREATE + 'exec: "/usr/bin/tini": stat /usr/bin/tini: no such file or directory: unknown'),
    "no command": ("command_missing", 'failed to generate container "0c" spec: failed to generate spec: no command specified'),
    "not executable": ("command_denied", CREATE + 'exec: "/start.sh": permission denied: unknown'),
    "not executable, crun": ("command_denied", "crun: open executable: Permission denied: OCI permission denied"),
    "other processor": ("wrong_platform", CREATE + "exec /usr/bin/tini: exec format error: unknown"),
    "driver too old": ("driver_too_old", CREATE + "error during container init: error running hook #0: error running hook: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'\nnvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version, or use an earlier cuda container: unknown"),
    "driver not loaded": ("gpu_fault", CREATE + "error running hook #0: exit status 1, stdout: , stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown"),
    "GPU gone": ("gpu_fault", CREATE + "error running hook #0: exit status 1, stderr: nvidia-container-cli: device error: GPU-1f: unknown device: unknown"),
    "CDI device gone": ("gpu_fault", "failed to create containerd task: failed to create shim task: unresolvable CDI devices nvidia.com/gpu=GPU-1f"),
    "disk full": ("disk_full", "failed to create containerd task: failed to create shim task: mkdir /run/containerd/io.containerd.runtime.v2.task/k8s.io/0c: no space left on device: unknown"),
    "root": ("runs_as_root", 'container has runAsNonRoot and image will run as root (pod: "jupyter-ada_ml(u-1)", container: notebook)'),
    "key missing": ("missing_config", "couldn't find key WANDB_API_KEY in Secret ml/wandb"),
    "configmap missing": ("missing_config", 'configmap "ml-settings" not found'),
    "user unknown to the image": ("cannot_start", "unable to find user jovyan: no matching entries in passwd file"),
    "subpath": ("volume_failed", 'failed to prepare subPath for volumeMount "home" of container "notebook"'),
    "mount": ("volume_failed", CREATE + 'error mounting "/var/lib/kubelet/pods/u-1/volumes/nfs" to rootfs at "/data": stat /data: stale NFS file handle: unknown'),
    "name taken": ("node_fault", 'failed to reserve container name "notebook_0": name "notebook_0" is reserved for "0c"'),
    "slow machine": ("node_fault", "context deadline exceeded"),
    "cgroups": ("node_fault", CREATE + "unable to apply cgroup configuration: failed to write 4242: no such process: unknown"),
    "memory of the machine": ("node_fault", "failed to create shim task: fork/exec /usr/bin/containerd-shim-runc-v2: cannot allocate memory: unknown"),
}  # fmt: skip
IMAGES = {
    "no_singleuser",
    "command_missing",
    "command_denied",
    "wrong_platform",
    "driver_too_old",
    "runs_as_root",
    "cannot_start",
}


@pytest.mark.parametrize(("reason", "text"), TEXTS.values(), ids=TEXTS)
def test_text(reason: str, text: str) -> None:
    found = cause_of_start_text(text, unknown="api_refused")
    assert found.reason == reason
    assert found.kind is (Kind.IMAGE if reason in IMAGES else Kind.CLUSTER)


@given(st.text(max_size=500))
def test_unknown_text_is_what_the_caller_says(text: str) -> None:
    found = cause_of_start_text(text, unknown="cannot_start")
    assert found.message


@pytest.mark.parametrize(
    ("code", "reason", "text", "expected"),
    [
        (127, "Error", "", "command_missing"),
        (127, "Error", "sh: 1: jupyterhub-singleuser: not found", "no_singleuser"),
        (128, "StartError", TEXTS["single-user server missing"][1], "no_singleuser"),
        (127, "ContainerCannotRun", TEXTS["entrypoint missing"][1], "command_missing"),
        (128, "StartError", TEXTS["slow machine"][1], "node_fault"),
        (128, "StartError", "", "cannot_start"),
        (1, "OOMKilled", "", "out_of_memory"),
        (0, "Completed", "", "stopped_itself"),
    ],
)
def test_exit(code: int, reason: str, text: str, expected: str) -> None:
    assert cause_of_exit(code, reason, text).reason == expected


@given(st.integers(-(2**40), 2**40))
def test_every_exit_code_has_words(code: int) -> None:
    assert f"(exit code {code})" in words_of_exit(code)


NO_SPACE = [
    "  File \"/opt/conda/lib/python3.12/pathlib.py\", line 1116, in mkdir\nOSError: [Errno 28] No space left on device: '/home/jovyan/.local'",
    "OSError: [Errno 122] Disk quota exceeded",
    "Error: ENOSPC: no space left on device, write",
]


@pytest.mark.parametrize("text", NO_SPACE)
def test_a_full_home_is_not_the_images_fault(text: str) -> None:
    found = cause_of_exit(1, "Error", text)
    assert (found.reason, found.kind, found.terminal) == ("home_full", Kind.CLUSTER, True)
    assert "rescue mode" in found.hint


@pytest.mark.parametrize(
    ("code", "reason", "other"),
    [(0, "Completed", "stopped_itself"), (137, "OOMKilled", "out_of_memory")],
)
def test_what_ended_otherwise_is_not_a_full_home(code: int, reason: str, other: str) -> None:
    assert cause_of_exit(code, reason, NO_SPACE[0]).reason == other
