"""What can be done to objects: create, replace, patch, apply, bind, delete. Over the store.

Guarantees that an operation happens whole or not at all, and that what is stored is complete,
valid and admitted. Every refusal is an ApiError. With `dry_run` everything is checked and the
result returned, and nothing is stored. Synchronous; the store does the I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from studiolo_local.api import defaults, deletion, resources
from studiolo_local.api.admission import Admission
from studiolo_local.api.entries import Entry, JsonObject, Key
from studiolo_local.api.json_patch import PatchError, PatchMismatchError
from studiolo_local.api.metadata import (
    carry_over,
    check_delete_preconditions,
    check_uid,
    checked_identity,
    set_condition,
    stamp_new,
    timestamp,
)
from studiolo_local.api.patch import PATCHES
from studiolo_local.api.resources import Resource
from studiolo_local.api.server_side_apply import ApplyConflictError, applied
from studiolo_local.api.status_errors import (
    FieldProblem,
    already_exists,
    apply_conflict,
    bad_request,
    conflict,
    invalid,
    not_found,
    unprocessable_patch,
)
from studiolo_local.api.store import Store
from studiolo_local.api.terms import Terms, checked_shape
from studiolo_local.api.validation import validate, validate_update

Clock = Callable[[], datetime]

_BINDING = Resource("Binding", "bindings", "binding", namespaced=True)


def now_utc() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete came to: the object's last state, and whether it is gone already."""

    entry: Entry
    gone: bool


class Operations:
    """The write side of the API over one store. Bodies are taken over: callers give theirs up."""

    def __init__(self, store: Store, clock: Clock = now_utc) -> None:
        self._store = store
        self._clock = clock
        self.admission = Admission(store)

    def get(self, resource: Resource, key: Key) -> Entry:
        """Return the object or say that there is none."""
        entry = self._store.get(resource, key)
        if entry is None:
            raise not_found(resource, key.name)
        return entry

    def create(
        self, resource: Resource, namespace: str, body: Any, terms: Terms | None = None
    ) -> Entry:
        """Make a new object from a request's body."""
        content = checked_identity(resource, body, namespace)
        content["metadata"].pop("managedFields", None)
        return self._create(resource, content, terms or Terms())

    def replace(
        self,
        resource: Resource,
        key: Key,
        body: Any,
        terms: Terms | None = None,
        *,
        subresource: str = "",
    ) -> Entry:
        """Put a request's body in the place of an object, or of its status alone."""
        entry = self.get(resource, key)
        return self._change(entry, body, subresource, terms or Terms())

    def patch(
        self,
        resource: Resource,
        key: Key,
        media_type: str,
        patch: Any,
        terms: Terms | None = None,
        *,
        subresource: str = "",
    ) -> Entry:
        """Change an object, or its status alone, by a patch of the given content type."""
        entry = self.get(resource, key)
        try:
            patched = PATCHES[media_type](entry.content(), patch)
        except PatchMismatchError as error:
            raise unprocessable_patch(str(error)) from error
        except PatchError as error:
            raise bad_request(f"error decoding patch: {error}") from error
        return self._change(entry, patched, subresource, terms or Terms())

    def apply(
        self, resource: Resource, key: Key, body: Any, terms: Terms, *, subresource: str = ""
    ) -> tuple[Entry, bool]:
        """Apply a manager's configuration; returns the object and whether it was made by it."""
        if not terms.manager:
            problem = FieldProblem.required("fieldManager", "is required for apply patch")
            raise invalid(_PATCH_OPTIONS, "", [problem])
        config = checked_identity(resource, body, key.namespace)
        if config["metadata"].get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        checked_shape(resource.kind, resource.version, config, terms)
        name = config["metadata"].setdefault("name", key.name)
        if name != key.name:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({key.name})"
            )
        entry = self._store.get(resource, key)
        live = entry.content() if entry else _nothing(config)
        now = timestamp(self._clock())
        try:
            merged = applied(live, config, terms.manager, now, force=terms.force)
        except ApplyConflictError as error:
            raise apply_conflict(error.conflicts) from error
        except PatchError as error:
            raise bad_request(f"failed to create typed patch object: {error}") from error
        if entry is None:
            if subresource:
                raise not_found(resource, key.name)
            merged["metadata"]["name"] = key.name
            if resource.namespaced:
                merged["metadata"]["namespace"] = key.namespace
            return self._create(resource, merged, terms), True
        return self._change(entry, merged, subresource, terms), False

    def bind(self, key: Key, body: Any, terms: Terms | None = None) -> None:
        """Give an unscheduled pod its node."""
        entry = self.get(resources.PODS, key)
        binding = checked_identity(_BINDING, body, key.namespace)
        checked_shape("Binding", "v1", binding, terms or Terms())
        if binding["metadata"].get("name") != key.name:
            raise bad_request("name in URL does not match name in Binding object")
        node = (binding.get("target") or {}).get("name")
        if not node:
            raise invalid(_BINDING, key.name, [FieldProblem.required("target.name")])
        content = entry.content()
        check_uid(resources.PODS, content["metadata"], binding["metadata"])
        if content["metadata"].get("deletionTimestamp"):
            why = f"pod {key.name} is being deleted, cannot be assigned to a host"
            raise conflict(resources.PODS, key.name, why)
        if present := content["spec"].get("nodeName"):
            why = f'pod {key.name} is already assigned to node "{present}"'
            raise conflict(resources.PODS, key.name, why)
        content["spec"]["nodeName"] = node
        set_condition(content["status"], "PodScheduled", "True", timestamp(self._clock()))
        self._keep(resources.PODS, content, terms or Terms())

    def delete(
        self,
        resource: Resource,
        key: Key,
        options: deletion.Options,
        terms: Terms | None = None,
    ) -> Deleted:
        """Delete an object, or begin to: see `deletion.plan` for what keeps it."""
        terms = terms or Terms()
        entry = self.get(resource, key)
        self.admission.check_deletion(resource, key)
        content = entry.content()
        check_delete_preconditions(resource, content["metadata"], options.preconditions)
        if options.orphan and not terms.dry_run:
            self._release_dependents(entry)
        plan = deletion.plan(resource, content, options, self._clock())
        if plan.content is not None:
            entry = self._keep(resource, plan.content, terms)
        if plan.gone and not terms.dry_run:
            entry = self._store.remove(resource, key)
        return Deleted(entry, plan.gone)

    def _create(self, resource: Resource, content: JsonObject, terms: Terms) -> Entry:
        checked_shape(resource.kind, resource.version, content, terms)
        metadata = content["metadata"]
        stamp_new(metadata, self._clock(), counts_generations=resource.counts_generations)
        self.admission.check_namespace(resource, metadata)
        defaults.fill_in(resource, content)
        defaults.begin_status(resource, content)
        name = metadata.get("name") or ""
        if problems := validate(resource, content):
            raise invalid(resource, name, problems)
        if self._store.get(resource, Key(metadata.get("namespace", ""), name)):
            raise already_exists(resource, name)
        self.admission.admit(resource, content)
        return self._keep(resource, content, terms)

    def _change(self, entry: Entry, body: Any, subresource: str, terms: Terms) -> Entry:
        resource, old = entry.resource, entry.content()
        new = checked_identity(resource, body, entry.key.namespace)
        checked_shape(resource.kind, resource.version, new, terms)
        carry_over(resource, old, new)
        _keep_apart(resource, old, new, subresource)
        defaults.fill_in(resource, new)
        if problems := [*validate(resource, new), *validate_update(resource, old, new)]:
            raise invalid(resource, entry.key.name, problems)
        self.admission.admit_update(resource, old, new)
        if resource.counts_generations and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = int(old["metadata"].get("generation", 1)) + 1
        if new == old:
            return entry
        if deletion.is_complete(resource, new):
            return entry if terms.dry_run else self._store.remove(resource, entry.key)
        return self._keep(resource, new, terms)

    def _keep(self, resource: Resource, content: JsonObject, terms: Terms) -> Entry:
        return Entry.of(resource, content) if terms.dry_run else self._store.put(resource, content)

    def _release_dependents(self, owner: Entry) -> None:
        """Make what an object owns independent of it, so that it stays when the owner goes."""
        for entry in self._store.dependents(owner.uid):
            content = entry.content()
            references = content["metadata"].get("ownerReferences") or []
            kept = [each for each in references if each.get("uid") != owner.uid]
            content["metadata"]["ownerReferences"] = kept
            self.replace(entry.resource, entry.key, content)


def _keep_apart(resource: Resource, old: JsonObject, new: JsonObject, subresource: str) -> None:
    """Take from a change only what this way of changing may touch."""
    if subresource == "status":
        for field in [name for name in new if name not in {"metadata", "status"}]:
            del new[field]
        new |= {name: value for name, value in old.items() if name not in {"metadata", "status"}}
    elif subresource == "finalize":
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        new["spec"] = {**(old.get("spec") or {}), "finalizers": finalizers}
        new["status"] = old.get("status") or {}
    elif resource.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
        if resource is resources.NAMESPACES:
            new["spec"] = old.get("spec") or {}


def _nothing(config: JsonObject) -> JsonObject:
    """Return what an apply begins with when there is no object yet."""
    return {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {}}


_PATCH_OPTIONS = Resource(
    "PatchOptions", "patchoptions", "patchoptions", namespaced=False, group="meta.k8s.io"
)
