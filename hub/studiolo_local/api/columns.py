"""The columns and cells of each kind's table, as kubectl's users know them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studiolo_local.api import resources
from studiolo_local.api.durations import age
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.pod_row import pod_cells
from studiolo_local.api.resources import Resource

Cells = list[Any]

_ACCESS_LETTERS = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_ROLE_PREFIX = "node-role.kubernetes.io/"


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind is laid out; names that begin with `+` are shown by `-o wide` alone."""

    names: tuple[str, ...]
    cells: Callable[[JsonObject, datetime], Cells]

    def definitions(self) -> list[JsonObject]:
        """Return the columns as a Table defines them."""
        return [
            {
                "name": name.removeprefix("+"),
                "type": "string",
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": int(name.startswith("+")),
            }
            for name in self.names
        ]


def layout_of(resource: Resource) -> Layout:
    """Return how a kind is laid out."""
    return _LAYOUTS.get(resource, _PLAIN)


def _plain(content: JsonObject, now: datetime) -> Cells:
    return [content["metadata"]["name"], age(content["metadata"].get("creationTimestamp"), now)]


def _claim(content: JsonObject, now: datetime) -> Cells:
    metadata, spec, status = _parts(content)
    phase = "Terminating" if metadata.get("deletionTimestamp") else status.get("phase")
    modes = status.get("accessModes") or []
    return [
        metadata["name"],
        phase,
        spec.get("volumeName") or "",
        (status.get("capacity") or {}).get("storage") or "",
        ",".join(_ACCESS_LETTERS.get(mode, mode) for mode in modes),
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or "<unset>",
        age(metadata.get("creationTimestamp"), now),
        spec.get("volumeMode") or "<unset>",
    ]


def _node(content: JsonObject, now: datetime) -> Cells:
    metadata, spec, status = _parts(content)
    ready = next(
        (each for each in status.get("conditions") or () if each.get("type") == "Ready"), None
    )
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if spec.get("unschedulable"):
        words.append("SchedulingDisabled")
    roles = [
        key.removeprefix(_ROLE_PREFIX)
        for key in sorted(metadata.get("labels") or {})
        if key.startswith(_ROLE_PREFIX)
    ]
    system = status.get("nodeInfo") or {}
    addresses = {each.get("type"): each.get("address") for each in status.get("addresses") or ()}
    return [
        metadata["name"],
        ",".join(words),
        ",".join(roles) or "<none>",
        age(metadata.get("creationTimestamp"), now),
        system.get("kubeletVersion", ""),
        addresses.get("InternalIP") or "<none>",
        addresses.get("ExternalIP") or "<none>",
        system.get("osImage") or "<unknown>",
        system.get("kernelVersion") or "<unknown>",
        system.get("containerRuntimeVersion") or "<unknown>",
    ]


def _event(content: JsonObject, now: datetime) -> Cells:
    involved, source = content.get("involvedObject") or {}, content.get("source") or {}
    created = content["metadata"].get("creationTimestamp")
    first = content.get("firstTimestamp") or content.get("eventTime") or created
    last = content.get("lastTimestamp") or content.get("eventTime") or created
    origin = [source.get("component") or content.get("reportingComponent"), source.get("host")]
    return [
        age(last, now),
        content.get("type", ""),
        content.get("reason", ""),
        f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}",
        involved.get("fieldPath", ""),
        ", ".join(part for part in origin if part),
        str(content.get("message", "")).strip(),
        age(first, now),
        content.get("count") or 1,
        content["metadata"]["name"],
    ]


def _namespace(content: JsonObject, now: datetime) -> Cells:
    name, created = _plain(content, now)
    return [name, (content.get("status") or {}).get("phase", ""), created]


def _data(content: JsonObject, now: datetime) -> Cells:
    name, created = _plain(content, now)
    count = len(content.get("data") or ()) + len(content.get("binaryData") or ())
    return [
        name,
        *([content.get("type", "")] if content["kind"] == "Secret" else []),
        count,
        created,
    ]


def _limit_range(content: JsonObject, _now: datetime) -> Cells:
    metadata, _, _ = _parts(content)
    return [metadata["name"], metadata.get("creationTimestamp") or "<unknown>"]


def _network_policy(content: JsonObject, now: datetime) -> Cells:
    name, created = _plain(content, now)
    selector = (_parts(content)[1].get("podSelector") or {}).get("matchLabels") or {}
    shown = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return [name, shown or "<none>", created]


def _role_binding(content: JsonObject, now: datetime) -> Cells:
    name, created = _plain(content, now)
    role = content.get("roleRef") or {}
    subjects = content.get("subjects") or ()
    named = {
        kind: ", ".join(
            "/".join(filter(None, (each.get("namespace"), each.get("name"))))
            for each in subjects
            if each.get("kind") == kind
        )
        for kind in ("User", "Group", "ServiceAccount")
    }
    return [name, f"{role.get('kind', '')}/{role.get('name', '')}", created, *named.values()]


def _service(content: JsonObject, now: datetime) -> Cells:
    metadata, spec, _ = _parts(content)
    selector = ",".join(f"{k}={v}" for k, v in sorted((spec.get("selector") or {}).items()))
    ports = [f"{each.get('port')}/{each.get('protocol')}" for each in spec.get("ports") or ()]
    return [
        metadata["name"],
        spec.get("type", ""),
        spec.get("clusterIP") or "<none>",
        spec.get("externalName") or "<none>",
        ",".join(ports) or "<none>",
        age(metadata.get("creationTimestamp"), now),
        selector or "<none>",
    ]


def _quota(content: JsonObject, now: datetime) -> Cells:
    metadata, _, status = _parts(content)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    shown = {name: f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard)}
    limits = [text for name, text in shown.items() if name.startswith("limits.")]
    requests = [text for name, text in shown.items() if not name.startswith("limits.")]
    created = age(metadata.get("creationTimestamp"), now)
    return [metadata["name"], ", ".join(requests), ", ".join(limits), created]


def _parts(content: JsonObject) -> tuple[JsonObject, JsonObject, JsonObject]:
    return content["metadata"], content.get("spec") or {}, content.get("status") or {}


_PLAIN = Layout(("Name", "Age"), _plain)
_LAYOUTS = {
    resources.CLAIMS: Layout(
        (
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "+VolumeMode",
        ),
        _claim,
    ),
    resources.CONFIG_MAPS: Layout(("Name", "Data", "Age"), _data),
    resources.EVENTS: Layout(
        (
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "+Subobject",
            "+Source",
            "Message",
            "+First Seen",
            "+Count",
            "+Name",
        ),
        _event,
    ),
    resources.LIMIT_RANGES: Layout(("Name", "Created At"), _limit_range),
    resources.NAMESPACES: Layout(("Name", "Status", "Age"), _namespace),
    resources.NETWORK_POLICIES: Layout(("Name", "Pod-Selector", "Age"), _network_policy),
    resources.NODES: Layout(
        (
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "+Internal-IP",
            "+External-IP",
            "+OS-Image",
            "+Kernel-Version",
            "+Container-Runtime",
        ),
        _node,
    ),
    resources.PODS: Layout(
        (
            "Name",
            "Ready",
            "Status",
            "Restarts",
            "Age",
            "+IP",
            "+Node",
            "+Nominated Node",
            "+Readiness Gates",
        ),
        pod_cells,
    ),
    resources.QUOTAS: Layout(("Name", "Request", "Limit", "Age"), _quota),
    resources.ROLE_BINDINGS: Layout(
        ("Name", "Role", "Age", "+Users", "+Groups", "+ServiceAccounts"), _role_binding
    ),
    resources.SECRETS: Layout(("Name", "Type", "Data", "Age"), _data),
    resources.SERVICES: Layout(
        ("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"), _service
    ),
}
