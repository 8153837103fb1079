"""Every object of the embedded cluster, with its recent history. In memory; the journal does I/O.

Guarantees:
- one counter gives every change its version, in the order in which changes happen;
- a change is in the journal before anyone sees it, so a kill loses nothing that was answered;
- the changes of each kind since `floor(resource)` are kept: a watcher reads them at its own pace
  and a list can be continued as of an earlier version; what is older is Expired;
- listeners are called at once, within the change.
The store is synchronous and belongs to one thread. The rules of the kinds are `operations`' part.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from studiolo_local.api.entries import Change, Entry, JsonObject, Key
from studiolo_local.api.journal import Journal, MemoryJournal, SqliteJournal
from studiolo_local.api.resources import RESOURCES, Resource

Listener = Callable[[Change], None]

FIRST_VERSION = 100
"""Where a new cluster's counter begins: versions below it are "too old" to anyone who asks."""


class VersionGone(Exception):  # noqa: N818 (it is an answer, not a fault)
    """The history no longer reaches back to the version asked for."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


class Store:
    """Objects by kind and key, read with `get`, `entries` and `changes`, written with `put`."""

    def __init__(self, path: Path | None = None, *, history: int = 5000) -> None:
        """Open the store.

        :param path: the file that keeps the state, or None to forget it at the end
        :param history: how many changes of each kind are remembered at least
        """
        self._journal: Journal = SqliteJournal(path) if path else MemoryJournal()
        self._version = max(self._journal.version, FIRST_VERSION)
        self._shelves = {
            resource: _Shelf(resource, self._version, history) for resource in RESOURCES
        }
        self._uids: set[str] = set()
        for resource, content in self._journal.load():
            entry = Entry.of(resource, content)
            self._shelves[resource].place(entry)
            self._uids.add(entry.uid)
        self._listeners: list[Listener] = []

    @property
    def version(self) -> int:
        """The version of the latest change of all."""
        return self._version

    def get(self, resource: Resource, key: Key) -> Entry | None:
        """Return the object, or None."""
        return self._shelves[resource].entries.get(key)

    def entries(self, resource: Resource, namespace: str | None = None) -> Iterator[Entry]:
        """Yield the objects of a kind, of one namespace or of all, in the order of their keys."""
        shelf = self._shelves[resource]
        for key in shelf.keys_of(namespace):
            yield shelf.entries[key]

    def snapshot(self, resource: Resource, version: int) -> Mapping[Key, Entry]:
        """Return the objects of a kind as they were at a version; raises VersionGone."""
        return self._shelves[resource].snapshot(version)

    def changes(self, resource: Resource, after: int) -> list[Change]:
        """Return the changes of a kind since a version, oldest first; raises VersionGone."""
        return self._shelves[resource].changes(after)

    def floor(self, resource: Resource) -> int:
        """Return the oldest version since which every change of a kind is remembered."""
        return self._shelves[resource].floor

    def dependents(self, uid: str) -> list[Entry]:
        """Return the objects that name this uid as an owner."""
        return [
            shelf.entries[key]
            for shelf in self._shelves.values()
            for key in sorted(shelf.owned.get(uid, ()))
        ]

    def has_uid(self, uid: str) -> bool:
        """Return whether an object with this uid exists."""
        return uid in self._uids

    def absent_owners(self) -> set[str]:
        """Return the uids that objects name as owners and that do not exist."""
        named = {uid for shelf in self._shelves.values() for uid in shelf.owned}
        return named - self._uids

    def put(self, resource: Resource, content: JsonObject) -> Entry:
        """Keep an object under the next version, which is written into its metadata."""
        version = self._version + 1
        content["metadata"]["resourceVersion"] = str(version)
        entry = Entry.of(resource, content)
        self._journal.write(entry)
        self._version = version
        self._uids.add(entry.uid)
        self._commit(Change(version, self.get(resource, entry.key), entry), resource)
        return entry

    def remove(self, resource: Resource, key: Key) -> Entry:
        """Forget an object; returns its last state under the deletion's version."""
        before = self._shelves[resource].entries[key]
        version = self._version + 1
        self._journal.erase(before, version)
        self._version = version
        self._uids.discard(before.uid)
        change = Change(version, before, None)
        self._commit(change, resource)
        return change.departed

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with every change until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def close(self) -> None:
        """Close the file; nothing may be written afterwards."""
        self._journal.close()

    def _commit(self, change: Change, resource: Resource) -> None:
        self._shelves[resource].record(change)
        for listener in tuple(self._listeners):
            listener(change)


class _Shelf:
    """The objects of one kind and the changes they went through."""

    def __init__(self, resource: Resource, floor: int, history: int) -> None:
        self.resource = resource
        self.entries: dict[Key, Entry] = {}
        self.owned: dict[str, set[Key]] = {}
        self.floor = floor
        self._keys: list[Key] = []
        self._history = history
        self._changes: list[Change] = []

    def keys_of(self, namespace: str | None) -> list[Key]:
        """Return a copy of the sorted keys, so that the caller may change objects meanwhile."""
        if namespace is None:
            return self._keys[:]
        first = bisect_left(self._keys, Key(namespace, ""))
        return self._keys[first : bisect_left(self._keys, Key(namespace + "\0", ""))]

    def place(self, entry: Entry) -> None:
        before = self.entries.get(entry.key)
        if before is None:
            insort(self._keys, entry.key)
        else:
            self._disown(before)
        self.entries[entry.key] = entry
        for owner in entry.owners:
            self.owned.setdefault(owner, set()).add(entry.key)

    def record(self, change: Change) -> None:
        if change.after is not None:
            self.place(change.after)
        elif change.before is not None:
            self._take_away(change.before)
        self._changes.append(change)
        # Dropped in blocks: trimming a list at its front at each change would cost its length.
        if len(self._changes) > self._history + self._history // 4 + 1:
            surplus = len(self._changes) - self._history
            self.floor = self._changes[surplus - 1].version
            del self._changes[:surplus]

    def changes(self, after: int) -> list[Change]:
        if after < self.floor:
            raise VersionGone(after, self.floor)
        return self._changes[bisect_right(self._changes, after, key=_version_of) :]

    def snapshot(self, version: int) -> Mapping[Key, Entry]:
        undone = self.changes(version)
        if not undone:
            return self.entries
        entries = dict(self.entries)
        for change in reversed(undone):
            if change.before is not None:
                entries[change.before.key] = change.before
            elif change.after is not None:
                entries.pop(change.after.key, None)
        return entries

    def _take_away(self, entry: Entry) -> None:
        del self.entries[entry.key]
        del self._keys[bisect_left(self._keys, entry.key)]
        self._disown(entry)

    def _disown(self, entry: Entry) -> None:
        for owner in entry.owners:
            keys = self.owned.get(owner)
            if keys is not None:
                keys.discard(entry.key)
                if not keys:
                    del self.owned[owner]


def _version_of(change: Change) -> int:
    return change.version
