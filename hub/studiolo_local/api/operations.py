"""What can be done to objects: create, replace, patch, bind, delete. Synchronous, over the store.

Guarantees that an operation happens whole or not at all, and that what is stored is complete,
valid and admitted. Every refusal is an ApiError. With `dry_run` everything is checked and the
result returned, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from studiolo_local.api import defaults, deletion, resources
from studiolo_local.api.admission import Admission
from studiolo_local.api.entries import Entry, JsonObject, Key
from studiolo_local.api.json_patch import PatchError, PatchMismatchError
from studiolo_local.api.metadata import (
    carry_over,
    check_preconditions,
    checked_identity,
    stamp_new,
    timestamp,
)
from studiolo_local.api.patch import PATCHES
from studiolo_local.api.resources import Resource
from studiolo_local.api.schema import ShapeError, tidy
from studiolo_local.api.status_errors import (
    FieldProblem,
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
    unprocessable_patch,
)
from studiolo_local.api.store import Store
from studiolo_local.api.validation import validate, validate_update

Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete came to: the object's last state, and whether it is gone already."""

    entry: Entry
    gone: bool


class Operations:
    """The write side of the API over one store."""

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
        self, resource: Resource, namespace: str, body: Any, *, dry_run: bool = False
    ) -> Entry:
        """Make a new object from a request's body."""
        content = checked_identity(resource, body, namespace)
        stamp_new(
            content["metadata"], self._clock(), counts_generations=resource.counts_generations
        )
        self.admission.check_namespace(resource, content["metadata"])
        _tidied(resource, content)
        defaults.fill_in(resource, content)
        defaults.begin_status(resource, content)
        name = content["metadata"].get("name") or ""
        if problems := validate(resource, content):
            raise invalid(resource, name, problems)
        if self._store.get(resource, Key(content["metadata"].get("namespace", ""), name)):
            raise already_exists(resource, name)
        self.admission.admit(resource, content)
        return self._keep(resource, content, dry_run)

    def replace(
        self,
        resource: Resource,
        key: Key,
        body: Any,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Entry:
        """Put a request's body in the place of an object, or of its status alone."""
        entry = self.get(resource, key)
        return self._change(
            entry, checked_identity(resource, body, key.namespace), subresource, dry_run
        )

    def patch(
        self,
        resource: Resource,
        key: Key,
        media_type: str,
        patch: Any,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Entry:
        """Change an object, or its status alone, by a patch of the given content type."""
        entry = self.get(resource, key)
        try:
            patched = PATCHES[media_type](entry.content(), patch)
        except PatchMismatchError as error:
            raise unprocessable_patch(str(error)) from error
        except PatchError as error:
            raise bad_request(f"error decoding patch: {error}") from error
        content = checked_identity(resource, patched, key.namespace)
        return self._change(entry, content, subresource, dry_run)

    def bind(self, key: Key, body: Any, *, dry_run: bool = False) -> None:
        """Give an unscheduled pod its node."""
        entry = self.get(resources.PODS, key)
        content = entry.content()
        node = _target_node(body)
        if content["metadata"].get("deletionTimestamp"):
            raise conflict(
                resources.PODS, key.name, "pod is being deleted, cannot be assigned to a host"
            )
        if present := content["spec"].get("nodeName"):
            raise conflict(
                resources.PODS, key.name, f'pod {key.name} is already assigned to node "{present}"'
            )
        check_preconditions(resources.PODS, content["metadata"], body.get("metadata") or {})
        content["spec"]["nodeName"] = node
        set_condition(content["status"], "PodScheduled", "True", timestamp(self._clock()))
        if not dry_run:
            self._store.put(resources.PODS, content)

    def delete(
        self, resource: Resource, key: Key, options: deletion.Options, *, dry_run: bool = False
    ) -> Deleted:
        """Delete an object, or begin to: see `deletion.plan` for what keeps it."""
        entry = self.get(resource, key)
        self.admission.check_deletion(resource, key)
        content = entry.content()
        check_preconditions(resource, content["metadata"], options.preconditions)
        plan = deletion.plan(resource, content, options)
        if plan.gone:
            return Deleted(entry if dry_run else self._store.remove(resource, key), gone=True)
        if plan.content is None:
            return Deleted(entry, gone=False)
        if plan.grace is not None:
            end = self._clock() + timedelta(seconds=plan.grace)
            plan.content["metadata"]["deletionTimestamp"] = timestamp(end)
        return Deleted(self._keep(resource, plan.content, dry_run), gone=False)

    def _change(self, entry: Entry, new: JsonObject, subresource: str, dry_run: bool) -> Entry:
        resource, old = entry.resource, entry.content()
        carry_over(resource, old, new)
        _keep_apart(resource, old, new, subresource)
        _tidied(resource, new)
        defaults.fill_in(resource, new)
        if problems := [*validate(resource, new), *validate_update(resource, old, new)]:
            raise invalid(resource, entry.key.name, problems)
        self.admission.admit_update(resource, old, new)
        if resource.counts_generations and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = int(old["metadata"].get("generation", 1)) + 1
        if new == old:
            return entry
        if deletion.is_complete(resource, new):
            return entry if dry_run else self._store.remove(resource, entry.key)
        return self._keep(resource, new, dry_run)

    def _keep(self, resource: Resource, content: JsonObject, dry_run: bool) -> Entry:
        return Entry.of(resource, content) if dry_run else self._store.put(resource, content)


def _tidied(resource: Resource, content: JsonObject) -> None:
    """Check the types of all fields and drop the unknown ones."""
    try:
        tidy(resource.kind, content)
    except ShapeError as error:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: {error}"
        ) from error


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


def _target_node(body: Any) -> str:
    target = body.get("target") if isinstance(body, dict) else None
    name = target.get("name") if isinstance(target, dict) else None
    if not isinstance(name, str) or not name:
        problem = FieldProblem.required("target.name")
        raise invalid(_BINDING, "", [problem])
    return name


def set_condition(status: JsonObject, kind: str, value: str, now: str) -> None:
    """Set a condition of a status, keeping when it last changed."""
    conditions = [each for each in status.get("conditions") or [] if each.get("type") != kind]
    present: JsonObject = next(
        (each for each in status.get("conditions") or [] if each.get("type") == kind), {}
    )
    changed = now if present.get("status") != value else present.get("lastTransitionTime")
    condition = {
        "type": kind,
        "status": value,
        "lastProbeTime": None,
        "lastTransitionTime": changed,
    }
    status["conditions"] = [*conditions, condition]


_BINDING = Resource("Binding", "bindings", "binding", namespaced=True)
