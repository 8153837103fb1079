from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from studiolo_hub.admin_gpus import GpuReport, as_json, gpu_report
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.holders import Holder
from studiolo_spawner.machines import Machine, machine_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GPU, SLICE = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"
CATALOGUE = parse_catalogue(
    """
version: 1
images: [{id: a, display_name: A, reference: "registry.example/a:1"}]
profiles:
  - {id: gpu, display_name: One GPU, cpu: 1, memory: 1Gi, resource: nvidia.com/gpu, count: 1}
"""
)


def machine(
    name: str,
    devices: dict[str, int],
    *,
    labels: dict[str, str] | None = None,
    closed: bool = False,
    ready: bool = True,
) -> Machine:
    allocatable = {"cpu": "16", "memory": "64Gi", **{k: str(v) for k, v in devices.items()}}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return machine_of(
        {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": {"unschedulable": closed},
            "status": {"allocatable": allocatable, "conditions": conditions},
        }
    )


def holder(user: str, node: str = "one", *, hours: float = 1, **changes: Any) -> Holder:
    fields: dict[str, Any] = {
        "user": user,
        "server": "",
        "pod": f"studiolo/jupyter-{user}",
        "node": node,
        "resource": GPU,
        "count": 1,
        "profile": "gpu",
        "phase": "Running",
        "since": NOW - timedelta(hours=hours),
    }
    return Holder(**{**fields, **changes})


def report(
    machines: list[Machine],
    holders: list[Holder] | None = None,
    waiting: list[Holder] | None = None,
    *,
    sees: set[str] | None = None,
) -> GpuReport:
    return gpu_report(
        machines,
        holders or [],
        waiting or [],
        catalogue=CATALOGUE,
        may_read=lambda user, _server: sees is None or user in sees,
        now=NOW,
    )


def test_who_holds_what_on_which_machine() -> None:
    told = report(
        [machine("one", {GPU: 4}), machine("two", {GPU: 2}), machine("cpu", {})],
        [holder("ben", hours=2), holder("ana", hours=3, count=2), holder("dan", "two")],
    )
    assert [row.name for row in told.machines] == ["one", "two"]
    assert told.without_gpus == 1
    (pool,) = told.machines[0].pools
    assert (pool.total, pool.held, pool.free) == (4, 3, 1)
    # Who has held longest stands first.
    assert [(one.user, one.count, one.since_words) for one in pool.holdings] == [
        ("ana", 2, "3 hours"),
        ("ben", 1, "2 hours"),
    ]
    assert pool.holdings[0].profile == "One GPU"
    (kind,) = told.kinds
    assert (kind.resource, kind.kind, kind.total, kind.held, kind.free) == (GPU, "whole", 6, 4, 2)


@pytest.mark.parametrize(
    ("resource", "labels", "kind"),
    [
        pytest.param(GPU, {}, "whole", id="whole"),
        pytest.param(SLICE, {}, "slice", id="mig"),
        pytest.param(
            GPU,
            {"nvidia.com/mig.strategy": "single", "nvidia.com/gpu.product": "A100-MIG-1g.5gb"},
            "slice",
            id="mig-by-the-single-strategy",
        ),
        pytest.param("nvidia.com/gpu.shared", {}, "share", id="shared-by-name"),
        pytest.param(
            GPU,
            {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"},
            "share",
            id="time-sliced-under-the-plain-name",
        ),
        pytest.param("amd.com/gpu", {}, "whole", id="amd"),
        pytest.param("example.com/fpga", {}, "other", id="something-else"),
    ],
)
def test_kinds_are_told_apart(resource: str, labels: dict[str, str], kind: str) -> None:
    told = report([machine("one", {resource: 4}, labels=labels)])
    assert [(row.resource, row.kind) for row in told.kinds] == [(resource, kind)]


def test_one_name_for_whole_ones_and_shares_is_two_kinds() -> None:
    shared = {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "mps"}
    told = report([machine("one", {GPU: 2}), machine("two", {GPU: 8}, labels=shared)])
    assert [(row.kind, row.total) for row in told.kinds] == [("share", 8), ("whole", 2)]


def test_pods_that_are_no_workspaces_are_named_by_their_namespace_alone() -> None:
    other = holder("", pod="render-farm/frame-42-canary", profile="")
    told = report([machine("one", {GPU: 2})], [other])
    (one,) = told.machines[0].pools[0].holdings
    assert (one.workspace, one.user, one.namespace) == (False, "", "render-farm")
    assert "canary" not in str(as_json(told))


def test_what_the_reader_may_not_see_is_counted_and_not_named() -> None:
    told = report(
        [machine("one", {GPU: 2})],
        [holder("ana"), holder("ben", server="secret")],
        [holder("cara", node="", phase="Pending")],
        sees={"ana"},
    )
    (pool,) = told.machines[0].pools
    assert pool.held == 2
    assert [(one.user, one.workspace) for one in pool.holdings] == [("ana", True), ("", True)]
    words = str(as_json(told))
    assert "ana" in words
    for hidden in ("ben", "secret", "cara"):
        assert hidden not in words


def test_who_waits_stands_in_the_order_of_asking() -> None:
    told = report(
        [machine("one", {GPU: 1})],
        [holder("ana")],
        [
            holder("late", node="", hours=0.1, phase="Pending"),
            holder("early", node="", hours=2, phase="Pending", gated=True, count=2),
            holder("cpu", node="", hours=0.5, phase="Pending", resource=None, count=0),
        ],
    )
    assert [one.holding.user for one in told.waiting] == ["early", "cpu", "late"]
    assert told.waiting[0].holding.gated
    assert told.waiting[1].resource == ""
    assert told.kinds[0].waiting == 3


@pytest.mark.parametrize(("closed", "ready"), [(True, True), (False, False)])
def test_closed_machines_are_marked(closed: bool, ready: bool) -> None:
    told = report([machine("one", {GPU: 4}, closed=closed, ready=ready)], [holder("ana")])
    assert not told.machines[0].open
    assert (told.kinds[0].free, told.kinds[0].closed) == (3, 3)


def test_devices_that_a_machine_no_longer_has_are_still_held() -> None:
    # The driver was lost under a workspace: what it holds is more than there is, and free is none.
    told = report([machine("one", {})], [holder("ana", count=2)])
    (pool,) = told.machines[0].pools
    assert (pool.total, pool.held, pool.free) == (0, 2, 0)
    assert told.kinds[0].free == 0


def test_an_empty_cluster() -> None:
    told = report([])
    assert (told.kinds, told.machines, told.waiting) == ((), (), ())
