"""Local copies of pods and events that follow the cluster by watching; I/O.

KubeSpawner's reflector lists everything again every few seconds, keeps whole objects and gives up
when the API server stays away.  These guarantee instead:

* one paged list at the start, then one watch that is resumed from the last resourceVersion after a
  time-out or a cut; everything is listed again only when the API server answers 410 Gone;
* whoever waits for one pod is woken by that pod's change, without polling;
* objects are trimmed (``trimming``) and kept as text (``compact_objects``), lists are read in
  pages, and the event loop is let go between pages and between bursts of changes;
* it never gives up: the pause between attempts is jittered and at most ``max_retry_delay``.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import gc
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
from studiolo_spawner.compact_objects import CompactObjects, EventObjects
from studiolo_spawner.trimming import trim_event, trim_pod
from studiolo_spawner.watch_stream import (
    LineSplitter,
    WatchEvent,
    WatchExpired,
    WatchForbidden,
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

    # Not a trait: traits compare a new value with the old one, object by object.
    resources: CompactObjects = CompactObjects()
    watch_task: asyncio.Task[None] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resources = self._empty()
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
            async with asyncio.timeout(timeout):
                await wake.wait()
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
            except WatchForbidden as error:
                await self._forbidden(str(error))
                continue
            except Exception as error:  # noqa: BLE001 - giving up would blind every spawner
                problem = f"{type(error).__name__}: {str(error)[:200]}"
            else:
                if alive or time.monotonic() - began > 1:
                    self._backoff.reset()
                    continue
                problem = "the API server closed the watch at once"
            await self._pause(problem)

    async def _forbidden(self, problem: str) -> None:
        """Do what there is to do where the hub lacks the right to read; then it is tried again."""
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
        fresh = self._empty()
        token: str | None = None
        while True:
            text = await self._read_page(token)
            with _collecting_no_garbage():
                metadata = self._take_page(text, fresh)
            token = metadata.get("continue")
            if not token:
                break
            await asyncio.sleep(0)
        self._replace_all(fresh)
        self._version = metadata["resourceVersion"]
        self.lists += 1
        if not self.first_load_future.done():
            self.first_load_future.set_result(None)

    async def _read_page(self, token: str | None) -> bytes:
        response = await self._request(
            limit=self.page_size, **({"_continue": token} if token else {})
        )
        try:
            raise_for_status(response.status, response.reason or "")
            return await response.read()
        finally:
            response.release()

    def _take_page(self, text: bytes, fresh: CompactObjects) -> dict[str, Any]:
        """Add a page's trimmed objects to ``fresh``; return the list's metadata."""
        page = json.loads(text)
        for item in page["items"]:
            kept = self._trimmed(item)
            fresh[_key_of(kept)] = kept
        metadata: dict[str, Any] = page["metadata"]
        return metadata

    def _replace_all(self, fresh: CompactObjects) -> None:
        fresh.settle()
        old, self.resources = self.resources, fresh
        for key in old.changes_to(fresh):
            self._wake((fresh if key in fresh else old).subject_of(key))

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
            key = _key_of(kept)
            if event.kind != "DELETED":
                self.resources[key] = kept
                self.resources.settle()
                self._wake(self.resources.subject_of(key))
            elif key in self.resources:
                subject = self.resources.subject_of(key)
                del self.resources[key]
                self._wake(subject)
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

    def _wake(self, subject: str) -> None:
        for wake in self._listeners.get(subject, ()):
            wake.set()

    # -- what kinds of object differ in ----------------------------------------------------

    def _empty(self) -> CompactObjects:
        return CompactObjects()

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return item


class PodReflector(ResumingReflector):
    """The workspaces' pods."""

    kind = "pods"

    @property
    def pods(self) -> CompactObjects:
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

    resources: EventObjects

    @property
    def events(self) -> list[KubernetesObject]:
        """Every event, oldest first."""
        return self.resources.in_order()

    def events_of(self, key: str) -> list[KubernetesObject]:
        """Events about the pod ``key`` ("namespace/name"), oldest first."""
        return self.resources.about(key)

    def _empty(self) -> CompactObjects:
        return EventObjects(most=self.max_events, most_per_pod=self.max_events_per_pod)

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return trim_event(item)


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """Keep Python's cycle collector from running inside; for a few milliseconds without ``await``.

    Parsing makes so many short-lived containers that it would search the whole heap again and
    again, for a tenth of a second each time in a hub, and find nothing: JSON has no cycles.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _key_of(item: KubernetesObject) -> str:
    """ "namespace/name", or the name alone of what belongs to no namespace."""
    metadata = item["metadata"]
    namespace, name = metadata.get("namespace"), metadata["name"]
    return f"{namespace}/{name}" if namespace else str(name)
