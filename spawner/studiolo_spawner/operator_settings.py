"""What an operator can set of WorkspaceSpawner, and its defaults where they are not KubeSpawner's.

Traits only.  The defaults are secure: no root, no capabilities, no service account's token, and
nobody's files go because an account does.
"""

from __future__ import annotations

from typing import Any

from kubespawner import KubeSpawner
from traitlets import Bool, Dict, Enum, Integer, List, TraitError, Unicode, default, validate

from studiolo_spawner.namespace_objects import problems_of
from studiolo_spawner.shared_parts import registry_settings


class OperatorSettings(KubeSpawner):
    """The traits."""

    catalogue_path = Unicode(
        "/etc/studiolo/catalogue.yaml",
        config=True,
        help="""
        The file with the catalogue of images and GPU profiles.

        It is followed while the hub runs: an edit takes effect within seconds, a bad edit leaves
        the last good catalogue in use.  Check a file with `studiolo catalogue check FILE`.
        """,
    )

    registries = Dict(
        config=True,
        help="""
        Settings of image registries, by the host that stands in image references.

        Registries without settings are asked by HTTPS and without credentials.  For example::

            c.WorkspaceSpawner.registries = {
                "registry.example.org": {
                    "endpoint": "https://mirror.example.org",
                    "username": "hub",
                    "password": "...",
                    "insecure": False,
                    "allow_private": True,
                }
            }

        `allow_private` is needed for a registry whose address is private or loopback.
        """,
    )

    adopt_unowned = Bool(
        False,
        config=True,
        help="""
        Take over home volumes and namespaces that do not say whose they are.

        Names of volumes can be made to collide, so one without the annotation
        `hub.jupyter.org/username` is refused.  Set this for the time of a migration from volumes
        that were made by something else.  One that names another user is refused always.
        """,
    )

    namespace_objects = List(
        Dict(),
        config=True,
        help="""
        What each person's namespace holds before the first pod, where everybody has one of their
        own (`enable_user_namespaces`): manifests of a RoleBinding that gives the hub its rights
        there, ResourceQuota, LimitRange and NetworkPolicy, without a namespace.

        They are kept as they are written here; one of the same name that an administrator made
        (without the label `app.kubernetes.io/managed-by: studiolo`) is left alone.
        """,
    )

    image_check_period = Integer(
        600,
        min=0,
        config=True,
        help="""
        How often all images of the catalogue are checked, in seconds; 0 for never.

        Images that cannot be pulled are marked on the menu before anybody picks them.
        """,
    )

    capacity_watch = Enum(
        ("cluster", "namespace", "off"),
        "cluster",
        config=True,
        help="""
        Whose pods are counted to tell what is free: those of the whole cluster, or of the
        workspaces' namespace alone; off to tell nothing.

        `cluster` needs the right to list and watch nodes and the pods of all namespaces,
        `namespace` to list and watch nodes.
        """,
    )

    hub_pages = Bool(
        False,
        config=True,
        help="""
        Whether the hub has Studiolo's own pages and addresses (package studiolo_hub).

        The menu's style sheet and script then come from the hub instead of standing in the page,
        and what is free is kept up to date while the menu is open.
        """,
    )

    pod_gone_timeout = Integer(
        60,
        min=1,
        config=True,
        help="""
        How long to wait, in seconds and beyond its grace period, for a deleted pod to go away.
        """,
    )

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        return ["jupyterhub-singleuser"]

    @default("pvc_name_template")
    def _default_pvc_name_template(self) -> str:
        # One home for all servers of a user.
        return "home-{username}"

    @default("delete_pvc")
    def _default_delete_pvc(self) -> bool:
        # Nobody's files go because an account does.
        return False

    @default("uid")
    def _default_uid(self) -> int:
        return 1000

    @default("gid")
    def _default_gid(self) -> int:
        return 1000

    @default("fs_gid")
    def _default_fs_gid(self) -> int:
        return 1000

    @default("automount_service_account_token")
    def _default_automount(self) -> bool:
        return False

    @default("pod_security_context")
    def _default_pod_security_context(self) -> dict[str, Any]:
        return {"fsGroupChangePolicy": "OnRootMismatch"}

    @default("container_security_context")
    def _default_container_security_context(self) -> dict[str, Any]:
        return {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }

    @validate("namespace_objects")
    def _checked_namespace_objects(self, proposal: Any) -> Any:
        for number, manifest in enumerate(proposal.value):
            if found := problems_of(manifest):
                raise TraitError(f"namespace_objects[{number}]: {'; '.join(found)}")
        return proposal.value

    @validate("registries")
    def _checked_registries(self, proposal: Any) -> Any:
        registry_settings(proposal.value)
        return proposal.value
