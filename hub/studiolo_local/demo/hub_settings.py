"""How the hub is configured on one machine: its settings file, as text. Pure.

The hub itself has no special case for this machine: all that differs from a real cluster is said
here, in the settings that any operator uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from studiolo_local.demo.folder import SHIPPED, DemoFolder
from studiolo_local.registry.demo_images import REGISTRY_HOST

NAMESPACE = "studiolo"
CLIENT_ID = "studiolo"


@dataclass(frozen=True)
class Addresses:
    """Where the parts answer, all on the loopback address."""

    public_port: int
    hub_port: int
    proxy_api_port: int
    signin_port: int
    registry_port: int

    @property
    def public(self) -> str:
        """What a person opens."""
        return f"http://127.0.0.1:{self.public_port}"

    @property
    def hub(self) -> str:
        """The hub's own port, behind the proxy."""
        return f"http://127.0.0.1:{self.hub_port}"

    @property
    def proxy_api(self) -> str:
        """Where the hub tells the proxy its routes."""
        return f"http://127.0.0.1:{self.proxy_api_port}"

    @property
    def issuer(self) -> str:
        """The sign-in."""
        return f"http://127.0.0.1:{self.signin_port}"

    @property
    def registry(self) -> str:
        """The image registry."""
        return f"http://127.0.0.1:{self.registry_port}"

    @property
    def callbacks(self) -> frozenset[str]:
        """Where the sign-in may send people back to, by both names of this machine."""
        return frozenset(
            f"http://{host}:{self.public_port}/hub/oauth_callback"
            for host in ("127.0.0.1", "localhost")
        )


def settings_text(folder: DemoFolder, at: Addresses, *, as_root: bool) -> str:
    """Write the hub's settings; secrets are not among them, they go by the environment."""
    # Each workspace has a loopback address of its own: on this machine it must not listen on all.
    args = ["--ip=$(POD_IP)", *(["--allow-root"] if as_root else [])]
    settings: dict[str, Any] = {
        "brand": {"contact": "whoever started this demo"},
        "sign_in": {
            "issuer": at.issuer,
            "service_name": "a local name",
            "client_id": CLIENT_ID,
            "username_claim": "preferred_username",
            "allow_all": True,
            "admin_groups": ["admins"],
        },
        "hub": {
            "bind_url": at.public,
            "port": at.hub_port,
            "state_dir": str(folder.hub),
        },
        "proxy": {"external": True, "api_url": at.proxy_api},
        "workspaces": {
            "catalogue_path": str(folder.catalogue),
            "namespace": NAMESPACE,
            "registries": {
                REGISTRY_HOST: {"endpoint": at.registry, "insecure": True, "allow_private": True}
            },
            "args": args,
        },
        # Workspaces of one machine cost little to hear: what is idle is seen soon.
        "culling": {"every": "30s", "report_every": "15s"},
        "extra": {
            "WorkspaceSpawner": {
                "environment": {
                    "POD_IP": {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    # What an image would have below /etc/jupyter: no news from outside this machine
                    # and no question about them; terminals that keep the PATH, which a login
                    # shell of Debian's sets anew.
                    "JUPYTER_CONFIG_PATH": str(SHIPPED / "jupyter"),
                }
            }
        },
    }
    head = "# Written anew at every start of the demo: edits are lost.\n"
    return head + yaml.safe_dump(settings, sort_keys=False)
