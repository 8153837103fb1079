"""Who may call what on the Hub's API: the scopes of workspaces and of our service. Pure.

Everyone gets as little as their work needs; what people and administrators may do is JupyterHub's
own `user` and `admin` roles, followed from the sign-in's groups.
"""

from typing import Any

CULLER = "studiolo-culler"
METRICS = "studiolo-metrics"

#: What a workspace's own token may do: say that it is used, stop itself, start itself again with
#: another choice and ask with which. `!server` is the workspace that the token was made for; it
#: reaches no other one, not even of the same person.
WORKSPACE_SCOPES = (
    "users:activity!user",
    "access:servers!server",
    "read:servers!server",
    "start:servers!server",
    "delete:servers!server",
)

#: The culler lists workspaces with their last activity and stops some. It reads neither their
#: state nor anyone's tokens, and deletes nobody.
CULLER_SCOPES = (
    "list:users",
    "read:users:activity",
    "read:servers",
    "delete:servers",
)


#: What Prometheus may do.
METRICS_SCOPES = ("read:metrics",)


def service_roles(*, culling: bool, metrics: bool = False) -> list[dict[str, Any]]:
    """Return the roles that the hub loads at start."""
    found = []
    if culling:
        told = "Stop workspaces by the idle policy of their profile"
        found.append(_role(CULLER, told, CULLER_SCOPES))
    if metrics:
        found.append(_role(METRICS, "Read the hub's metrics", METRICS_SCOPES))
    return found


def _role(service: str, description: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": service,
        "description": description,
        "scopes": list(scopes),
        "services": [service],
    }
