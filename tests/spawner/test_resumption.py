"""A start that another process began, gone on with or undone: what a killed hub leaves, by hand.

``test_killed_hub`` ends real hubs; here are the cases that need a state made for the purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import orm, roles
from jupyterhub.spawner import SpawnException
from jupyterhub.utils import compare_token, hash_token
from sqlalchemy import inspect
from studiolo_spawner.server_identity import (
    adopt_identity,
    ensure_identity,
    revoke_identities,
    revoke_other_identities,
)
from studiolo_spawner.start_rules import MOST_RESUMES

from tests.fakes import pod_driver
from tests.fakes.pod_driver import Json, Step
from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
defaults: {image: good, profile: cpu, start_deadline: 30s, spawn_timeout: 60s}
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1"}
- {id: other, display_name: Other, reference: "unreachable.invalid/other:1"}
profiles: [{id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}]
"""


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        lab.kubelet.script = lambda _pod: [Step(0, pod_driver.waiting("ContainerCreating"))]
        yield lab


async def abandoned(lab: SpawnerLab) -> dict[str, Any]:
    """What is in the database of a start whose hub ended while the pod was pending."""
    spawner = lab.make()
    spawner.hub_ends = lambda: True
    start = asyncio.ensure_future(started(spawner))
    while not spawner.workspace_state.pod_uid:
        assert not start.done(), start.exception()
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    start.cancel()
    await asyncio.wait([start])
    state: dict[str, Any] = spawner.orm_spawner.state
    assert state["studiolo"]["phase"] == "starting"
    return state


def taken_up(lab: SpawnerLab, state: dict[str, Any], **changed: Any) -> Any:
    """A spawner that knows of the start what was written down, but for what is changed."""
    spawner = lab.make("ana", pod_gone_timeout=5)
    spawner.load_state({**state, "studiolo": {**state["studiolo"], **changed}})
    spawner.api_token = ""
    return spawner


async def test_a_hub_that_ends_leaves_the_pod_to_the_next_one(lab: SpawnerLab) -> None:
    state = await abandoned(lab)
    (pod,) = lab.kubelet.created
    spawner = taken_up(lab, state)
    resumed = asyncio.ensure_future(spawner.resume())
    await lab.kubelet.set_status(pod, pod_driver.running(ready=True))
    assert await resumed == "http://127.0.0.1:8888"
    assert lab.kubelet.created == [pod]
    assert spawner.pod_id == pod["metadata"]["uid"]
    assert spawner.workspace_state.phase == "running"
    assert spawner.workspace_state.resumed == 1
    assert "plan" not in spawner.get_state()["studiolo"]


async def test_the_plan_is_that_of_the_beginning(lab: SpawnerLab) -> None:
    """The catalogue was edited meanwhile: the images to fall back to are those of before."""
    state = await abandoned(lab)
    lab.catalogue.write_text(CATALOGUE.replace("other", "another"))
    (pod,) = lab.kubelet.created
    lab.kubelet.script = lambda _pod: [Step(0, pod_driver.running(ready=True))]
    spawner = taken_up(lab, state)
    spawner.api_token = "token-of-the-server"
    resumed = asyncio.ensure_future(spawner.resume())
    await lab.kubelet.set_status(pod, pod_driver.waiting("ErrImagePull", "manifest unknown"))
    await resumed
    assert [a.image_id for a in spawner.workspace_state.attempts] == ["good", "other"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another version's plan": ({"plan": {"request": {}}}, "plan_unreadable"),
    "no plan": ({"plan": None}, "plan_unreadable"),
    "taken up again and again": ({"resumed": MOST_RESUMES}, "resumed_too_often"),
    "stopped before": ({"phase": "ending"}, "stopped"),
    "failed before": (
        {
            "phase": "ending",
            "failure": {"at": "2026-03-01T12:00:00+00:00", "reason": "quota", "message": "Full."},
        },
        "quota",
    ),
}


@pytest.mark.parametrize(("changed", "reason"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_go_on_is_undone_and_told(
    lab: SpawnerLab, changed: dict[str, Any], reason: str
) -> None:
    spawner = taken_up(lab, await abandoned(lab), **changed)
    with pytest.raises(SpawnException) as told:
        await spawner.resume()
    assert told.value.reason == reason
    assert told.value.message
    # As JupyterHub does with a start that failed.
    if await spawner.poll() is None:
        await spawner.stop(now=True)
    assert await lab.names("pods") == set()


async def test_a_pod_that_is_gone_is_made_again(lab: SpawnerLab) -> None:
    state = await abandoned(lab)
    path = "/api/v1/namespaces/studiolo/pods/jupyter-ana"
    await lab.call("DELETE", path, {"gracePeriodSeconds": 0})
    lab.kubelet.script = lambda _pod: [Step(0, pod_driver.running(ready=True))]
    spawner = taken_up(lab, state)
    spawner.api_token = "token-of-the-server"
    await spawner.resume()
    assert len(lab.kubelet.created) == 2
    assert len(spawner.workspace_state.attempts) == 1


async def test_the_time_that_is_left_is_kept(lab: SpawnerLab) -> None:
    """The start began long ago: it has the least time there is, and then its pod goes."""
    spawner = taken_up(lab, await abandoned(lab), began="2026-01-01T00:00:00+00:00")
    resumed = asyncio.ensure_future(spawner.resume())
    while spawner._launch is None:
        assert not resumed.done(), resumed.exception()
        await asyncio.sleep(0.01)
    assert spawner._launch._time_left() == timedelta(seconds=20)
    resumed.cancel()
    await asyncio.wait([resumed])
    assert await lab.names("pods") == set()


async def test_running_workspace_is_asked_about_and_not_resumed(lab: SpawnerLab) -> None:
    lab.kubelet.script = lambda _pod: [Step(0, pod_driver.running(ready=True))]
    first = lab.make()
    await started(first)
    second = lab.make("ana")
    second.load_state(first.get_state())
    second._check_pending = True
    assert await second.poll() is None
    assert second._start_future is None
    assert len(lab.kubelet.created) == 1


# -- the token --------------------------------------------------------------------------------


def with_token(lab: SpawnerLab) -> tuple[Any, Any, str]:
    """A spawner, its database, and the token that the server was given."""
    spawner = lab.make()
    session = inspect(spawner.orm_spawner).session
    # What a hub makes when it begins.
    session.add(orm.OAuthClient(identifier="jupyterhub", redirect_uri="/"))
    session.commit()
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    roles.assign_default_roles(session, entity=spawner.orm_spawner.user)
    token = spawner.orm_spawner.user.new_api_token(note="Server at /user/ana/")
    client = orm.OAuthClient(identifier="server", secret=hash_token(token), redirect_uri="/")
    session.add(client)
    spawner.orm_spawner.oauth_client = client
    session.commit()
    spawner.api_token = ""
    return spawner, session, token


def pod_with(token: str) -> Json:
    variables = [{"name": "OTHER", "value": "x"}, {"name": "JUPYTERHUB_API_TOKEN", "value": token}]
    return {"spec": {"containers": [{"name": "notebook", "env": variables}]}}


async def test_the_pods_token_is_taken_over(lab: SpawnerLab) -> None:
    spawner, _, token = with_token(lab)
    adopt_identity(spawner, pod_with(token))
    assert spawner.api_token == token


@pytest.mark.parametrize("token", ["", "0" * 32])
async def test_a_token_that_is_none_of_ours_is_not(lab: SpawnerLab, token: str) -> None:
    spawner, _, _ = with_token(lab)
    adopt_identity(spawner, pod_with(token))
    assert spawner.api_token == ""


async def test_another_users_token_is_not(lab: SpawnerLab) -> None:
    spawner, session, _ = with_token(lab)
    other = orm.User(name="ben")
    session.add(other)
    session.commit()
    adopt_identity(spawner, pod_with(other.new_api_token()))
    assert spawner.api_token == ""


async def test_another_token_has_the_same_rights_and_the_first_goes(lab: SpawnerLab) -> None:
    spawner, session, token = with_token(lab)
    ensure_identity(spawner)
    assert spawner.api_token not in {"", token}
    first, second = orm.APIToken.find(session, token), orm.APIToken.find(session, spawner.api_token)
    assert (first.scopes, first.note) == (second.scopes, second.note)
    assert compare_token(spawner.orm_spawner.oauth_client.secret, spawner.api_token)
    assert not compare_token(spawner.orm_spawner.oauth_client.secret, token)
    revoke_other_identities(spawner)
    assert orm.APIToken.find(session, token) is None
    assert orm.APIToken.find(session, spawner.api_token) is not None


async def test_a_token_at_hand_is_kept(lab: SpawnerLab) -> None:
    spawner, _, _ = with_token(lab)
    spawner.api_token = "at hand"
    ensure_identity(spawner)
    assert spawner.api_token == "at hand"


async def test_without_any_token_there_is_no_start(lab: SpawnerLab) -> None:
    spawner = lab.make()
    spawner.api_token = ""
    with pytest.raises(Exception, match="start it again"):
        ensure_identity(spawner)


async def test_a_stopped_server_has_no_token(lab: SpawnerLab) -> None:
    spawner, session, token = with_token(lab)
    mine = spawner.orm_spawner.user.new_api_token(note="my own")
    session.commit()
    revoke_identities(spawner)
    session.commit()
    assert orm.APIToken.find(session, token) is None
    assert orm.APIToken.find(session, mine) is not None
