"""What a person's own namespace holds before the first pod, and whose the namespace is. Pure.

Manifests come from the administrator (a role binding, a quota, limits, a network policy) and are
written as they are, with two marks: who manages them, and a digest of what was written last. By the
first an administrator's own object of the same name is told apart, which is never touched; by the
second an object that is as it was written is left alone without comparing it field by field, since
the API server fills in what a manifest leaves out.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _

Manifest = dict[str, Any]

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "studiolo"
WRITTEN: Final = "studiolo.dev/written"
HUB_LABELS: Final = "studiolo.dev/"
"""How the labels begin that tell whose hub's a namespace is."""

KINDS: Final[Mapping[str, str]] = {
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ResourceQuota": "v1",
    "LimitRange": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
"""What may be asked for, with the version that it is written in. Rights are written first."""


def problems_of(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with an administrator's manifest, each as the end of a sentence about it."""
    found = []
    kind, version = text(manifest.get("kind")), manifest.get("apiVersion")
    if kind not in KINDS:
        found.append(f"its kind is {kind!r}: only {', '.join(KINDS)} are made")
    elif version != KINDS[kind]:
        found.append(f"its apiVersion is {version!r}: write {KINDS[kind]}")
    metadata = mapping(manifest.get("metadata"))
    if not text(metadata.get("name")):
        found.append("it has no metadata.name")
    if metadata.get("namespace"):
        found.append("it names a namespace: leave metadata.namespace out")
    return found


def in_order(manifests: Iterable[Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    """The rights, and what is written by them."""
    listed = list(manifests)
    rights = [each for each in listed if each["kind"] == "RoleBinding"]
    return rights, [each for each in listed if each["kind"] != "RoleBinding"]


def stamped(manifest: Manifest) -> Manifest:
    """The manifest as it is written."""
    body = copy.deepcopy(manifest)
    metadata = body.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: MANAGER}
    plain = json.dumps(manifest, sort_keys=True, default=str).encode()
    digest = hashlib.sha256(plain).hexdigest()[:32]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), WRITTEN: digest}
    return body


def is_current(found: Mapping[str, Any], wanted: Manifest) -> bool:
    """Whether an object that is there may stay: it is up to date, or not ours to change."""
    metadata = mapping(found.get("metadata"))
    if mapping(metadata.get("labels")).get(MANAGED_BY) != MANAGER:
        return True
    written = mapping(metadata.get("annotations")).get(WRITTEN)
    return bool(written == wanted["metadata"]["annotations"][WRITTEN])


def is_counted(quota: Mapping[str, Any]) -> bool:
    """Whether the cluster keeps a quota already: until then it refuses every pod."""
    wanted = mapping(mapping(quota.get("spec")).get("hard"))
    return wanted.keys() <= mapping(mapping(quota.get("status")).get("hard")).keys()


def copied_secret(found: Mapping[str, Any], name: str) -> Manifest:
    """A pull secret as it is written into a person's namespace."""
    return stamped(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": text(found.get("type")) or "Opaque",
            "data": dict(mapping(found.get("data"))),
        }
    )


def require_usable(namespace: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Raise ClusterFault unless a namespace that was there is this hub's and is to stay."""
    metadata = mapping(namespace.get("metadata"))
    name, has = text(metadata.get("name")), mapping(metadata.get("labels"))
    wanted = {key: value for key, value in labels.items() if key.startswith(HUB_LABELS)}
    if any(has.get(key) != value for key, value in wanted.items()):
        listed = " ".join(f"{key}={value}" for key, value in sorted(wanted.items()))
        raise ClusterFault(
            joined(
                _("The namespace %(name)s is not one of this hub's, so nothing was started.")
                % {"name": name},
                _("If it is meant to be, ask your administrator to label it: %(command)s")
                % {"command": f"kubectl label namespace {name} {listed}"},
            ),
            reason="namespace_not_ours",
            status=409,
        )
    if metadata.get("deletionTimestamp"):
        raise ClusterFault(
            _(
                "Your namespace %(name)s is being deleted. Try again when it is gone, or ask your "
                "administrator."
            )
            % {"name": name},
            reason="namespace_deleted",
            status=409,
        )
