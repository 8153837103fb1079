from types import SimpleNamespace
from typing import Any

import pytest
from studiolo_spawner import changes as module
from studiolo_spawner.changes import Changes, TellsChanges


class Told(TellsChanges):
    def __init__(self, user: Any) -> None:
        self.user, self.name = user, "lab"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    changes = Changes()
    heard: list[tuple[str, str]] = []
    changes.subscribe(lambda user, server: heard.append((user, server)))
    monkeypatch.setattr(module, "changes", changes)
    return heard


def test_a_flag_that_changes_is_told_once(heard: list[tuple[str, str]]) -> None:
    spawner = Told(SimpleNamespace(name="ana"))
    assert spawner._spawn_pending is False
    spawner._spawn_pending = True
    spawner._spawn_pending = True
    assert spawner._spawn_pending is True
    assert spawner._stop_pending is False
    assert heard == [("ana", "lab")]


def test_spawners_keep_their_flags_apart(heard: list[tuple[str, str]]) -> None:
    one, other = Told(SimpleNamespace(name="ana")), Told(SimpleNamespace(name="ben"))
    one._stop_pending = True
    assert not other._stop_pending
    assert heard == [("ana", "lab")]


def test_a_spawner_without_a_user_tells_nobody(heard: list[tuple[str, str]]) -> None:
    Told(None)._spawn_pending = True
    assert heard == []


def test_whoever_unsubscribes_hears_no_more() -> None:
    changes = Changes()
    heard: list[str] = []
    end = changes.subscribe(lambda user, server: heard.append(user))
    changes.tell("ana", "")
    end()
    end()
    changes.tell("ben", "")
    assert heard == ["ana"]


def test_jupyterhubs_flags_are_all_there() -> None:
    """A new JupyterHub with another flag would go unheard otherwise."""
    from jupyterhub.spawner import Spawner

    flags = {name for name, value in vars(Spawner).items() if value is False and name[0] == "_"}
    assert {name for name in flags if "pending" in name or "waiting" in name} <= set(
        vars(TellsChanges)
    )
