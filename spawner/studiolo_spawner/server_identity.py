"""The token with which a workspace speaks to the hub, when another hub process gave it; I/O.

A hub keeps of a token only its hash, and only the process that made it knows it.  A process that
goes on with an earlier one's start therefore reads the token from the pod that has it or, where no
pod was made yet, makes another with the same rights.  Works on the hub's database; the secret of
the server's OAuth client is always the token in use, as JupyterHub has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub import orm
from jupyterhub.utils import hash_token, maybe_future, url_escape_path, url_path_join
from sqlalchemy import inspect

from studiolo_spawner.cluster_api import KubernetesObject
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.pod_view import MAIN_CONTAINER, mapping, mappings, text
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the variable's name


def adopt_identity(spawner: WorkspaceSpawner, pod: KubernetesObject) -> None:
    """Go on with the token that the spawner's own pod has, if it is one of this user's."""
    token = _token_of(pod)
    row = _row_of(spawner)
    found = orm.APIToken.find(inspect(row).session, token) if token else None
    if found is not None and found.user is row.user:
        _use(spawner, token)


def ensure_identity(spawner: WorkspaceSpawner) -> None:
    """Have a token for a new pod: the one at hand, or another with the same rights as the last."""
    if spawner.api_token:
        return
    last = _last_token(spawner)
    if last is None:
        raise StudioloError(
            _(
                "The hub was restarted, and what your start was allowed to do is not known any "
                "more. Your files are untouched: start it again."
            ),
            reason="identity_lost",
            status=503,
        )
    _use(spawner, last.user.new_api_token(note=last.note, scopes=list(last.scopes)))
    spawner.log.info("Made another token for the server of %s", spawner.user.name)


def revoke_other_identities(spawner: WorkspaceSpawner) -> None:
    """Have no token of this server but the one in use, where it is known."""
    session = inspect(_row_of(spawner)).session
    used = orm.APIToken.find(session, spawner.api_token) if spawner.api_token else None
    if used is not None:
        for token in _tokens(spawner):
            if token.id != used.id:
                session.delete(token)
        session.commit()


def revoke_identities(spawner: WorkspaceSpawner) -> None:
    """Have no token of a server that is no more; committed by who stops the server.

    JupyterHub revokes what it remembers, and that is nothing of what another process made.
    """
    for token in _tokens(spawner):
        inspect(_row_of(spawner)).session.delete(token)


async def ensure_certificates(spawner: WorkspaceSpawner) -> None:
    """Have the certificates of internal TLS, where it is used, as JupyterHub has before a start."""
    if spawner.internal_ssl and not spawner.cert_paths:
        made = await maybe_future(spawner.create_certs())
        spawner.cert_paths = await maybe_future(spawner.move_certs(made))


def _use(spawner: WorkspaceSpawner, token: str) -> None:
    spawner.api_token = token
    client = _row_of(spawner).oauth_client
    if client is not None:
        client.secret = hash_token(token)
    inspect(_row_of(spawner)).session.commit()


def _token_of(pod: KubernetesObject) -> str:
    for container in mappings(mapping(pod.get("spec")).get("containers")):
        if container.get("name") == MAIN_CONTAINER:
            for variable in mappings(container.get("env")):
                if variable.get("name") == TOKEN:
                    return text(variable.get("value"))
    return ""


def _tokens(spawner: WorkspaceSpawner) -> list[Any]:
    """The tokens made for this server, which JupyterHub tells apart by their notes."""
    row = _row_of(spawner)
    path = url_path_join(spawner.user.base_url, url_escape_path(spawner.name), "/")
    note = f"Server at {path}"
    tokens = inspect(row).session.query(orm.APIToken)
    return list(tokens.filter_by(user_id=row.user_id, note=note).order_by(orm.APIToken.id))


def _last_token(spawner: WorkspaceSpawner) -> Any | None:
    return next(reversed(_tokens(spawner)), None)


def _row_of(spawner: WorkspaceSpawner) -> Any:
    return spawner.orm_spawner
