"""Local copies of pods and events that follow the cluster by watching; I/O.

KubeSpawner's reflector lists everything again every few seconds, keeps whole objects and gives up
when the API server stays away.  These guarantee instead:

* one paged list at the start, then one watch that is resumed from the last resourceVersion after a
  time-out or a cut; everything is listed again only when the API server answers 410 Gone;
* whoever waits for one pod is woken by that pod's change, without polling;
* objects are trimmed (see ``trimming``), lists are read in pages, and the event loop is let go
  between pages and between bursts of changes;
* it never gives up: the pause between attempts is jittered and at most ``max_retry_delay``.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp
from kubespawner.reflector import ResourceReflector
from traitlets import Float, Integer

from studiolo_spawner.backoff import Backoff
from studiolo_spawner.trimming import trim_event, trim_pod
from studiolo_spawner.watch_stream import (
    LineSplitter,
    WatchEvent,
    WatchExpired,
    parse_event,
    raise_for_status,
)

KubernetesObject = dict[str, Any]

BUSY_SECONDS = 0.01
"""How long changes are taken in before other tasks get their turn."""

CONNECT_SECONDS = 3


class ResumingReflector(ResourceReflector):
    """Keeps ``resources`` ("namespace/name" -> trimmed object) up to date and wakes who waits."""

    page_size = Integer(
        100,
        min=1,
        config=True,
        help="""
        Objects asked for in one page of a list.

        Smaller pages keep the event loop freer, larger ones need fewer requests.
        """,
    )

    max_retry_delay = Float(
        5.0,
        config=True,
        help="""
        Longest pause, in seconds, between attempts to reach the API server.

        The attempts never end.
        """,
    )

    timeout_seconds = Integer(
        45,
        config=True,
        help="""
        How long the API server is asked to keep one watch open, in seconds.

        The next watch goes on where the last one ended, so this costs one request and no list.
        """,
    )

    request_timeout = Integer(
        60,
        config=True,
        help="""
        How long, in seconds, a connection may stay silent before it is taken for dead.

        Must be larger than timeout_seconds.
        """,
    )

    resources: dict[str, KubernetesObject]
    watch_task: asyncio.Task[None] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._version: str | None = None
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._backoff = Backoff(cap=self.max_retry_delay)
        self._last_contact = time.monotonic()
        self._let_go_at = 0.0
        self.connected = False
        self.lists = 0

    # -- what others read ------------------------------------------------------------------

    @property
    def silent_seconds(self) -> float:
        """Seconds for which the copy may be behind; 0 while the watch is open."""
        return 0.0 if self.connected else time.monotonic() - self._last_contact

    @contextmanager
    def listening(self, key: str, wake: asyncio.Event) -> Iterator[None]:
        """Set ``wake`` at every change of ``key`` ("namespace/pod name") while inside."""
        self._listeners[key].add(wake)
        try:
            yield
        finally:
            waiting = self._listeners[key]
            waiting.discard(wake)
            if not waiting:
                del self._listeners[key]

    async def wait_for_change(self, key: str, timeout: float) -> bool:
        """Wait for the next change of ``key``; False when ``timeout`` seconds passed first."""
        wake = asyncio.Event()
        with self.listening(key, wake), suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), timeout)
        return wake.is_set()

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start following; ``first_load_future`` is done once everything was listed.

        An API server that cannot be reached is no error here: it is tried until it answers.
        """
        if self.watch_task and not self.watch_task.done():
            raise RuntimeError(f"already watching {self.kind}")
        self.watch_task = asyncio.create_task(self._watch_and_update())

    async def stop(self) -> None:
        """Stop following and close the connection."""
        task, self.watch_task = self.watch_task, None
        if task:
            task.cancel()
            await asyncio.wait([task])
        self.connected = False

    async def _watch_and_update(self) -> None:
        while True:
            began = time.monotonic()
            try:
                if self._version is None:
                    await self._list_everything()
                alive = await self._follow()
            except WatchExpired as error:
                self._version = None
                problem = f"410 {error}"
            except Exception as error:  # noqa: BLE001 - giving up would blind every spawner
                problem = f"{type(error).__name__}: {str(error)[:200]}"
            else:
                if alive or time.monotonic() - began > 1:
                    self._backoff.reset()
                    continue
                problem = "the API server closed the watch at once"
            await self._pause(problem)

    async def _pause(self, problem: str) -> None:
        if self.connected:
            self._last_contact = time.monotonic()
        self.connected = False
        delay = self._backoff.next_delay()
        # One line when it begins, then one each time the delays have grown long.
        level = self.log.warning if self._backoff.failures in (1, 10, 100) else self.log.debug
        level("Watching %s was interrupted, next try in %.1f s: %s", self.kind, delay, problem)
        await asyncio.sleep(delay)

    # -- list ------------------------------------------------------------------------------

    async def _list_everything(self) -> None:
        """Read everything page by page, then replace the copy at once."""
        fresh: dict[str, KubernetesObject] = {}
        token: str | None = None
        while True:
            page = await self._read_page(token)
            for item in page["items"]:
                kept = self._trimmed(item)
                fresh[_key_of(kept)] = kept
            token = page["metadata"].get("continue")
            if not token:
                break
            await asyncio.sleep(0)
        self._replace_all(fresh)
        self._version = page["metadata"]["resourceVersion"]
        self.lists += 1
        if not self.first_load_future.done():
            self.first_load_future.set_result(None)

    async def _read_page(self, token: str | None) -> dict[str, Any]:
        response = await self._request(
            limit=self.page_size, **({"_continue": token} if token else {})
        )
        try:
            raise_for_status(response.status, response.reason or "")
            page: dict[str, Any] = json.loads(await response.read())
        finally:
            response.release()
        return page

    def _replace_all(self, fresh: dict[str, KubernetesObject]) -> None:
        old = self.resources
        self.resources = fresh
        for key in old.keys() | fresh.keys():
            before, after = old.get(key), fresh.get(key)
            if before != after:
                self._wake(after or before or {})

    # -- watch -----------------------------------------------------------------------------

    async def _follow(self) -> bool:
        """Take in changes until the watch ends; True when anything at all was heard."""
        response = await self._request(
            watch=True,
            resource_version=self._version,
            allow_watch_bookmarks=True,
            timeout_seconds=self.timeout_seconds,
        )
        heard = False
        try:
            raise_for_status(response.status, response.reason or "")
            self._note_contact()
            splitter = LineSplitter()
            async for chunk in response.content.iter_any():
                for line in splitter.feed(chunk):
                    self._take_in(parse_event(line))
                    heard = True
                    await self._let_others_run()
                self._backoff.reset()
        finally:
            # An open watch cannot be given back to the pool.
            response.close()
        return heard

    def _note_contact(self) -> None:
        if self._backoff.failures:
            self.log.info("Watching %s again after %.1f s", self.kind, self.silent_seconds)
        self.connected = True

    async def _let_others_run(self) -> None:
        now = time.monotonic()
        if now - self._let_go_at > BUSY_SECONDS:
            await asyncio.sleep(0)
            self._let_go_at = time.monotonic()

    def _take_in(self, event: WatchEvent) -> None:
        if event.kind != "BOOKMARK":
            kept = self._trimmed(event.object)
            if event.kind == "DELETED":
                self._forget(_key_of(kept))
            else:
                self._keep(_key_of(kept), kept)
            self._wake(kept)
        self._version = event.resource_version

    async def _request(self, **arguments: Any) -> aiohttp.ClientResponse:
        method: Callable[..., Any] = getattr(self.api, self.list_method_name)
        if not self.omit_namespace:
            arguments["namespace"] = self.namespace
        response: aiohttp.ClientResponse = await method(
            label_selector=self.label_selector,
            field_selector=self.field_selector,
            _preload_content=False,
            _request_timeout=aiohttp.ClientTimeout(
                sock_connect=CONNECT_SECONDS, sock_read=self.request_timeout
            ),
            **arguments,
        )
        return response

    # -- what kinds of object differ in ----------------------------------------------------

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return item

    def _waiting_key(self, item: KubernetesObject) -> str:
        return _key_of(item)

    def _keep(self, key: str, item: KubernetesObject) -> None:
        self.resources[key] = item

    def _forget(self, key: str) -> None:
        self.resources.pop(key, None)

    def _wake(self, item: KubernetesObject) -> None:
        for wake in self._listeners.get(self._waiting_key(item), ()):
            wake.set()


class PodReflector(ResumingReflector):
    """The workspaces' pods."""

    kind = "pods"

    @property
    def pods(self) -> dict[str, KubernetesObject]:
        """Pods by "namespace/name"."""
        return self.resources

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return trim_pod(item)


class EventReflector(ResumingReflector):
    """Events about pods, bounded in number, found by pod."""

    kind = "events"

    max_events = Integer(
        20_000,
        min=1,
        config=True,
        help="""
        Events kept at most; the ones heard first are dropped first.
        """,
    )

    max_events_per_pod = Integer(
        100,
        min=1,
        config=True,
        help="""
        Events kept at most for one pod; the ones heard first are dropped first.
        """,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by_pod: defaultdict[str, dict[str, KubernetesObject]] = defaultdict(dict)

    @property
    def events(self) -> list[KubernetesObject]:
        """Every event, oldest first."""
        return sorted(self.resources.values(), key=_event_time)

    def events_of(self, key: str) -> list[KubernetesObject]:
        """Events about the pod ``key`` ("namespace/name"), oldest first."""
        return sorted(self._by_pod.get(key, {}).values(), key=_event_time)

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return trim_event(item)

    def _waiting_key(self, item: KubernetesObject) -> str:
        about = item.get("involvedObject") or {}
        return f"{about.get('namespace')}/{about.get('name')}"

    def _replace_all(self, fresh: dict[str, KubernetesObject]) -> None:
        newest = dict(sorted(fresh.items(), key=lambda pair: _event_time(pair[1])))
        for key in list(newest)[: max(0, len(newest) - self.max_events)]:
            del newest[key]
        self._by_pod.clear()
        for key, item in newest.items():
            self._by_pod[self._waiting_key(item)][key] = item
        super()._replace_all(newest)

    def _keep(self, key: str, item: KubernetesObject) -> None:
        # Taken out first, so that a repeated event counts as newly heard.
        self._forget(key)
        of_pod = self._by_pod[self._waiting_key(item)]
        of_pod[key] = self.resources[key] = item
        if len(of_pod) > self.max_events_per_pod:
            self._forget(next(iter(of_pod)))
        if len(self.resources) > self.max_events:
            self._forget(next(iter(self.resources)))

    def _forget(self, key: str) -> None:
        item = self.resources.pop(key, None)
        if item is None:
            return
        pod = self._waiting_key(item)
        self._by_pod[pod].pop(key, None)
        if not self._by_pod[pod]:
            del self._by_pod[pod]


def _key_of(item: KubernetesObject) -> str:
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"


def _event_time(event: KubernetesObject) -> str:
    """RFC 3339 stamps in UTC sort as text; an event without one sorts first."""
    metadata = event.get("metadata") or {}
    stamp: str = (
        event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or metadata.get("creationTimestamp")
        or ""
    )
    return stamp
