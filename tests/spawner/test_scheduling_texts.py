"""What schedulers write about pods without a place, and what it means.

The texts stand as they are written, one to a line, so that they can be compared with a log.
"""

# ruff: noqa: E501

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.causes import Kind
from studiolo_spawner.scheduling_texts import cause_of_scheduler_text, read_scheduler_text

TEXTS = {
    "every GPU taken": ("no_free_gpu", "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.", "No GPU of this kind (nvidia.com/gpu) is free on any of the 2 machines."),
    "GPU nodes full, others without": ("no_free_gpu", "0/5 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.", "No GPU of this kind (nvidia.com/gpu) is free on 2 of 5 machines, and no other machine fits."),
    "one machine": ("no_free_gpu", "0/1 nodes are available: 1 Insufficient nvidia.com/mig-1g.10gb.", "No GPU of this kind (nvidia.com/mig-1g.10gb) is free on the cluster's only machine."),
    "GPU and memory short": ("no_free_gpu", "0/3 nodes are available: 1 Insufficient memory, 3 Insufficient amd.com/gpu.", "No GPU of this kind (amd.com/gpu) is free on any of the 3 machines."),
    "intel": ("no_free_gpu", "0/1 nodes are available: 1 Insufficient gpu.intel.com/i915.", None),
    "memory": ("no_room", "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", "2 of 3 machines do not have enough free memory for this profile, and no other machine fits."),
    "cpu on one machine": ("no_room", "0/1 nodes are available: 1 Insufficient cpu.", "The cluster's only machine does not have enough free processor time for this profile."),
    "too many pods": ("no_room", "0/2 nodes are available: 2 Too many pods.", None),
    "selector": ("no_matching_node", "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.", None),
    "taint with commas": ("not_tolerated", "0/1 nodes are available: 1 node(s) had taint {nvidia.com/gpu: present}, that the pod didn't tolerate.", None),
    "taint": ("not_tolerated", "0/1 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: present}.", None),
    "cordoned": ("nodes_closed", "0/1 nodes are available: 1 node(s) were unschedulable.", None),
    "unreachable": ("node_lost", "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.", None),
    "claim unbound": ("volume_pending", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", None),
    "claim missing": ("volume_missing", '0/1 nodes are available: persistentvolumeclaim "claim-ada" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.', None),
    "claim missing, no head": ("volume_missing", 'persistentvolumeclaim "claim-ada" not found', None),
    "claim going": ("volume_missing", '0/1 nodes are available: persistentvolumeclaim "claim-ada" is being deleted.', None),
    "other zone": ("volume_elsewhere", "0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 3 node(s) had volume node affinity conflict.", None),
    "volumes at the limit": ("volume_busy", "0/1 nodes are available: 1 node(s) exceed max volume count.", None),
    "no nodes": ("no_matching_node", "no nodes available to schedule pods", None),
    "something new": ("unschedulable", "0/1 nodes are available: 1 node(s) are in a mood.", None),
    "nothing": ("unschedulable", "", None),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "text", "message"), TEXTS.values(), ids=TEXTS)
def test_text(reason: str, text: str, message: str | None) -> None:
    found = cause_of_scheduler_text(text)
    assert (found.kind, found.reason, found.terminal) == (Kind.CLUSTER, reason, False)
    assert message is None or found.message == message


def test_reasons_are_counted() -> None:
    read = read_scheduler_text(
        "0/7 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate, 6 Insufficient cpu."
    )
    assert read.nodes == 7
    assert read.reasons == (
        (1, "node(s) had taint {a: b}, that the pod didn't tolerate"),
        (6, "Insufficient cpu"),
    )


@given(st.text(max_size=300))
def test_resource_names_are_shown_only_in_their_form(text: str) -> None:
    told = cause_of_scheduler_text(f"0/1 nodes are available: 1 Insufficient gpu{text}.").message
    assert told.isprintable()
    assert "<" not in told


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert cause_of_scheduler_text(text).kind is Kind.CLUSTER
