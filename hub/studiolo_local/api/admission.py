"""What the rest of the cluster has to say to an object before it is kept. Reads the store.

A namespace must exist and not be going; quotas must have room; a service gets its address; a
claim is protected while a pod uses it. Refusals are ApiErrors.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from studiolo_local.api import quota, resources
from studiolo_local.api.entries import Entry, JsonObject, Key
from studiolo_local.api.quantities import Quantity
from studiolo_local.api.resources import Resource
from studiolo_local.api.status_errors import ApiError, FieldProblem, forbidden, invalid, not_found
from studiolo_local.api.store import Store

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
_SERVICE_NETWORK = ipaddress.IPv4Network("127.78.0.0/16")
"""Loopback: even a client that connects to a service's address stays on this machine."""
_PROTECTED_NAMESPACES = frozenset({"default", "kube-system"})


class Admission:
    """The checks and additions that need to see other objects."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._usages: dict[str, tuple[int, dict[str, Quantity]]] = {}

    def check_namespace(self, resource: Resource, metadata: JsonObject) -> None:
        """Raise unless the namespace of a new object exists and is not being deleted."""
        if not resource.namespaced:
            return
        name = metadata["namespace"]
        entry = self._store.get(resources.NAMESPACES, Key("", name))
        if entry is None:
            raise not_found(resources.NAMESPACES, name)
        if entry.fields["status.phase"] == "Terminating":
            text = (
                f"unable to create new content in namespace {name} because it is being terminated"
            )
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {name} is being terminated",
                "field": "metadata.namespace",
            }
            error = forbidden(resource, metadata.get("name") or "", text)
            raise ApiError(
                403,
                error.reason,
                error.message,
                details={**(error.details or {}), "causes": [cause]},
            )

    def check_deletion(self, resource: Resource, key: Key) -> None:
        """Raise when an object must not be deleted at all."""
        if resource is resources.NAMESPACES and key.name in _PROTECTED_NAMESPACES:
            raise forbidden(resource, key.name, "this namespace may not be deleted")

    def admit(self, resource: Resource, content: JsonObject) -> None:
        """Complete a new object, or refuse it."""
        if resource is resources.SERVICES:
            self._allot_address(content)
        elif resource is resources.CLAIMS:
            finalizers = content["metadata"].setdefault("finalizers", [])
            if CLAIM_PROTECTION not in finalizers:
                finalizers.append(CLAIM_PROTECTION)
        if resource.namespaced and resource is not resources.EVENTS:
            self._check_quotas(resource, content, {})

    def admit_update(self, resource: Resource, old: JsonObject, new: JsonObject) -> None:
        """Refuse a change that makes an object use more than a quota leaves."""
        if resource is resources.CLAIMS:  # The only kind whose usage can grow.
            self._check_quotas(resource, new, quota.usage_of(resource, old))

    def used_by(self, scopes: list[str], names: list[str], namespace: str) -> dict[str, Quantity]:
        """Return what a namespace's objects within the scopes use of the named resources."""
        counted = [
            each for each in resources.RESOURCES if each.namespaced and each is not resources.EVENTS
        ]
        usages = [
            self._usage(entry)
            for resource in counted
            if _concerns(resource, names)
            for entry in self._store.entries(resource, namespace)
            if not scopes or quota.in_scope(scopes, resource, entry.content())
        ]
        return quota.add(usages, names)

    def _check_quotas(self, resource: Resource, content: JsonObject, already: quota.Usage) -> None:
        metadata = content["metadata"]
        quotas = list(self._store.entries(resources.QUOTAS, metadata["namespace"]))
        if not quotas:
            return
        usage = quota.usage_of(resource, content)
        asked = {
            name: Quantity(amount.amount - already[name].amount, amount.form)
            if name in already
            else amount
            for name, amount in usage.items()
        }
        pod = content if resource is resources.PODS else None
        for entry in quotas:
            limits = entry.content()
            scopes = quota.scopes_of(limits)
            names = [name for name in quota.limits_of(limits) if name in asked]
            if not quota.in_scope(scopes, resource, content):
                continue
            used = self.used_by(scopes, names, metadata["namespace"])
            if why := quota.refusal(limits, used, asked, pod):
                raise forbidden(resource, metadata["name"], why)

    def _usage(self, entry: Entry) -> dict[str, Quantity]:
        """Return what an object uses, worked out once for each of its versions."""
        known = self._usages.get(entry.uid)
        if known is None or known[0] != entry.version:
            known = entry.version, quota.usage_of(entry.resource, entry.content())
            self._usages[entry.uid] = known
        return known[1]

    def forget(self, uid: str) -> None:
        """Drop what was worked out about an object that is gone."""
        self._usages.pop(uid, None)

    def _allot_address(self, content: JsonObject) -> None:
        spec: dict[str, Any] = content["spec"]
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None":
            return
        taken = {
            entry.fields["spec.clusterIP"] for entry in self._store.entries(resources.SERVICES)
        }
        wanted = spec.get("clusterIP")
        if wanted in taken:
            text = "failed to allocate IP: provided IP is already allocated"
            problem = FieldProblem.invalid("spec.clusterIPs", [wanted], text)
            raise invalid(resources.SERVICES, content["metadata"]["name"], [problem])
        free = (str(each) for each in _SERVICE_NETWORK.hosts() if str(each) not in taken)
        address = wanted or next(free, None)
        if address is None:
            raise forbidden(resources.SERVICES, content["metadata"]["name"], "no address is left")
        spec |= {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
        }


def _concerns(resource: Resource, names: list[str]) -> bool:
    """Return whether objects of a kind can use any of the named resources."""
    own = {resource.plural, f"count/{resource.qualified_plural}"}
    if resource is resources.PODS:
        own |= {name for name in names if quota.is_of_containers(name)}
    elif resource is resources.CLAIMS:
        own |= {name for name in names if "storage" in name}
    return any(name in own for name in names)
