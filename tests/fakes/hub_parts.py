"""The parts of a hub that a spawner holds: a user, their server, a row in the hub's database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from jupyterhub import orm

_HUB = SimpleNamespace(
    public_host="",
    base_url="/hub/",
    api_url="http://127.0.0.1:8081/hub/api",
    url="http://127.0.0.1:8081/hub/",
)


def database(url: str = "sqlite:///:memory:") -> Any:
    """A session on a new database, by default in memory."""
    return orm.new_session_factory(url)()


def user(name: str, *groups: str, admin: bool = False, number: int = 1) -> Any:
    """What spawners read of a user."""
    return SimpleNamespace(
        name=name,
        id=number,
        admin=admin,
        groups=[SimpleNamespace(name=group) for group in groups],
        url=f"/user/{name}/",
        base_url=f"/user/{name}/",
        escaped_name=name,
    )


def spawner_of(spawner_class: Any, who: Any, db: Any, *, server: str = "", **traits: Any) -> Any:
    """A spawner with a row of its own, as the hub makes one just before a start."""
    row = db.query(orm.User).filter_by(name=who.name).first() or orm.User(name=who.name)
    db.add(row)
    spawner_row = orm.Spawner(user=row, name=server)
    spawner_row.server = orm.Server(base_url=f"/user/{who.name}/{server and server + '/'}")
    db.add(spawner_row)
    db.commit()
    spawner = spawner_class(
        user=who, hub=_HUB, orm_spawner=spawner_row, oauth_client_id="server", **traits
    )
    spawner.api_token = "token-of-the-server"
    return spawner
