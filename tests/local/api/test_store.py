from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from studiolo_local.api.entries import Change, Entry, Key
from studiolo_local.api.resources import CONFIG_MAPS, PODS
from studiolo_local.api.store import FIRST_VERSION, Store, VersionGone


def content(name: str, namespace: str = "default", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", **more}
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata}


def names(entries: Any) -> list[str]:
    return [f"{entry.key.namespace}/{entry.key.name}" for entry in entries]


def test_each_change_has_the_next_version_whatever_its_kind() -> None:
    store = Store()
    first = store.put(CONFIG_MAPS, content("a"))
    second = store.put(PODS, content("p"))
    gone = store.remove(CONFIG_MAPS, first.key)
    assert [first.version, second.version, gone.version] == [
        FIRST_VERSION + 1,
        FIRST_VERSION + 2,
        FIRST_VERSION + 3,
    ]
    assert gone.content()["metadata"]["resourceVersion"] == str(store.version)


def test_objects_are_listed_in_the_order_of_their_keys() -> None:
    store = Store()
    for namespace, name in (("b", "x"), ("a", "y"), ("a-1", "z"), ("a", "x")):
        store.put(CONFIG_MAPS, content(name, namespace))
    assert names(store.entries(CONFIG_MAPS)) == ["a/x", "a/y", "a-1/z", "b/x"]
    assert names(store.entries(CONFIG_MAPS, "a")) == ["a/x", "a/y"]
    assert names(store.entries(CONFIG_MAPS, "none")) == []


def test_objects_may_be_removed_while_they_are_listed() -> None:
    store = Store()
    for name in "abc":
        store.put(CONFIG_MAPS, content(name))
    for entry in store.entries(CONFIG_MAPS):
        store.remove(CONFIG_MAPS, entry.key)
    assert names(store.entries(CONFIG_MAPS)) == []


def test_a_listener_hears_each_change_until_it_leaves() -> None:
    store = Store()
    heard: list[Change] = []
    leave = store.subscribe(heard.append)
    store.put(CONFIG_MAPS, content("a"))
    leave()
    store.put(CONFIG_MAPS, content("b"))
    assert [change.version for change in heard] == [FIRST_VERSION + 1]


def test_history_reaches_back_as_far_as_promised_and_says_so_beyond() -> None:
    store = Store(history=10)
    for count in range(40):
        store.put(CONFIG_MAPS, content("a", labels={"count": str(count)}))
    assert [each.version for each in store.changes(CONFIG_MAPS, store.version - 10)] == list(
        range(store.version - 9, store.version + 1)
    )
    with pytest.raises(VersionGone, match=r"too old resource version: 100 \(\d+\)"):
        store.changes(CONFIG_MAPS, FIRST_VERSION)
    assert store.changes(PODS, FIRST_VERSION) == []


def test_what_was_before_a_new_cluster_is_gone() -> None:
    with pytest.raises(VersionGone):
        Store().changes(PODS, 1)


def test_the_dependents_of_an_owner_are_found() -> None:
    store = Store()
    owner = {"uid": "u", "kind": "Pod", "apiVersion": "v1", "name": "p"}
    foreign = {"uid": "v", "kind": "Deployment", "apiVersion": "apps/v1", "name": "d"}
    store.put(CONFIG_MAPS, content("owned", ownerReferences=[owner, foreign]))
    assert names(store.dependents("u")) == ["default/owned"]
    assert store.dependents("v") == [], "a kind that is not served cannot be seen to be gone"
    assert store.absent_owners() == {"u"}
    store.put(CONFIG_MAPS, content("owned"))
    assert store.dependents("u") == []


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    store = Store(file)
    kept = store.put(CONFIG_MAPS, content("kept", labels={"ü": "ß"}))
    gone = store.put(PODS, content("gone"))
    store.remove(PODS, gone.key)
    version = store.version
    store.close()
    again = Store(file)
    assert again.version == version
    assert again.get(CONFIG_MAPS, kept.key) == kept
    assert again.get(PODS, gone.key) is None
    assert again.has_uid(kept.uid)
    with pytest.raises(VersionGone):
        again.changes(CONFIG_MAPS, version - 1)
    assert again.changes(CONFIG_MAPS, version) == []
    again.close()


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from studiolo_local.api.resources import CONFIG_MAPS
from studiolo_local.api.store import Store
store = Store(Path(sys.argv[1]))
for count in range(100_000):
    metadata = {"name": f"n{count % 50}", "namespace": "default", "uid": f"u{count % 50}"}
    entry = store.put(CONFIG_MAPS, {"metadata": metadata})
    print(entry.key.name, entry.version, flush=True)
"""
    file = tmp_path / "state.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        seen = dict(process.stdout.readline().split() for _ in range(60))
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                name, version = line.split()
                seen[name] = version
    store = Store(file)
    for name, version in seen.items():
        entry = store.get(CONFIG_MAPS, Key("default", name))
        assert entry is not None
        assert entry.version >= int(version)
    store.close()


class HistoryMachine(RuleBasedStateMachine):
    """Every state that the store was in can be had again, from whichever side."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(history=8)
        self.states: dict[int, dict[Key, Entry]] = {self.store.version: {}}

    @rule(name=st.sampled_from("abc"), label=st.sampled_from("xy"))
    def put(self, name: str, label: str) -> None:
        self.store.put(CONFIG_MAPS, content(name, labels={"l": label}))
        self.remember()

    @rule(name=st.sampled_from("abc"))
    def remove(self, name: str) -> None:
        if self.store.get(CONFIG_MAPS, Key("default", name)):
            self.store.remove(CONFIG_MAPS, Key("default", name))
            self.remember()

    def remember(self) -> None:
        self.states[self.store.version] = {
            entry.key: entry for entry in self.store.entries(CONFIG_MAPS)
        }

    @invariant()
    def snapshots_are_what_was(self) -> None:
        floor = self.store.floor(CONFIG_MAPS)
        for version, state in self.states.items():
            if version >= floor:
                assert dict(self.store.snapshot(CONFIG_MAPS, version)) == state

    @invariant()
    def a_filtered_watch_arrives_at_the_filtered_state(self) -> None:
        floor = self.store.floor(CONFIG_MAPS)
        start = min(version for version in self.states if version >= floor)

        def wanted(entry: Entry) -> bool:
            return entry.labels["l"] == "x"

        seen = {key: each for key, each in self.states[start].items() if wanted(each)}
        for change in self.store.changes(CONFIG_MAPS, start):
            apply_event(seen, change, wanted)
        now = {entry.key: entry for entry in self.store.entries(CONFIG_MAPS) if wanted(entry)}
        assert seen == now


def apply_event(seen: dict[Key, Entry], change: Change, wanted: Any) -> None:
    event = change.seen_through(wanted)
    if event is None:
        return
    kind, entry = event
    assert entry.version == change.version
    assert (kind == "ADDED") is (entry.key not in seen)
    if kind == "DELETED":
        del seen[entry.key]
    else:
        seen[entry.key] = entry


TestHistory = HistoryMachine.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
