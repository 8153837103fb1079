"""Quotas: what counts towards which, what is refused, and who is told whose names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner import quotas
from studiolo_spawner.catalogue import Catalogue, parse_catalogue
from studiolo_spawner.errors import CatalogueError
from studiolo_spawner.holders import Holder
from studiolo_spawner.offer import Person

from tests.spawner.catalogues import catalogue, profile

GPU = "nvidia.com/gpu"
MIG = "nvidia.com/mig-1g.10gb"
STUDENTS = frozenset({"students"})


def with_quota(**fields: Any) -> Catalogue:
    """A catalogue with one quota, of the students unless said otherwise."""
    quota = {"id": "q", "display_name": "Students", "groups": ["students"], **fields}
    if quota.get("everyone"):
        del quota["groups"]
    return catalogue(
        profiles=[
            profile("cpu"),
            profile("gpu", resource=GPU, count=1),
            profile("gpu-2", resource=GPU, count=2),
            profile("mig", resource=MIG, count=1),
        ],
        quotas=[quota],
    )


def holder(
    user: str,
    one: str = "gpu",
    *,
    server: str = "",
    groups: frozenset[str] = STUDENTS,
) -> Holder:
    kinds: dict[str, tuple[str | None, int]] = {
        "cpu": (None, 0),
        "gpu": (GPU, 1),
        "gpu-2": (GPU, 2),
        "mig": (MIG, 1),
    }
    resource, count = kinds[one]
    return Holder(
        user=user,
        server=server,
        pod=f"studiolo/{user}-{server}",
        node="n",
        resource=resource,
        count=count,
        profile=one,
        phase="Running",
        since=None,
        groups=groups if user else frozenset(),
    )


def refused(
    offered: Catalogue,
    one: str = "gpu",
    *held: Holder,
    person: Person | None = None,
    replacing: tuple[str, str] | None = None,
) -> str | None:
    found = offered.profile(one)
    assert found is not None
    who = person or Person("ana", STUDENTS)
    answer = quotas.refusal(who, found, held, offered, replacing=replacing)
    return answer.text if answer else None


TOGETHER = {"scope": "together", "resources": {GPU: 2}}


@pytest.mark.parametrize(
    ("fields", "held", "one", "allowed"),
    [
        pytest.param(TOGETHER, [], "gpu-2", True, id="the whole"),
        pytest.param(TOGETHER, [holder("ben")], "gpu", True, id="the last one"),
        pytest.param(TOGETHER, [holder("ben")], "gpu-2", False, id="more than is left"),
        pytest.param(TOGETHER, [holder("ben", "gpu-2")], "gpu", False, id="used up"),
        pytest.param(TOGETHER, [holder("ben", "gpu-2")], "mig", True, id="another kind"),
        pytest.param(TOGETHER, [holder("ben", "gpu-2")], "cpu", True, id="no device"),
        pytest.param(
            TOGETHER, [holder("eve", "gpu-2", groups=frozenset())], "gpu", True, id="others"
        ),
        pytest.param(TOGETHER, [holder("", "gpu-2")], "gpu", True, id="no workspace"),
        pytest.param({"resources": {GPU: 1}}, [holder("ben")], "gpu", True, id="each: another's"),
        pytest.param({"resources": {GPU: 1}}, [holder("ana", server="b")], "gpu", False, id="own"),
        pytest.param({"workspaces": 1}, [holder("ana", "cpu")], "cpu", False, id="workspaces"),
        pytest.param(
            {"workspaces": 1, "profiles": ["gpu-2"]},
            [holder("ana", "gpu-2")],
            "gpu",
            True,
            id="a quota of another profile",
        ),
        pytest.param(
            {"workspaces": 1, "profiles": ["gpu-2"]},
            [holder("ana", "gpu")],
            "gpu-2",
            True,
            id="another profile does not count",
        ),
        pytest.param({"largest": {GPU: 1}}, [], "gpu-2", False, id="too large a workspace"),
        pytest.param({"largest": {GPU: 1}}, [holder("ana", "gpu")], "gpu", True, id="large enough"),
        pytest.param({"resources": {GPU: 0}}, [], "gpu", False, id="none of this kind"),
    ],
)
def test_what_a_quota_allows(
    fields: dict[str, Any], held: list[Holder], one: str, allowed: bool
) -> None:
    assert (refused(with_quota(**fields), one, *held) is None) is allowed


@pytest.mark.parametrize(
    ("fields", "person", "bound"),
    [
        pytest.param({}, Person("ana", STUDENTS), True, id="member"),
        pytest.param({}, Person("eve"), False, id="no member"),
        pytest.param({}, Person("root", admin=True), False, id="administrator outside"),
        pytest.param({}, Person("root", STUDENTS, admin=True), True, id="administrator inside"),
        pytest.param({"users": ["eve"]}, Person("eve"), True, id="named"),
        pytest.param({"everyone": True}, Person("eve"), True, id="everyone"),
    ],
)
def test_whom_a_quota_binds(fields: dict[str, Any], person: Person, bound: bool) -> None:
    offered = with_quota(resources={GPU: 0}, **fields)
    assert (refused(offered, "gpu", person=person) is not None) is bound
    assert bool(quotas.states(person, (), offered)) is bound


def test_starting_again_replaces_what_one_holds() -> None:
    offered = with_quota(resources={GPU: 2})
    held = holder("ana", "gpu-2", server="b")
    assert refused(offered, "gpu-2", held, replacing=("ana", "b")) is None
    assert refused(offered, "gpu", held, replacing=("ana", "")) is not None


@pytest.mark.parametrize(
    ("fields", "one", "words"),
    [
        pytest.param(
            TOGETHER,
            "gpu",
            "2 of 2 GPUs of Students are in use by ana and ben. Stop one of yours (the first "
            "one), or choose a profile of another kind.",
            id="together",
        ),
        pytest.param(
            {"scope": "together", "resources": {GPU: 3}},
            "gpu-2",
            "2 of 3 GPUs of Students are in use by ana and ben; this workspace needs 2. Stop one "
            "of yours (the first one), or choose a profile of another kind.",
            id="too few left",
        ),
        pytest.param(
            {"scope": "together", "resources": {GPU: 2}, "everyone": True},
            "gpu",
            "2 of 2 GPUs of Students are in use. Stop one of yours (the first one), or choose a "
            "profile of another kind.",
            id="strangers are not named",
        ),
        pytest.param(
            {"workspaces": 1},
            "cpu",
            "1 of your 1 workspace is in use. Stop one of yours (the first one).",
            id="workspaces",
        ),
        pytest.param(
            {"largest": {GPU: 1}},
            "gpu-2",
            "Students may use at most 1 GPU in one workspace, and this profile asks for 2. Choose "
            "a smaller profile.",
            id="largest",
        ),
        pytest.param(
            {"resources": {GPU: 0}},
            "gpu",
            "Students may use no GPUs, and this profile asks for 1. Choose a smaller profile.",
            id="none",
        ),
    ],
)
def test_refused_in_words(fields: dict[str, Any], one: str, words: str) -> None:
    held = (holder("ana"), holder("ben"))
    assert refused(with_quota(**fields), one, *held, replacing=("ana", "new")) == words


def test_who_holds_nothing_is_told_to_wait() -> None:
    told = refused(with_quota(scope="together", resources={MIG: 1}), "mig", holder("ben", "mig"))
    assert told == (
        "1 of 1 GPU slice (1g.10gb) of Students is in use by ben. Wait until one is given back, "
        "or choose a profile of another kind."
    )


def test_states_are_told_before_the_choice() -> None:
    offered = with_quota(scope="together", resources={GPU: 4}, workspaces=5)
    held = (holder("ana"), holder("ben"), holder("ben", "cpu", server="b"))
    one, other = quotas.states(Person("ana", STUDENTS), held, offered)
    assert (one.text, one.used, one.limit) == (
        "2 of 4 GPUs of Students in use by ana and ben",
        2,
        4,
    )
    assert (one.kind, one.holders) == (GPU, ("ana", "ben"))
    assert other.text == "3 of 5 workspaces of Students in use by ana and ben"


def test_an_administrator_is_told_names_of_everyone() -> None:
    offered = with_quota(scope="together", resources={GPU: 4}, everyone=True)
    (told,) = quotas.states(Person("root", admin=True), [holder("ben")], offered)
    assert told.holders == ("ben",)
    (told,) = quotas.states(Person("eve"), [holder("ben")], offered)
    assert told.holders == ()


@given(
    limit=st.integers(0, 6),
    starts=st.lists(
        st.tuples(st.sampled_from(["ana", "ben", "cem"]), st.sampled_from(["gpu", "gpu-2", "mig"])),
        max_size=12,
    ),
)
def test_however_people_start_a_group_never_has_more_than_its_quota(
    limit: int, starts: list[tuple[str, str]]
) -> None:
    offered = with_quota(scope="together", resources={GPU: limit})
    held: list[Holder] = []
    for number, (user, one) in enumerate(starts):
        wanted = holder(user, one, server=f"s{number}")
        if refused(offered, one, *held, person=Person(user, STUDENTS)) is None:
            held.append(wanted)
            used = sum(each.count for each in held if each.resource == GPU)
            assert used <= limit
        else:
            used = sum(each.count for each in held if each.resource == GPU)
            assert used + wanted.count > limit


def test_every_mistake_in_quotas_is_told_at_once() -> None:
    text = """
version: 1
images: [{id: i, display_name: I, reference: "ghcr.io/lab/i:1"}]
profiles: [{id: gpu, display_name: G, resource: nvidia.com/gpu, count: 1, cpu: 1, memory: 1Gi}]
quotas:
  - {id: a, display_name: A, workspaces: 1}
  - {id: a, display_name: A, groups: [g]}
  - {id: b, display_name: B, everyone: true, groups: [g], workspaces: 1}
  - {id: c, display_name: C, everyone: true, resources: {nvidia.com/gpus: 1}, profiles: [gpo]}
  - {id: d, display_name: D, everyone: true, scope: all, workspaces: -1, who: me}
"""
    with pytest.raises(CatalogueError) as raised:
        parse_catalogue(text)
    told = str(raised.value)
    for words in (
        "quotas[0]: it binds nobody",
        "quotas[1]: it limits nothing",
        'quotas[1].id: quotas[0] is also called "a"',
        "quotas[2]: everyone is given",
        'no profile asks for "nvidia.com/gpus" (did you mean "nvidia.com/gpu"?)',
        'quotas[3].profiles[0]: no profile is called "gpo"',
        "quotas[4].scope",
        "quotas[4].workspaces",
        "quotas[4].who: there is no such key",
    ):
        assert words in told, words
