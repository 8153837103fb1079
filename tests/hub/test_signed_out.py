"""Workspaces whose owners have signed out, followed until they are idle."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from studiolo_hub import signed_out
from studiolo_hub.lifecycle import Policies, Policy
from studiolo_hub.signed_out import SignedOut
from studiolo_hub.signout import Rule
from studiolo_hub.signout_handlers import SignOutHandler
from studiolo_hub.stopping import starts_to_come

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = Rule("stop_idle", 5 * MINUTE, MINUTE)
POLICIES = Policies({"gpu": Policy(HOUR)}, "gpu", Policy(4 * HOUR))


@dataclass
class FakeUser:
    """JupyterHub's user with one workspace, as far as it is looked at."""

    name: str
    quiet: timedelta = timedelta(0)
    fails: bool = False
    stopped: list[str] = field(default_factory=list)
    spawners: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        row = SimpleNamespace(
            started=(NOW - HOUR).replace(tzinfo=None),
            last_activity=(NOW - self.quiet).replace(tzinfo=None),
            display_name="",
        )
        self.spawners["train"] = SimpleNamespace(
            name="train",
            active=True,
            pending=None,
            orm_spawner=row,
            user_options={"profile": "gpu"},
            _stop_pending=False,
        )

    @property
    def row(self) -> Any:
        return self.spawners["train"].orm_spawner

    async def stop(self, name: str) -> None:
        assert self.spawners[name]._stop_pending
        if self.fails:
            raise RuntimeError("the cluster said no")
        self.stopped.append(name)
        self.spawners[name].active = False


class FakeProxy:
    def __init__(self) -> None:
        self.deleted: list[tuple[str, str]] = []

    async def delete_user(self, user: Any, name: str) -> None:
        self.deleted.append((user.name, name))


APP = SimpleNamespace(proxy=FakeProxy())


async def looked(left: SignedOut) -> None:
    """Look once, and wait for what that has begun."""
    left.look()
    await asyncio.gather(*left._stopping)


def following(policies: Policies | None = POLICIES) -> SignedOut:
    return SignedOut(RULE, lambda: policies, every=3600, clock=lambda: NOW)


@pytest.fixture(autouse=True)
async def _no_task_is_left() -> AsyncIterator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if task.get_name() == "workspaces left at sign-out":
            task.cancel()
            await asyncio.wait([task])


async def test_it_is_stopped_once_it_is_quiet() -> None:
    user, left = FakeUser("ana"), following()
    left.follow(APP, user, ["train"])
    await looked(left)
    assert user.stopped == []
    user.row.last_activity -= 7 * MINUTE
    await looked(left)
    assert user.stopped == ["train"]
    assert ("ana", "train") in APP.proxy.deleted
    assert not user.spawners["train"]._stop_pending
    await looked(left)
    assert user.stopped == ["train"]


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda user, left: left.take_back("ana"), id="owner-is-back"),
        pytest.param(lambda user, left: user.spawners.clear(), id="deleted"),
        pytest.param(
            lambda user, left: setattr(user.spawners["train"], "active", False), id="stopped"
        ),
        pytest.param(
            lambda user, left: setattr(user.row, "started", user.row.started + MINUTE),
            id="started-again-by-somebody-else",
        ),
    ],
)
async def test_it_is_left_alone_when(happens: Any) -> None:
    user, left = FakeUser("ana", quiet=HOUR), following()
    left.follow(APP, user, ["train"])
    happens(user, left)
    await looked(left)
    assert user.stopped == []


async def test_who_comes_back_takes_only_theirs() -> None:
    ana, ben, left = FakeUser("ana", quiet=HOUR), FakeUser("ben", quiet=HOUR), following()
    left.follow(APP, ana, ["train"])
    left.follow(APP, ben, ["train"])
    left.take_back("ana")
    await looked(left)
    assert (ana.stopped, ben.stopped) == ([], ["train"])


async def test_a_stop_under_way_is_waited_for() -> None:
    user, left = FakeUser("ana", quiet=HOUR), following()
    user.spawners["train"].pending = "stop"
    left.follow(APP, user, ["train"])
    await looked(left)
    assert user.stopped == []


async def test_without_a_catalogue_nothing_is_stopped() -> None:
    user, left = FakeUser("ana", quiet=9 * HOUR), following(None)
    left.follow(APP, user, ["train"])
    await looked(left)
    assert user.stopped == []


async def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_out, "_LIMIT", 2)
    users = [FakeUser(name, quiet=HOUR) for name in ("first", "second", "third")]
    left = following()
    for user in users:
        left.follow(APP, user, ["train"])
    await looked(left)
    assert [user.stopped for user in users] == [[], ["train"], ["train"]]


async def test_one_that_cannot_be_stopped_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    user = FakeUser("ana", quiet=HOUR)

    user.fails = True
    left = SignedOut(RULE, lambda: POLICIES, every=0.01, clock=lambda: NOW)
    left.follow(APP, user, ["train"])
    other = FakeUser("ben", quiet=HOUR)
    await asyncio.sleep(0.05)
    left.follow(APP, other, ["train"])
    for _ in range(100):
        if other.stopped:
            break
        await asyncio.sleep(0.01)
    assert other.stopped == ["train"]
    assert "could not be stopped" in caplog.text
    assert not user.spawners["train"]._stop_pending


@pytest.fixture
async def _restarting() -> AsyncIterator[None]:
    starts_to_come["ana", "train"] = asyncio.ensure_future(asyncio.sleep(60))
    yield
    task = starts_to_come.pop(("ana", "train"))
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize(
    ("active", "pending", "seen"),
    [
        pytest.param(True, None, True, id="runs"),
        pytest.param(True, "spawn", True, id="starts"),
        pytest.param(True, "stop", False, id="is-being-stopped"),
        pytest.param(False, None, False, id="does-not-run"),
    ],
)
async def test_what_signing_out_is_about(active: bool, pending: str | None, seen: bool) -> None:
    assert (_asked(active, pending) is not None) is seen


@pytest.mark.usefixtures("_restarting")
@pytest.mark.parametrize(("active", "pending"), [(True, "stop"), (False, None)])
async def test_what_is_stopped_only_to_be_started_again_counts_as_starting(
    active: bool, pending: str | None
) -> None:
    workspace = _asked(active, pending)
    assert workspace is not None
    assert workspace.starting


def _asked(active: bool, pending: str | None) -> Any:
    user = FakeUser("ana")
    spawner = user.spawners["train"]
    spawner.active, spawner.pending = active, pending
    handler: Any = SimpleNamespace(current_user=user)
    return SignOutHandler._workspace(handler, spawner)
