"""What happens by itself after a change, as by a cluster's controllers. Writes by Operations.

- what an object owned goes with it (garbage collection), at once and in the background;
- a namespace that is being deleted is emptied, then goes; a new one gets its service account;
- a claim that is being deleted waits for the last pod that uses it;
- a quota's status says what is used;
- events go after an hour.
Work is queued by changes and done by `run_pending`, which the server calls from its event loop
right after the change. Everything can be found again from the objects alone: `resume` queues it
after a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from studiolo_local.api import deletion, quota, resources
from studiolo_local.api.admission import CLAIM_PROTECTION
from studiolo_local.api.entries import Change, Entry, JsonObject, Key
from studiolo_local.api.journal import JournalError
from studiolo_local.api.operations import Operations
from studiolo_local.api.resources import Resource
from studiolo_local.api.status_errors import ApiError
from studiolo_local.api.store import Store

log = logging.getLogger(__name__)

EVENT_LIFETIME = timedelta(hours=1)

Work = tuple[str, str]
"""What to do, and to which uid or namespace."""


class Controllers:
    """The queue of things to see to after changes."""

    def __init__(self, store: Store, operations: Operations, wake: Callable[[], None]) -> None:
        """Listen to a store.

        :param wake: called when there is work and `run_pending` should be called soon
        """
        self._store = store
        self._operations = operations
        self._wake = wake
        self._queue: dict[Work, None] = {}
        self._failed: set[Work] = set()
        self._steps: dict[str, Callable[[str], None]] = {
            "collect": self._collect,
            "namespace": self._settle_namespace,
            "claims": self._release_claims,
            "quotas": self._count_quotas,
        }
        self._unsubscribe = store.subscribe(self._on_change)

    def resume(self) -> None:
        """Queue what a former process may have left undone."""
        for entry in self._store.entries(resources.NAMESPACES):
            for step in ("namespace", "claims", "quotas"):
                self._add(step, entry.key.name)
        for owner in self._store.absent_owners():
            self._add("collect", owner)

    def run_pending(self) -> None:
        """Do all that is queued, and what follows from it."""
        while self._queue:
            work = next(iter(self._queue))
            del self._queue[work]
            step, subject = work
            try:
                self._steps[step](subject)
            except (ApiError, JournalError) as error:
                log.warning("cannot see to the %s of %s yet: %s", step, subject, error)
                self._failed.add(work)

    def retry(self) -> None:
        """Queue again what could not be done."""
        failed, self._failed = self._failed, set()
        for step, subject in sorted(failed):
            self._add(step, subject)

    def close(self) -> None:
        """Stop listening to the store."""
        self._unsubscribe()

    def expire_events(self, now: datetime) -> None:
        """Remove the events that nobody needs any more."""
        for entry in list(self._store.entries(resources.EVENTS)):
            content = entry.content()
            latest = content.get("lastTimestamp") or content.get("eventTime")
            moment = latest or content["metadata"]["creationTimestamp"]
            if datetime.fromisoformat(moment) < now - EVENT_LIFETIME:
                self._store.remove(resources.EVENTS, entry.key)

    def _on_change(self, change: Change) -> None:
        before, after = change.before, change.after
        resource = (after or change.departed).resource
        key = (after or change.departed).key
        if after is None and before is not None:
            self._operations.admission.forget(before.uid)
            self._add("collect", before.uid)
        if after is not None and before is None:
            for owner in after.owners:
                if not self._store.has_uid(owner):
                    self._add("collect", owner)
        if resource is resources.NAMESPACES:
            self._add("namespace", key.name)
        elif resource.namespaced and resource is not resources.EVENTS:
            if after is None:
                self._add("namespace", key.namespace)
            if resource in {resources.PODS, resources.CLAIMS}:
                self._add("claims", key.namespace)
            self._add("quotas", key.namespace)

    def _add(self, step: str, subject: str) -> None:
        if not self._queue:
            self._wake()
        self._queue[step, subject] = None

    def _collect(self, owner: str) -> None:
        """Delete what the object that is gone owned, unless another owner is left."""
        for entry in self._store.dependents(owner):
            others = [uid for uid in entry.owners if uid != owner and self._store.has_uid(uid)]
            if not others:
                self._delete(entry)

    def _settle_namespace(self, name: str) -> None:
        entry = self._store.get(resources.NAMESPACES, Key("", name))
        if entry is None:
            return
        if entry.fields["status.phase"] != "Terminating":
            self._provide_account(name)
            return
        left = False
        for resource in resources.RESOURCES:
            if resource.namespaced:
                for each in list(self._store.entries(resource, name)):
                    self._delete(each)
                left = left or any(True for _ in self._store.entries(resource, name))
        if not left:
            body = entry.content()
            body["spec"] = {"finalizers": []}
            self._operations.replace(resources.NAMESPACES, entry.key, body, subresource="finalize")

    def _provide_account(self, namespace: str) -> None:
        if self._store.get(resources.SERVICE_ACCOUNTS, Key(namespace, "default")) is None:
            self._operations.create(
                resources.SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "default"}}
            )

    def _release_claims(self, namespace: str) -> None:
        """Let go of the claims that are being deleted and that no pod uses any more."""
        leaving = [
            entry
            for entry in self._store.entries(resources.CLAIMS, namespace)
            if b'"deletionTimestamp"' in entry.body
        ]
        if not leaving:
            return
        used = {
            name
            for entry in self._store.entries(resources.PODS, namespace)
            for name in _claims_used(entry.content())
        }
        for entry in leaving:
            content = entry.content()
            finalizers = content["metadata"].get("finalizers") or []
            if entry.key.name not in used and CLAIM_PROTECTION in finalizers:
                finalizers.remove(CLAIM_PROTECTION)
                self._operations.replace(resources.CLAIMS, entry.key, content)

    def _count_quotas(self, namespace: str) -> None:
        for entry in list(self._store.entries(resources.QUOTAS, namespace)):
            content = entry.content()
            hard = dict(quota.limits_of(content))
            used = self._operations.admission.used_by(
                quota.scopes_of(content), list(hard), namespace
            )
            status = {"hard": hard, "used": {name: str(used[name]) for name in hard}}
            if content.get("status") != status:
                content["status"] = status
                self._operations.replace(resources.QUOTAS, entry.key, content, subresource="status")

    def _delete(self, entry: Entry) -> None:
        present = self._store.get(entry.resource, entry.key)
        if present is None or present.uid != entry.uid:
            return
        try:
            self._operations.delete(entry.resource, entry.key, deletion.Options())
        except ApiError as error:
            # Nothing but a race with the object's own end could bring this about.
            if error.code not in {404, 409}:
                raise


def initial_objects() -> list[tuple[Resource, JsonObject]]:
    """Return what every cluster has from the beginning."""
    return [
        (resources.NAMESPACES, {"metadata": {"name": name}}) for name in ("default", "kube-system")
    ]


def _claims_used(pod: JsonObject) -> list[str]:
    if (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
        return []
    return [
        claim["claimName"]
        for volume in (pod.get("spec") or {}).get("volumes") or ()
        if (claim := volume.get("persistentVolumeClaim"))
    ]
