"""What the Kubernetes API writes when it refuses, and what it means.

The texts stand as they are written, one to a line, so that they can be compared with a log.
"""

# ruff: noqa: E501

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.causes import Kind
from studiolo_spawner.refusals import cause_of_refusal

REFUSALS = {
    "GPU quota": (403, 'pods "jupyter-ada" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4', "quota", Kind.CLUSTER),
    "several resources": (403, 'pods "jupyter-ada" is forbidden: exceeded quota: team, requested: limits.memory=32Gi,pods=1, used: limits.memory=96Gi,pods=3, limited: limits.memory=100Gi,pods=3', "quota", Kind.CLUSTER),
    "quota without a request": (403, 'pods "jupyter-ada" is forbidden: failed quota: team: must specify limits.cpu for: notebook', "quota", Kind.CLUSTER),
    "limit range": (403, 'pods "jupyter-ada" is forbidden: maximum memory usage per Container is 16Gi, but limit is 32Gi', "quota", Kind.CLUSTER),
    "pod security": (403, 'pods "jupyter-ada" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "notebook" must set securityContext.allowPrivilegeEscalation=false)', "admission_denied", Kind.POLICY),
    "webhook says no": (403, 'admission webhook "validate.kyverno.svc-fail" denied the request: policy Pod/ml/jupyter-ada for resource violation: token=canary', "admission_denied", Kind.POLICY),
    "webhook away": (500, 'Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": dial tcp 10.96.3.4:443: connect: connection refused', "api_away", Kind.CLUSTER),
    "no role": (403, 'pods is forbidden: User "system:serviceaccount:studiolo:hub" cannot create resource "pods" in API group "" in the namespace "ml"', "not_permitted", Kind.POLICY),
    "bare 403": (403, "", "not_permitted", Kind.POLICY),
    "token expired": (401, "Unauthorized", "not_permitted", Kind.POLICY),
    "too many": (429, "too many requests, please try again later", "api_busy", Kind.CLUSTER),
    "500": (500, "etcdserver: request timed out", "api_away", Kind.CLUSTER),
    "no answer": (0, "", "api_away", Kind.CLUSTER),
    "invalid": (422, 'Pod "jupyter-ada" is invalid: spec.containers[0].resources.requests: Invalid value: "4": must be less than or equal to cpu limit of 2', "api_refused", Kind.CLUSTER),
}  # fmt: skip


@pytest.mark.parametrize(("status", "text", "reason", "kind"), REFUSALS.values(), ids=REFUSALS)
def test_refusal(status: int, text: str, reason: str, kind: Kind) -> None:
    found = cause_of_refusal(status, text)
    assert (found.reason, found.kind) == (reason, kind)
    for canary in ("serviceaccount", "canary", "kyverno", "10.96", "jupyter-ada"):
        assert canary not in found.message + found.hint


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            "GPU quota",
            "4 of 4 GPUs of the cluster's namespace are in use; this workspace needs 1.",
        ),
        (
            "several resources",
            "The quota for memory is used up: 96Gi of 100Gi are in use, and this workspace needs 32Gi.",
        ),
    ],
)
def test_quota_in_numbers(case: str, words: str) -> None:
    status, text, _, _ = REFUSALS[case]
    assert cause_of_refusal(status, text).message == words


@given(st.integers(0, 599), st.text(max_size=500))
def test_never_the_images_fault(status: int, text: str) -> None:
    found = cause_of_refusal(status, text)
    assert found.kind in {Kind.CLUSTER, Kind.POLICY}
    assert found.message.isprintable()
