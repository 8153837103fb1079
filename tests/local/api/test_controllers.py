from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from studiolo_local.api import deletion, resources
from studiolo_local.api.controllers import EVENT_LIFETIME, Controllers
from studiolo_local.api.entries import Key
from studiolo_local.api.operations import Operations
from studiolo_local.api.store import Store

from tests.local.api.samples import binding, cluster, config_map, pod, quota


class Running:
    """A cluster whose controllers run when they are told to."""

    def __init__(self, store: Store | None = None) -> None:
        self.store, self.do = cluster(store)
        self.woken = 0
        self.controllers = Controllers(self.store, self.do, self.wake)

    def wake(self) -> None:
        self.woken += 1

    def settle(self) -> None:
        self.controllers.run_pending()

    def names(self, resource: Any, namespace: str = "default") -> list[str]:
        return [entry.key.name for entry in self.store.entries(resource, namespace)]

    def own(self, name: str, *owners: Any) -> None:
        body = config_map(name)
        body["metadata"]["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": each.key.name, "uid": each.uid}
            for each in owners
        ]
        self.do.create(resources.CONFIG_MAPS, "default", body)


def test_what_an_object_owned_goes_with_it() -> None:
    here = Running()
    one = here.do.create(resources.CONFIG_MAPS, "default", config_map("one"))
    other = here.do.create(resources.CONFIG_MAPS, "default", config_map("other"))
    here.own("child", one)
    here.own("grandchild", here.do.get(resources.CONFIG_MAPS, Key("default", "child")))
    here.own("shared", one, other)
    here.do.delete(resources.CONFIG_MAPS, one.key, deletion.Options())
    here.settle()
    assert here.names(resources.CONFIG_MAPS) == ["other", "shared"]
    here.do.delete(resources.CONFIG_MAPS, other.key, deletion.Options())
    here.settle()
    assert here.names(resources.CONFIG_MAPS) == []


def test_orphans_stay_without_their_owner() -> None:
    here = Running()
    one = here.do.create(resources.CONFIG_MAPS, "default", config_map("one"))
    here.own("child", one)
    here.do.delete(resources.CONFIG_MAPS, one.key, deletion.Options(orphan=True))
    here.settle()
    child = here.do.get(resources.CONFIG_MAPS, Key("default", "child")).content()
    assert "ownerReferences" not in child["metadata"]


def test_what_is_made_for_an_owner_that_is_gone_goes_too() -> None:
    here = Running()
    one = here.do.create(resources.CONFIG_MAPS, "default", config_map("one"))
    here.do.delete(resources.CONFIG_MAPS, one.key, deletion.Options())
    here.settle()
    here.own("late", one)
    here.settle()
    assert here.names(resources.CONFIG_MAPS) == []


def test_a_namespace_is_emptied_then_goes() -> None:
    here = Running()
    here.do.create(resources.NAMESPACES, "", {"metadata": {"name": "team"}})
    here.settle()
    assert here.names(resources.SERVICE_ACCOUNTS, "team") == ["default"]
    here.do.create(resources.CONFIG_MAPS, "team", config_map("a"))
    here.do.create(resources.PODS, "team", pod())
    here.do.bind(Key("team", "one"), binding("n"))
    here.do.delete(resources.NAMESPACES, Key("", "team"), deletion.Options())
    here.settle()
    going = here.do.get(resources.NAMESPACES, Key("", "team")).content()
    assert going["status"]["phase"] == "Terminating"
    assert here.names(resources.CONFIG_MAPS, "team") == []
    assert here.names(resources.PODS, "team") == ["one"], "the pod has its grace period"
    here.do.delete(resources.PODS, Key("team", "one"), deletion.Options(0))
    here.settle()
    assert here.store.get(resources.NAMESPACES, Key("", "team")) is None


def claim_and_pod(here: Running) -> Key:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    here.do.create(resources.CLAIMS, "default", {"metadata": {"name": "home"}, "spec": spec})
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "home"}}
    here.do.create(resources.PODS, "default", pod(volumes=[volume]))
    here.settle()
    return Key("default", "home")


def test_a_claim_waits_for_the_last_pod_that_uses_it() -> None:
    here = Running()
    key = claim_and_pod(here)
    here.do.delete(resources.CLAIMS, key, deletion.Options())
    here.settle()
    assert here.do.get(resources.CLAIMS, key).content()["metadata"]["deletionTimestamp"]
    here.do.delete(resources.PODS, Key("default", "one"), deletion.Options())
    here.settle()
    assert here.store.get(resources.CLAIMS, key) is None


def test_what_a_killed_process_left_undone_is_taken_up() -> None:
    before = Running()
    key = claim_and_pod(before)
    one = before.do.create(resources.CONFIG_MAPS, "default", config_map("one"))
    before.own("child", one)
    before.do.delete(resources.CLAIMS, key, deletion.Options())
    before.settle()
    # The changes that its controllers would have answered, with nobody there to do so.
    quiet = Operations(before.store)
    quiet.delete(resources.CONFIG_MAPS, one.key, deletion.Options())
    quiet.delete(resources.PODS, Key("default", "one"), deletion.Options())
    after = Controllers(before.store, Operations(before.store), before.wake)
    after.resume()
    after.run_pending()
    assert before.names(resources.CONFIG_MAPS) == []
    assert before.names(resources.CLAIMS) == []


def test_a_quotas_status_says_what_is_used() -> None:
    here = Running()
    here.do.create(resources.QUOTAS, "default", quota(pods="3", configmaps="9"))
    here.do.create(resources.PODS, "default", pod())
    here.do.create(resources.CONFIG_MAPS, "default", config_map("a"))
    here.settle()
    key = Key("default", "team")
    status = here.do.get(resources.QUOTAS, key).content()["status"]
    assert status == {
        "hard": {"pods": "3", "configmaps": "9"},
        "used": {"pods": "1", "configmaps": "1"},
    }
    here.do.delete(resources.PODS, Key("default", "one"), deletion.Options())
    here.settle()
    assert here.do.get(resources.QUOTAS, key).content()["status"]["used"]["pods"] == "0"
    before = here.store.version
    here.settle()
    assert here.store.version == before


def test_events_go_after_an_hour() -> None:
    here = Running()
    now = datetime.now(UTC)
    for name, seen in (("old", now - EVENT_LIFETIME * 2), ("new", now)):
        body = {
            "metadata": {"name": name},
            "involvedObject": {"kind": "Pod", "namespace": "default"},
            "lastTimestamp": seen.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        here.do.create(resources.EVENTS, "default", body)
    here.controllers.expire_events(now + timedelta(seconds=1))
    assert here.names(resources.EVENTS) == ["new"]


def test_a_time_beyond_all_calendars_does_no_harm() -> None:
    here = Running()
    for name, moment in (("end", "9999-12-31T23:59:59Z"), ("begin", "0001-01-01T00:00:00Z")):
        body = {
            "metadata": {"name": name},
            "involvedObject": {"kind": "Pod", "namespace": "default"},
            "lastTimestamp": moment,
        }
        here.do.create(resources.EVENTS, "default", body)
    here.controllers.expire_events(datetime.now(UTC))
    assert here.names(resources.EVENTS) == ["end"]


def test_what_cannot_be_done_now_is_done_later() -> None:
    here = Running()
    here.settle()
    here.do.create(resources.NAMESPACES, "", {"metadata": {"name": "team"}})
    here.do.create(resources.QUOTAS, "team", quota(**{"count/serviceaccounts": "0"}))
    here.settle()
    assert here.names(resources.SERVICE_ACCOUNTS, "team") == []
    here.do.delete(resources.QUOTAS, Key("team", "team"), deletion.Options())
    here.controllers.retry()
    here.settle()
    assert here.names(resources.SERVICE_ACCOUNTS, "team") == ["default"]


def test_one_wake_is_enough_for_many_changes() -> None:
    here = Running()
    here.settle()
    here.woken = 0
    for count in range(10):
        here.do.create(resources.CONFIG_MAPS, "default", config_map(f"c{count}"))
    assert here.woken == 1
