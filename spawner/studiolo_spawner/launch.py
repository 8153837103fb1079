"""One start of one workspace: image after image until one runs; I/O.

Guarantees:

* what the registry or the pod says against an image leads to the next one, what it says against the
  cluster ends the start with its cause;
* readiness, causes and disappearance are seen on the watch's event;
* the start's identity, plan and attempts are in the hub's database before a pod is created and at
  every step, so that another hub process can go on at any of them (``resumption``): with the same
  pod where one was made, with the same images and with what is left of the time;
* when the start ends without a workspace (a fault, a time-out, a cancellation at any point) the
  pod that it made is gone or, while the API server is away, being deleted by ``undo``; only a hub
  that ends itself leaves it to the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from studiolo_spawner.attempts import replace_last
from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.chronicle import Chronicle
from studiolo_spawner.cluster_api import ClusterApi, KubernetesObject, fault_of
from studiolo_spawner.companions import make_companions
from studiolo_spawner.errors import ClusterFault, HubFault
from studiolo_spawner.homes import ensure_home
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_checker import ImageChecker
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.journal import Journal
from studiolo_spawner.last_start import keep_log
from studiolo_spawner.launch_plan import Plan
from studiolo_spawner.own_pod import OwnPod, is_from, spawn_id_of, uid_of
from studiolo_spawner.pod import AttemptPod
from studiolo_spawner.progress import fallback_reason
from studiolo_spawner.queueing import HELD_BACK
from studiolo_spawner.readiness import Waiting, until_ready
from studiolo_spawner.resolve import Candidate
from studiolo_spawner.server_identity import adopt_identity, ensure_identity
from studiolo_spawner.spoken import duration
from studiolo_spawner.start_rules import (
    failure_of,
    first_state,
    next_candidate,
    require_image_fault,
    require_resumable,
)
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _
from studiolo_spawner.user_namespaces import ensure_namespace
from studiolo_spawner.verdict import Decision, verdict_of_cause
from studiolo_spawner.wait_words import WaitWords
from studiolo_spawner.workspace_state import WorkspaceState

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

LEAST_TIME = timedelta(seconds=20)
"""What a resumed start has at least: it may be ready, and only nobody has looked."""

_unfinished: set[asyncio.Task[None]] = set()
"""Keeps tasks alive that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a start works with; ``hub_ends`` tells whether this hub process is about to end."""

    api: ClusterApi
    checker: ImageChecker
    health: HealthBook
    journal: Journal
    waits: WaitWords | None = None
    hub_ends: Callable[[], bool] = lambda: False


class Launch:
    """The start of one workspace; used once.

    ``state``: what an earlier hub process has left of the start, which then goes on.
    """

    def __init__(
        self,
        spawner: WorkspaceSpawner,
        plan: Plan,
        means: Means,
        state: WorkspaceState | None = None,
    ) -> None:
        self._spawner = spawner
        self._plan = plan
        self._api = means.api
        self._checker = means.checker
        self._waits = means.waits
        self._hub_ends = means.hub_ends
        self._deadline: asyncio.Timeout | None = None
        self._resumed = state is not None
        self._pod = OwnPod(spawner, means.api)
        self._creating: asyncio.Task[KubernetesObject] | None = None
        self._undoing: asyncio.Task[None] | None = None
        self._chronicle = Chronicle(
            state or first_state(plan),
            journal=means.journal,
            health=means.health,
            log=spawner.log,
            key=self._pod.key,
        )

    @property
    def state(self) -> WorkspaceState:
        """How far the start has come."""
        return self._chronicle.state

    @state.setter
    def state(self, state: WorkspaceState) -> None:
        self._chronicle.state = state

    async def run(self) -> str:
        """Return the workspace's URL; raises a StudioloError, or what an operator's hook raised."""
        try:
            url = await self._in_time()
        except BaseException as error:
            if not self._hub_ends():
                await self._end_without_a_workspace(error)
            raise
        self._chronicle.close()
        return url

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

    async def _in_time(self) -> str:
        limit = self._plan.spawn_timeout
        deadline = self._deadline = asyncio.timeout(self._time_left().total_seconds())
        try:
            async with deadline:
                return await self._run()
        except TimeoutError:
            if not deadline.expired():
                raise
            raise self._too_late(limit) from None

    def _time_left(self) -> timedelta:
        limit, began = self._plan.spawn_timeout, self.state.began
        if not self._resumed or began is None:
            return limit
        return min(limit, max(limit - (datetime.now(UTC) - began), LEAST_TIME))

    async def _run(self) -> str:
        self._chronicle.open(self._plan.request.notices, resumed=self._resumed)
        if self._resumed:
            require_resumable(self.state)
        # The start is written down while the cluster is asked, which takes longer.
        await asyncio.gather(self._prepare(), self._spawner.save_state())
        runs = await self._go_on() if self.state.attempts else False
        while not runs:
            runs = await self._try(next_candidate(self._plan, self.state.attempts))
        ready = self._pod.seen(self.state.pod_uid)
        if ready is None:
            raise fault_of(cause("pod_removed"))
        self.state = self.state.running()
        return self._spawner.url_of(ready)

    async def _prepare(self) -> None:
        spawner = self._spawner
        if spawner.enable_user_namespaces:
            await ensure_namespace(spawner, self._pull_secrets())
        try:
            async with asyncio.timeout(spawner.k8s_api_request_retry_timeout):
                await spawner.watch()
        except TimeoutError:
            raise fault_of(cause("api_away")) from None
        with spawner.home_of(self._plan.request.home):
            await ensure_home(spawner, self._api)

    def _pull_secrets(self) -> list[str]:
        named = [each.image.pull_secret for each in self._plan.request.candidates]
        return [*self._checker.pull_secrets, *(name for name in named if name)]

    # -- one that an earlier hub process began ---------------------------------------------

    async def _go_on(self) -> bool:
        """Take the last attempt up where it was; True when its pod is ready."""
        last, number = self.state.attempts[-1], len(self.state.attempts)
        there = await self._pod.find()
        if there is not None and spawn_id_of(there) == self.state.spawn_id:
            # Whatever it runs, it has the token that was made for this start.
            adopt_identity(self._spawner, there)
            if last.failed:
                await self._pod.remove(uid_of(there), grace=0)
        if last.failed:
            require_image_fault(last)
            return False
        candidate = self._plan.candidate(last.image_id, last.reference)
        if candidate is None:
            raise HubFault
        if there is not None and is_from(there, self.state.spawn_id, number):
            await self._take(there)
            return await self._judge(await self._ready(candidate))
        if last.outcome == "running":
            raise fault_of(cause("pod_removed"))
        return await self._attempt(number, candidate)

    # -- the end without a workspace -------------------------------------------------------

    async def _end_without_a_workspace(self, error: BaseException) -> None:
        self.state = self.state.ending(failure_of(error))
        self._chronicle.close()
        try:
            await self._spawner.save_state()
        except Exception:
            # The pod has to go all the same.
            self._spawner.log.exception("%s: why its start ended was not saved", self._pod.key)
        finally:
            await self.undo()

    async def _undo(self) -> None:
        try:
            uid = self.state.pod_uid or await self._uid_in_doubt()
            if uid:
                await keep_log(self._spawner)
                await self._pod.remove(uid, grace=0, for_ever=True)
                self._spawner.log.info("%s: removed the pod of a start that ended", self._pod.key)
        except ClusterFault as fault:
            self._spawner.log.warning("%s: could not be removed: %s", self._pod.key, fault)

    async def _uid_in_doubt(self) -> str:
        """The pod of a create whose answer was not heard: what becomes of it is waited for."""
        if self._creating is not None:
            await asyncio.wait([self._creating])
            if self._creating.exception() is None:
                return uid_of(self._creating.result())
        elif not self._resumed:
            return ""
        # Sent, perhaps carried out, and never answered: by this hub process or an earlier one.
        found = await self._pod.find(for_ever=True)
        ours = found is not None and spawn_id_of(found) == self.state.spawn_id
        return uid_of(found) if found is not None and ours else ""

    def _too_late(self, limit: timedelta) -> ClusterFault:
        told = _("The workspace was not ready within %(time)s.") % {"time": duration(limit)}
        if (found := self._chronicle.cause) is not None:
            told = joined(told, found.message, found.hint)
        return ClusterFault(told, reason="spawn_timeout")

    # -- one image -------------------------------------------------------------------------

    async def _try(self, candidate: Candidate) -> bool:
        """Try one image: True when its pod is ready, False when the next one is to be tried."""
        return await self._attempt(self._chronicle.begin(candidate), candidate)

    async def _attempt(self, number: int, candidate: Candidate) -> bool:
        profile = self._plan.request.profile
        checked = await self._checker.check(candidate.image, profile, digest=candidate.digest)
        self._chronicle.checked(checked)
        if checked.verdict.decision is Decision.FALL_BACK:
            self._chronicle.end("skipped", checked.verdict)
            return False
        return await self._judge(await self._run_pod(number, candidate, checked))

    async def _judge(self, found: Cause | None) -> bool:
        """Go by what became of the attempt's pod: as ``_try``; raises what no image can help."""
        if found is None:
            self._chronicle.end("running", None)
            return True
        verdict = verdict_of_cause(found)
        self._chronicle.end("failed", verdict)
        if verdict.decision is not Decision.FALL_BACK:
            raise fault_of(found)
        # With the pod its log goes, too.
        await asyncio.gather(self._spawner.save_state(), keep_log(self._spawner))
        await self._pod.remove(self.state.pod_uid, grace=0)
        return False

    async def _run_pod(
        self, number: int, candidate: Candidate, checked: CheckedImage
    ) -> Cause | None:
        """Create the pod and wait: None when it is ready, else what ended it."""
        spawner = self._spawner
        ensure_identity(spawner)
        with spawner.attempt(self._attempt_pod(number, candidate, checked)):
            await spawner.save_state()
            body = await spawner.pod_body()
            creation = self._pod.create(body, spawn_id=self.state.spawn_id, number=number)
            # Never cancelled: a request that was sent may still make a pod.
            self._creating = asyncio.create_task(creation, name="create a pod")
            created = await asyncio.shield(self._creating)
            await self._take(created)
            self._creating = None
        return await self._ready(candidate)

    async def _take(self, pod: KubernetesObject) -> None:
        """Go on with this pod, and with all that goes with it."""
        complete = self.state.pod_uid == uid_of(pod)
        self.state = self.state.with_pod(uid_of(pod))
        if self._resumed:
            # It may be one that an earlier request made later than anybody waited for it.
            adopt_identity(self._spawner, pod)
        if not complete:
            await make_companions(self._spawner, self._api, pod)
        self._spawner.save_soon()

    async def _ready(self, candidate: Candidate) -> Cause | None:
        deadline, tries = self._plan.start_deadline, candidate.image.start_tries
        waiting = Waiting(
            deadline, tries, self._spawner.is_pod_running, self._chronicle.see, self._explain
        )
        return await until_ready(self._pod, self.state.pod_uid, waiting)

    def _explain(self, pod: KubernetesObject, found: Cause) -> Cause:
        """Say more of what a pod waits for; the time in a queue is not the start's."""
        if self._waits is None:
            return found
        told = self._waits.explain(pod, found)
        if told.reason == HELD_BACK and self._deadline is not None:
            limit = self._plan.spawn_timeout.total_seconds()
            # For a hub that goes on with it, too, its time begins when the wait is over.
            self.state = replace(self.state, began=datetime.now(UTC))
            self._deadline.reschedule(asyncio.get_running_loop().time() + limit)
        return told

    def _attempt_pod(self, number: int, candidate: Candidate, checked: CheckedImage) -> AttemptPod:
        request, attempts = self._plan.request, self.state.attempts
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
            queue=self._plan.queue,
            secure=self._spawner.internal_ssl,
            rescue=request.choice.rescue,
        )
