"""What the scheduler says about a pod that has no place, in plain words.

Pure. Reads "0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient nvidia.com/gpu.
preemption: …" into counted reasons and says the one that decides first. Nothing of the text
itself is shown but counts and resource names, and these only when they have the form of one.
Never the image's fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.text_table import TextTable
from studiolo_spawner.translation import marked, translate_number
from studiolo_spawner.translation import translate as _

_HEAD = re.compile(r"^\s*(\d{1,6})/(\d{1,6}) nodes are available:?\s*", re.IGNORECASE)
_COUNTED = re.compile(r"(\d{1,6}) ")
_INSUFFICIENT = re.compile(
    r"^insufficient ([a-z0-9]([a-z0-9.\-/]{0,120}[a-z0-9])?)$", re.IGNORECASE
)
_MAX_TEXT = 8_192
_RESOURCES = {
    "cpu": marked("processor time"),
    "memory": marked("memory"),
    "ephemeral-storage": marked("disk space"),
    "pods": marked("places for pods"),
}

# (reason, pattern over one counted reason), in the order in which they explain the whole best: a
# volume or a full GPU explains more than the nodes that never fitted.
_TABLE = TextTable(
    (
        (
            "volume_missing",
            (
                r"persistentvolumeclaim .{0,300}not found",
                r"persistentvolumeclaim .{0,300}is being deleted",
                r"bound to non-existent",
            ),
        ),
        (
            "volume_pending",
            (
                r"unbound immediate persistentvolumeclaims",
                r"find available persistent volumes",
                r"did not have enough free storage",
            ),
        ),
        ("volume_elsewhere", (r"volume node affinity conflict", r"no available volume zone")),
        ("volume_busy", (r"exceed max volume count", r"readwriteoncepod", r"disk conflict")),
        ("no_free_gpu", (r"insufficient \S*(?:gpu|mig-|i915|\bxe\b|gaudi|npu)\S*",)),
        ("no_room", (r"insufficient ", r"too many pods", r"free ports")),
        ("nodes_closed", (r"were unschedulable", r"node\.kubernetes\.io/unschedulable")),
        ("node_lost", (r"node\.kubernetes\.io/(?:unreachable|not-ready)",)),
        ("not_tolerated", (r"untolerated taint", r"had taint")),
        (
            "no_matching_node",
            (r"didn't match", r"node affinity", r"no nodes available", r"no node matched"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class SchedulerText:
    """One scheduler text read: the nodes in all and the counted reasons, as (count, text)."""

    nodes: int | None
    reasons: tuple[tuple[int, str], ...]


def read_scheduler_text(text: str) -> SchedulerText:
    """Read a FailedScheduling text; what does not have its form comes back as one reason."""
    body = text[:_MAX_TEXT].split(" preemption:", 1)[0]
    head = _HEAD.match(body)
    if not head:
        return SchedulerText(None, ((1, body.strip().rstrip(".")),) if body.strip() else ())
    rest = body[head.end() :].strip().rstrip(".")
    reasons: list[tuple[int, str]] = []
    # A reason may hold commas of its own ("{a: b}, that the pod didn't tolerate"): only a comma
    # before a number starts the next one
    for part in re.split(r", (?=\d{1,6} )", rest):
        counted = _COUNTED.match(part)
        if counted:
            reasons.append((int(counted[1]), part[counted.end() :]))
        elif part:
            reasons.append((int(head[2]), part))
    return SchedulerText(int(head[2]), tuple(reasons))


def cause_of_scheduler_text(text: str) -> Cause:
    """The cause behind a pod that is not scheduled, with counts where the scheduler gave them."""
    read = read_scheduler_text(text)
    for reason, pattern in _TABLE.patterns():
        matching = [(count, words) for count, words in read.reasons if pattern.search(words)]
        if matching:
            return cause(reason, _words(reason, read, matching))
    return cause("unschedulable")


def _words(reason: str, read: SchedulerText, matching: list[tuple[int, str]]) -> str | None:
    """A more exact message where the counts allow one; None leaves the cause's own words."""
    lacking = [
        (count, found[1])
        for count, words in matching
        if (found := _INSUFFICIENT.match(words.strip()))
    ]
    if reason not in {"no_free_gpu", "no_room"} or not lacking or read.nodes is None:
        return None
    count, resource = max(lacking)
    if reason == "no_free_gpu":
        return _words_of_gpu(count, read.nodes, resource)
    short = _(_RESOURCES[resource.lower()]) if resource.lower() in _RESOURCES else resource
    words = {"what": short, "count": count, "machines": read.nodes}
    if read.nodes == 1:
        told = _("The cluster's only machine does not have enough free %(what)s for this profile.")
    else:
        told = translate_number(
            "%(count)s of %(machines)s machines does not have enough free %(what)s for this "
            "profile, and no other machine fits.",
            "%(count)s of %(machines)s machines do not have enough free %(what)s for this "
            "profile, and no other machine fits.",
            count,
        )
    return told % words


def _words_of_gpu(count: int, nodes: int, resource: str) -> str:
    """``count`` machines lack a free one; the remaining ones are ruled out by something else."""
    if nodes == 1:
        told = _("No GPU of this kind (%(kind)s) is free on the cluster's only machine.")
    elif count == nodes:
        told = _("No GPU of this kind (%(kind)s) is free on any of the %(machines)s machines.")
    else:
        told = _(
            "No GPU of this kind (%(kind)s) is free on %(count)s of %(machines)s machines, and no "
            "other machine fits."
        )
    return told % {"kind": resource, "count": count, "machines": nodes}
