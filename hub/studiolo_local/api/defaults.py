"""What the server fills in where an object is silent. Pure; changes the object it is given.

Only what clients of ours see and use; the values are Kubernetes'.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from studiolo_local.api import resources
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.resources import Resource

_FILE_MODE = 0o644


def fill_in(resource: Resource, content: JsonObject) -> None:
    """Fill in the defaults of this kind."""
    if rule := _RULES.get(resource):
        rule(content)


def begin_status(resource: Resource, content: JsonObject) -> None:
    """Replace what a client said about the status of a new object by what it begins with."""
    if not resource.has_status:
        return
    content.pop("status", None)
    if resource is resources.NODES:
        content["status"] = {}
    elif resource is resources.PODS:
        content["status"] = {"phase": "Pending", "qosClass": quality_of_service(content["spec"])}
    elif resource is resources.CLAIMS:
        content["status"] = {"phase": "Pending"}
    elif resource is resources.NAMESPACES:
        content["status"] = {"phase": "Active"}
    elif resource is resources.SERVICES:
        content["status"] = {"loadBalancer": {}}
    else:
        content["status"] = {}


def quality_of_service(spec: JsonObject) -> str:
    """Return the class that a pod's requests and limits of cpu and memory put it into."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    named = guaranteed = 0
    for container in containers:
        bounds = container.get("resources") or {}
        requests, limits = bounds.get("requests") or {}, bounds.get("limits") or {}
        for name in ("cpu", "memory"):
            named += name in requests or name in limits
            guaranteed += name in limits and requests.get(name, limits[name]) == limits[name]
    if not named:
        return "BestEffort"
    return "Guaranteed" if guaranteed == 2 * len(containers) else "Burstable"


def _pod(content: JsonObject) -> None:
    spec = content.setdefault("spec", {})
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    _tolerate_short_absence(spec)
    for volume in spec.get("volumes") or ():
        _volume(volume)
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            _container(container)


def _tolerate_short_absence(spec: JsonObject) -> None:
    tolerations = spec.get("tolerations") or []
    for reason in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{reason}"
        if any(each.get("key") in {key, None, ""} for each in tolerations):
            continue
        tolerations.append(
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        )
    if tolerations:
        spec["tolerations"] = tolerations


def _container(container: JsonObject) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = _pull_policy(str(container.get("image", "")))
    bounds = container.setdefault("resources", {})
    if limits := bounds.get("limits"):
        bounds["requests"] = {**limits, **(bounds.get("requests") or {})}
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        if reference := (variable.get("valueFrom") or {}).get("fieldRef"):
            reference.setdefault("apiVersion", "v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe := container.get(name):
            _probe(probe)


def _pull_policy(image: str) -> str:
    _, _, last = image.rpartition("/")
    if "@" in last:
        return "IfNotPresent"
    _, _, tag = last.partition(":")
    return "Always" if tag in {"", "latest"} else "IfNotPresent"


def _probe(probe: JsonObject) -> None:
    for name, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(name):
            probe[name] = value
    if request := probe.get("httpGet"):
        request.setdefault("path", "/")
        request.setdefault("scheme", "HTTP")


def _volume(volume: JsonObject) -> None:
    sources = [name for name in volume if name != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for name in ("configMap", "secret", "projected", "downwardAPI"):
        if source := volume.get(name):
            source.setdefault("defaultMode", _FILE_MODE)


def _claim(content: JsonObject) -> None:
    content.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _event(content: JsonObject) -> None:
    # Go prints these even when they are empty, and clients rely on finding them.
    for name, value in (
        ("source", {}),
        ("firstTimestamp", None),
        ("lastTimestamp", None),
        ("eventTime", None),
        ("reportingComponent", ""),
        ("reportingInstance", ""),
    ):
        content.setdefault(name, value)


def _namespace(content: JsonObject) -> None:
    metadata = content["metadata"]
    labels = metadata.get("labels") or {}
    metadata["labels"] = {**labels, "kubernetes.io/metadata.name": metadata.get("name", "")}
    content.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])


def _secret(content: JsonObject) -> None:
    content.setdefault("type", "Opaque")
    plain: dict[str, Any] = content.pop("stringData", None) or {}
    if plain:
        encoded = {
            key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()
        }
        content["data"] = {**(content.get("data") or {}), **encoded}


def _service(content: JsonObject) -> None:
    spec = content.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _node(content: JsonObject) -> None:
    content.setdefault("spec", {})


_RULES: dict[Resource, Callable[[JsonObject], None]] = {
    resources.CLAIMS: _claim,
    resources.EVENTS: _event,
    resources.NAMESPACES: _namespace,
    resources.NODES: _node,
    resources.PODS: _pod,
    resources.SECRETS: _secret,
    resources.SERVICES: _service,
}
