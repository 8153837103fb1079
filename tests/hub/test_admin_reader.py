"""What a reader's scopes let see, asked of a database that is JupyterHub's own, in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, scopes
from studiolo_hub import admin_reader
from studiolo_hub.admin_reader import HubReader
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.workspace_state import KEY

CATALOGUE = parse_catalogue(
    """
version: 1
images: [{id: torch, display_name: PyTorch, reference: "registry.example/torch:1"}]
profiles: [{id: gpu, display_name: One GPU, cpu: 1, memory: 1Gi}]
"""
)
PAGES: Any = SimpleNamespace(catalogue=CATALOGUE)
USED = datetime(2026, 3, 1, 10, 0, tzinfo=UTC).replace(tzinfo=None)  # as the database has it
OPTIONS = {"image": "torch", "profile": "gpu"}
PEOPLE = {"ana": ["vision"], "ben": ["vision", "words"], "cara": ["words"], "50%_off": []}


# JupyterHub's own column types, of which SQLAlchemy would like to know more.
pytestmark = pytest.mark.filterwarnings("ignore:TypeDecorator JSON:sqlalchemy.exc.SAWarning")


@pytest.fixture(scope="module")
def db() -> Iterator[Any]:
    """Four people who were not here since the hub began, with one workspace each and one more."""
    session = orm.new_session_factory("sqlite:///:memory:")()
    groups = {name: orm.Group(name=name) for name in ("vision", "words")}
    session.add_all(groups.values())
    for name, member_of in PEOPLE.items():
        user = orm.User(name=name)
        session.add(user)
        for group in member_of:
            groups[group].users.append(user)
        state = {"pvc_name": f"claim-{name}"}
        row = orm.Spawner(user=user, name="", last_activity=USED, user_options=OPTIONS, state=state)
        session.add(row)
    ana = orm.User.find(session, "ana")
    failure = {"reason": "crashed", "message": "It stopped.", "at": "2026-03-01T09:00:00+00:00"}
    kept = {KEY: {"spawn_id": "1", "failure": failure}}
    session.add(orm.Spawner(user=ana, name="train", last_activity=USED, state=kept))
    # JupyterHub makes a row for everybody's first workspace before there is one.
    session.add(orm.Spawner(user=ana, name="never"))
    session.commit()
    yield session
    session.close()


def reader(db: Any, *expanded: str) -> HubReader:
    parsed = scopes.parse_scopes(frozenset(expanded))

    def get_scope_filter(scope: str) -> Any:
        if scope not in parsed:
            return lambda _resource, kind: False
        return partial(scopes.check_scope_filter, parsed[scope])

    handler = SimpleNamespace(
        db=db, users={}, parsed_scopes=parsed, get_scope_filter=get_scope_filter
    )
    return HubReader(handler, PAGES)


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        pytest.param("read:servers", ["50%_off", "ana", "ana/train", "ben", "cara"], id="all"),
        pytest.param("read:servers!group=vision", ["ana", "ana/train", "ben"], id="a-group"),
        pytest.param("read:servers!user=cara", ["cara"], id="a-person"),
        pytest.param("read:servers!server=ana/train", ["ana/train"], id="a-workspace"),
        pytest.param("read:servers!service=x", [], id="a-filter-that-means-nothing-here"),
        pytest.param("list:users", [], id="another-scope"),
    ],
)
async def test_workspaces_of_people_who_are_not_here(db: Any, scope: str, names: list[str]) -> None:
    rows = await reader(db, scope).workspaces(stopped=True)
    assert sorted(f"{row.user}/{row.name}".rstrip("/") for row in rows) == names
    assert await reader(db, scope).workspaces(stopped=False) == []


async def test_what_is_told_of_them(db: Any) -> None:
    rows = await reader(db, "read:servers!user=ana").workspaces(stopped=True)
    first, failed = sorted(rows, key=lambda row: row.name)
    assert (first.state, first.image, first.profile) == ("stopped", "PyTorch", "One GPU")
    assert (first.title, first.volume, first.path) == ("My workspace", "claim-ana", "ana")
    assert (failed.state, failed.reason, failed.path) == ("failed", "It stopped.", "ana/train")
    assert failed.failed_at is not None


async def test_they_are_read_in_pages(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_reader, "PAGE", 2)
    rows = await reader(db, "read:servers").workspaces(stopped=True)
    assert len(rows) == len(PEOPLE) + 1


ALL = ("list:users", "read:users:name", "read:users:groups", "read:users:activity")


@pytest.mark.parametrize(
    ("held", "text", "names"),
    [
        pytest.param(ALL, "", ["50%_off", "ana", "ben", "cara"], id="everybody"),
        pytest.param(ALL, "AN", ["ana"], id="part-of-a-name"),
        pytest.param(ALL, "vision", ["ana", "ben"], id="a-group"),
        pytest.param(ALL, "vision words", ["ben"], id="two-groups"),
        pytest.param(ALL, "vision ana", ["ana"], id="a-group-and-a-name"),
        pytest.param(ALL, "%", ["50%_off"], id="no-placeholder"),
        pytest.param(ALL, "_", ["50%_off"], id="no-placeholder-for-one"),
        pytest.param(ALL, "\\", [], id="backslash"),
        pytest.param(("list:users!group=words",), "", ["ben", "cara"], id="filtered-by-group"),
        pytest.param(("list:users!user=ana",), "", ["ana"], id="filtered-by-name"),
        pytest.param(("list:users",), "vision", [], id="groups-are-not-theirs-to-search"),
        pytest.param((), "", [], id="nothing-held"),
    ],
)
def test_people(db: Any, held: tuple[str, ...], text: str, names: list[str]) -> None:
    shown = reader(db, *held).people(text)
    assert [row.name for row in shown.rows] == names
    assert (shown.found, shown.text) == (len(names), text)
    assert shown.total == reader(db, *held).people("").found


def test_what_is_not_the_readers_to_see_is_not_told(db: Any) -> None:
    (row,) = reader(db, "list:users!user=ana").people("").rows
    assert (row.groups, row.roles, row.last_activity, row.workspaces) == (None, None, None, 0)
    (row,) = reader(db, "list:users!user=ana", "read:users:groups", "read:servers").people("").rows
    assert (row.groups, row.workspaces, row.active) == (("vision",), 2, 0)


def test_names(db: Any) -> None:
    assert reader(db).names() == set(PEOPLE)
