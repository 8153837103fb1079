"""One start of one workspace: image after image until one runs; I/O.

Guarantees:

* what the registry or the pod says against an image leads to the next one, what it says against the
  cluster ends the start with its cause;
* readiness, causes and disappearance are seen on the watch's event;
* the start's identity and attempts are in the hub's database before a pod is created;
* when the start ends without a workspace (a fault, a time-out, a cancellation at any point) the
  pod that it made is gone or, while the API server is away, being deleted by ``undo``.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from studiolo_spawner import metrics
from studiolo_spawner.attempts import Attempt, AttemptOutcome, add_attempt, replace_last
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.cluster_api import ClusterApi, KubernetesObject, fault_of
from studiolo_spawner.companions import make_companions
from studiolo_spawner.errors import ClusterFault, NoImageLeft
from studiolo_spawner.homes import ensure_home, ensure_namespace
from studiolo_spawner.image_check import CheckedImage, check_image
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.journal import Journal
from studiolo_spawner.own_pod import OwnPod, spawn_id_of, uid_of
from studiolo_spawner.pod import AttemptPod
from studiolo_spawner.pod_view import containers_of
from studiolo_spawner.podstatus import Stage, cause_of, stage_of
from studiolo_spawner.progress import fallback_reason, message, progress_messages, story
from studiolo_spawner.registry import RegistryClient
from studiolo_spawner.resolve import Candidate, WorkspaceRequest
from studiolo_spawner.verdict import Decision, Verdict, verdict_of_cause
from studiolo_spawner.wording import duration
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

LOOK_SECONDS = 5.0
"""Longest time between two looks at a pod that nothing is heard of."""

PATIENCE_SECONDS = 30.0
"""How often a user who waits without news is told for how long."""

_unfinished: set[asyncio.Task[None]] = set()
"""Keeps tasks alive that nobody waits for any more."""


class Launch:
    """The start of one workspace; used once."""

    def __init__(
        self,
        spawner: WorkspaceSpawner,
        request: WorkspaceRequest,
        catalogue: Catalogue,
        *,
        api: ClusterApi,
        registry: RegistryClient,
        health: HealthBook,
        journal: Journal,
    ) -> None:
        self._spawner = spawner
        self._request = request
        self._catalogue = catalogue
        self._api = api
        self._registry = registry
        self._health = health
        self._journal = journal
        self._pod = OwnPod(spawner, api)
        self._creating: asyncio.Task[KubernetesObject] | None = None
        self._undoing: asyncio.Task[None] | None = None
        self._cause: Cause | None = None
        self._size: int | None = None
        self._told_at = time.monotonic()
        requested = request.requested
        self.state = WorkspaceState(
            spawn_id=uuid.uuid4().hex,
            profile=request.profile.id,
            requested=ImageInUse(requested.id, requested.display_name, requested.reference),
        )

    async def run(self) -> str:
        """Return the workspace's URL; raises a StudioloError, or what an operator's hook raised."""
        limit = self._catalogue.defaults.spawn_timeout
        deadline = asyncio.timeout(limit.total_seconds())
        try:
            async with deadline:
                return await self._run_or_undo()
        except TimeoutError:
            if not deadline.expired():
                raise
            raise self._too_late(limit) from None

    async def undo(self) -> None:
        """Remove what this start made; a create in flight is awaited first.

        May be called more than once.  While the API server is away this returns after a while and
        goes on in the background.
        """
        if self._undoing is None:
            self._undoing = asyncio.create_task(self._undo(), name="undo a start")
            _unfinished.add(self._undoing)
            self._undoing.add_done_callback(_unfinished.discard)
        await asyncio.wait([self._undoing], timeout=self._spawner.pod_gone_timeout)

    # -- the whole -------------------------------------------------------------------------

    async def _run_or_undo(self) -> str:
        try:
            return await self._run()
        except BaseException:
            await self.undo()
            raise

    async def _run(self) -> str:
        for notice in self._request.notices:
            self._journal.note([message(1, notice)])
        await self._prepare()
        for candidate in self._request.candidates:
            number = len(self.state.attempts) + 1
            if number > self._request.fallback.max_attempts or self._was_tried(candidate):
                continue
            if number > 1:
                metrics.count_fallback(self.state.attempts[-1])
                self._health.note_fallback(self.state.attempts[-1])
            if await self._try(number, candidate):
                ready = self._pod.seen(self.state.pod_uid)
                if ready is not None:
                    return self._spawner.url_of(ready)
                raise fault_of(cause("pod_removed"))
        raise NoImageLeft(story(self.state.attempts))

    def _was_tried(self, candidate: Candidate) -> bool:
        """Whether this is a last good digest that the tag has turned out to name still."""
        digest = candidate.digest
        return bool(digest) and any(a.digest == digest for a in self.state.attempts)

    async def _prepare(self) -> None:
        spawner = self._spawner
        if spawner.enable_user_namespaces:
            await ensure_namespace(spawner, self._api)
        try:
            async with asyncio.timeout(spawner.k8s_api_request_retry_timeout):
                await spawner.watch()
        except TimeoutError:
            raise fault_of(cause("api_away")) from None
        with spawner.home_of(self._request.home):
            await ensure_home(spawner, self._api)

    async def _undo(self) -> None:
        try:
            uid = self.state.pod_uid or await self._uid_in_doubt()
            if uid:
                await self._pod.remove(uid, grace=0, for_ever=True)
                self._spawner.log.info("%s: removed the pod of a start that ended", self._pod.key)
        except ClusterFault as fault:
            self._spawner.log.warning("%s: could not be removed: %s", self._pod.key, fault)

    async def _uid_in_doubt(self) -> str:
        """The pod of a create whose answer was not heard: what becomes of it is waited for."""
        if self._creating is None:
            return ""
        await asyncio.wait([self._creating])
        if self._creating.exception() is None:
            return uid_of(self._creating.result())
        # Sent, perhaps carried out, and never answered.
        found = await self._pod.find(for_ever=True)
        ours = found is not None and spawn_id_of(found) == self.state.spawn_id
        return uid_of(found) if found is not None and ours else ""

    def _too_late(self, limit: timedelta) -> ClusterFault:
        told = f"The workspace was not ready within {duration(limit)}."
        if self._cause is not None:
            told = f"{told} {self._cause.message} {self._cause.hint}"
        return ClusterFault(told, reason="spawn_timeout")

    # -- one image -------------------------------------------------------------------------

    async def _try(self, number: int, candidate: Candidate) -> bool:
        """Try one image: True when its pod is ready, False when the next one is to be tried."""
        image = candidate.image
        why = f"{candidate.why[:1].upper()}{candidate.why[1:]}." if number > 1 else ""
        self._begin(
            Attempt(
                image.id,
                candidate.reference,
                None,
                "trying",
                "",
                why,
                _now(),
                display_name=candidate.display_name,
            )
        )
        checked = await check_image(
            image,
            self._registry,
            self._api,
            namespace=self._spawner.namespace,
            digest=candidate.digest,
        )
        self._size = checked.answer.size
        verdict = checked.verdict
        if verdict.decision is Decision.FALL_BACK:
            self._end("skipped", verdict)
            return False
        told = f"{why} {verdict.message}".strip() if verdict.decision is Decision.UNKNOWN else why
        self._update(replace(self.state.attempts[-1], digest=checked.digest, message=told))
        found = await self._run_pod(number, candidate, checked)
        if found is None:
            self._end("running", None)
            return True
        verdict = verdict_of_cause(found)
        self._end("failed", verdict)
        if verdict.decision is not Decision.FALL_BACK:
            raise fault_of(found)
        await self._pod.remove(self.state.pod_uid, grace=0)
        return False

    async def _run_pod(
        self, number: int, candidate: Candidate, checked: CheckedImage
    ) -> Cause | None:
        """Create the pod and wait: None when it is ready, else what ended it."""
        spawner = self._spawner
        with spawner.attempt(self._attempt_pod(number, candidate, checked)):
            await self._spawner.save_state()
            body = await spawner.pod_body()
            creation = self._pod.create(body, spawn_id=self.state.spawn_id, number=number)
            # Never cancelled: a request that was sent may still make a pod.
            self._creating = asyncio.create_task(creation, name="create a pod")
            created = await asyncio.shield(self._creating)
            self.state = self.state.with_pod(uid_of(created))
            self._creating = None
            await make_companions(spawner, self._api, created)
        return await self._until_ready(candidate)

    def _attempt_pod(self, number: int, candidate: Candidate, checked: CheckedImage) -> AttemptPod:
        request, attempts = self._request, self.state.attempts
        return AttemptPod(
            username=self._spawner.user.name,
            image=candidate.image,
            requested=request.requested,
            reference=checked.reference,
            digest=checked.digest,
            profile=request.profile,
            home=request.home,
            claim=self._spawner.pvc_name,
            volumes=request.volumes,
            spawn_id=self.state.spawn_id,
            number=number,
            base_url=self._spawner.server.base_url if self._spawner.server else "/",
            # Whoever reads this reads it in the running workspace.
            fallback_reason=fallback_reason(
                replace_last(attempts, replace(attempts[-1], outcome="running"))
            ),
            secure=self._spawner.internal_ssl,
        )

    async def _until_ready(self, candidate: Candidate) -> Cause | None:
        """Wait for the pod, woken by what happens to it."""
        wake, heard = asyncio.Event(), False
        with self._pod.listening(wake):
            while True:
                wake.clear()
                pod = self._pod.seen(self.state.pod_uid)
                if pod is not None:
                    heard = True
                    if self._spawner.is_pod_running(pod):
                        return None
                    found = self._look(pod, candidate)
                    if found is not None and found.terminal:
                        return found
                elif heard:
                    return cause("pod_removed", terminal=True)
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), self._look_again_in(pod))

    def _look(self, pod: KubernetesObject, candidate: Candidate) -> Cause | None:
        events, now = self._pod.events(), _now()
        self._cause = cause_of(
            pod,
            events,
            now=now,
            start_deadline=self._catalogue.defaults.start_deadline,
            start_tries=candidate.image.start_tries,
        )
        if self._cause is None or not self._cause.terminal:
            # What ends the attempt is told once, with the attempt.
            self._tell(stage_of(pod, events), now)
        return self._cause

    def _look_again_in(self, pod: KubernetesObject | None) -> float:
        """Seconds until the container's time to become ready is over, if that comes first."""
        starts = [c.started_at for c in containers_of(pod or {}) if c.main and c.started_at]
        if not starts:
            return LOOK_SECONDS
        due = starts[0] + self._catalogue.defaults.start_deadline
        left = (due - _now()).total_seconds() + 0.05
        return min(max(left, 0.05), LOOK_SECONDS)

    # -- what is remembered and told -------------------------------------------------------

    def _begin(self, attempt: Attempt) -> None:
        self._cause = None
        self.state = replace(
            self.state, attempts=add_attempt(self.state.attempts, attempt), pod_uid=""
        )
        self._tell()

    def _update(self, attempt: Attempt) -> None:
        actual = ImageInUse(
            attempt.image_id, attempt.display_name, attempt.reference, attempt.digest
        )
        attempts = replace_last(self.state.attempts, attempt)
        self.state = replace(self.state, attempts=attempts, actual=actual)
        self._tell()

    def _end(self, outcome: AttemptOutcome, verdict: Verdict | None) -> None:
        ended = self.state.attempts[-1].ending(outcome, verdict, _now())
        self.state = replace(self.state, attempts=replace_last(self.state.attempts, ended))
        metrics.count_attempt(ended)
        self._health.note_attempt(ended)
        self._spawner.log.info(
            "%s: image %s (%s) %s%s",
            self._pod.key,
            ended.image_id,
            ended.digest or ended.reference,
            outcome,
            f": {verdict.reason}: {verdict.message}" if verdict else "",
        )
        self._tell()

    def _tell(self, stage: Stage | None = None, now: datetime | None = None) -> None:
        """Put what is new into the journal."""
        attempts, now = self.state.attempts, now or _now()
        # Told without "for 3 seconds now", which would be news at every look.
        timeless = stage and replace(stage, since=None)
        # Without a stage the attempt has ended, and its story holds the cause.
        cause_now = self._cause if stage else None
        news = progress_messages(attempts, timeless, cause_now, now=now, size=self._size)
        # The attempts' story goes on from image to image; every image has its stages anew.
        heard = self._journal.note(news[: len(attempts)])
        heard = self._journal.note(news[len(attempts) :], chapter=len(attempts)) or heard
        if not heard and stage and time.monotonic() - self._told_at > PATIENCE_SECONDS:
            patience = progress_messages(attempts, stage, None, now=now)
            heard = self._journal.note(patience[-1:], chapter=len(attempts))
        if heard:
            self._told_at = time.monotonic()


def _now() -> datetime:
    return datetime.now(UTC)
