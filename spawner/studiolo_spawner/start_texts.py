"""What a kubelet says about a container that was pulled but does not start or stops again.

Pure. Tells the image's fault (its program is missing, it crashes, it needs another driver) from
the machine's (disk, runtime, GPU) by the runtime's text and by the exit code; the texts are
matched, never shown. Unknown texts of the runtime's *create* step count as the machine's, of its
*start* step as the image's: by then all that the machine gives is in place.
"""

from __future__ import annotations

import re

from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.text_table import TextTable
from studiolo_spawner.translation import marked
from studiolo_spawner.translation import translate as _

SINGLEUSER = "jupyterhub-singleuser"

# Sources: opencontainers/runc and crun, containerd's shim and CRI, NVIDIA/libnvidia-container and
# nvidia-container-toolkit, kubernetes pkg/kubelet/kuberuntime.
_TABLE = TextTable(
    (
        (
            "driver_too_old",
            (
                r"nvidia-container-cli: requirement error",
                r"unsatisfied condition: (?:cuda|driver|brand|arch)",
            ),
        ),
        (
            "gpu_fault",
            (
                r"nvidia-container-cli",
                r"nvidia-container-runtime",
                r"unresolvable cdi devices",
                r"cdi device injection failed",
                r"failed to inject cdi",
                r"\bnvml\b",
                r"\bgpu is lost\b",
                r"/dev/(?:nvidia|dri|kfd)",
            ),
        ),
        (
            "disk_full",
            (r"no space left on device", r"disk quota exceeded", r"read-only file system"),
        ),
        (
            "runs_as_root",
            (
                r"image will run as root",
                r"runasuser breaks non-root policy",
                r"image has non-numeric user",
            ),
        ),
        (
            "missing_config",
            (
                r"(?:secret|configmap) .{0,300}not found",
                r"couldn't find key",
                r"references non-existent (?:secret|config) key",
            ),
        ),
        (
            "command_denied",
            (
                r"exec:? .{0,300}permission denied",
                r"open executable: permission denied",
            ),
        ),
        ("wrong_platform", (r"exec format error",)),
        (
            "no_singleuser",
            (
                rf"exec: \\?\"[^\"\s]{{0,200}}{SINGLEUSER}\\?\":",
                rf"executable file `?{SINGLEUSER}`? not found",
                rf"{SINGLEUSER}: (?:command )?not found",
            ),
        ),
        (
            "command_missing",
            (
                r"executable file .{0,300}not found",
                r"exec:? .{0,300}no such file or directory",
                r"starting container process caused.{0,300}no such file",
                r"no command specified",
                r"oci runtime attempted to invoke a command that was not found",
            ),
        ),
        (
            "cannot_start",
            (
                r"unable to find (?:user|group)",
                r"no users found",
                r"no matching entries in (?:passwd|group)",
                r"cannot find entry for user",
                r"mkdir .{0,200}: not a directory",
                r"chdir to cwd",
            ),
        ),
        (
            "volume_failed",
            (
                r"failed to prepare subpath",
                r"failed to create subpath directory",
                r"error mounting",
                r"failed to mount",
                r"stale nfs file handle",
                r"transport endpoint is not connected",
            ),
        ),
        (
            "node_fault",
            (
                r"context deadline exceeded",
                r"code = (?:unavailable|deadlineexceeded)",
                r"failed to reserve container name",
                r"the container name .{0,300} is already in use",
                r"name is reserved",
                r"cannot allocate memory",
                r"too many open files",
                r"resource temporarily unavailable",
                r"device or resource busy",
                r"cgroup",
                r"apparmor",
                r"seccomp",
                r"rlimit",
                r"inotify",
                r"ttrpc",
                r"failed to start shim",
                r"fork/exec",
                r"fork failed",
                r"error reading from server",
                r"connection refused",
                r"transport is closing",
            ),
        ),
    )
)

# The end of the container's log (pod.py asks for it), as Python and others say it.
_NO_SPACE = re.compile(
    r"\[Errno 28\]|\bENOSPC\b|no space left on device|disk quota exceeded", re.IGNORECASE
)

_SIGNALS = {
    4: marked("it needs processor instructions that the machine does not have (exit code 132)"),
    6: marked("it aborted itself (exit code 134)"),
    7: marked("it hit a memory error (exit code 135)"),
    8: marked("it hit an arithmetic error (exit code 136)"),
    9: marked("it was killed, most often for using too much memory (exit code 137)"),
    11: marked("it crashed with a memory error (exit code 139)"),
    15: marked("it was told to stop (exit code 143)"),
}
_CODES = {
    1: marked("its own program reported an error (exit code 1)"),
    2: marked("its program was called with arguments that it does not know (exit code 2)"),
    126: marked("its start program may not be executed (exit code 126)"),
    127: marked("a program that it is told to start is not in it (exit code 127)"),
}


def cause_of_start_text(text: str, *, unknown: str) -> Cause:
    """The cause behind a runtime's error; ``unknown`` is the reason when the text is not known."""
    return cause(_TABLE.reason_of(text) or unknown)


def cause_of_exit(code: int, reason: str = "", text: str = "") -> Cause:
    """The cause behind a container that ended, by exit code, runtime's reason and text."""
    if reason == "OOMKilled":
        return cause("out_of_memory")
    if reason in {"StartError", "ContainerCannotRun"}:
        return cause_of_start_text(text, unknown="cannot_start")
    if code == 0:
        return cause("stopped_itself")
    if _NO_SPACE.search(text):
        return cause("home_full", terminal=True)
    if code == 127 and SINGLEUSER in text:
        return cause("no_singleuser")
    if code in {126, 127}:
        return cause("command_denied" if code == 126 else "command_missing")
    told = _("The image started and then stopped: %(why)s.")
    return cause("crashed", told % {"why": words_of_exit(code)})


def words_of_exit(code: int) -> str:
    """An exit code in words, the number always with it."""
    if code in _CODES:
        return _(_CODES[code])
    if code > 128:
        known = _SIGNALS.get(code - 128)
        return _(known) if known else _("a signal ended it (exit code %(code)s)") % {"code": code}
    return _("its program ended with an error (exit code %(code)s)") % {"code": code}
