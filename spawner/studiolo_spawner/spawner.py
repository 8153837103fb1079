"""WorkspaceSpawner: JupyterHub's and KubeSpawner's hooks, each led to where the work is done; I/O.

What is not on a person's menu is refused with 400 at every way in (form, REST, saved options); the
decisions are in ``resolve``, a start is in ``launch``.  Every error of ours becomes a
SpawnException (``refused_start``) before it leaves, so that neither a user's mistake nor the
cluster's trouble counts towards the failures after which a hub ends itself, and nobody is shown
more than our own words.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import inspect
from tornado import web
from traitlets import default

from studiolo_spawner import shared_parts as shared
from studiolo_spawner import spawner_quotas
from studiolo_spawner.catalogue import Defaults, Profile
from studiolo_spawner.changes import TellsChanges
from studiolo_spawner.choice import Choice, choice_from_form, choice_from_options
from studiolo_spawner.cluster_api import KubernetesObject
from studiolo_spawner.custom_image_check import refuse_bad
from studiolo_spawner.direct_connection import connect_directly
from studiolo_spawner.errors import HubFault, InvalidChoice, StudioloError
from studiolo_spawner.home_removal import delete_files
from studiolo_spawner.homes import delete_home
from studiolo_spawner.journal import Journal
from studiolo_spawner.kube_side import KubeSide
from studiolo_spawner.last_start import AttemptLog, keep_log, last_start, logs
from studiolo_spawner.launch import Launch, Means
from studiolo_spawner.launch_plan import Plan
from studiolo_spawner.liveness import address_of, exit_code
from studiolo_spawner.offer import Person
from studiolo_spawner.own_pod import OwnPod, uid_of
from studiolo_spawner.plain_text import plain
from studiolo_spawner.pod_view import is_ready, mapping
from studiolo_spawner.prefill import PrefillOnly, install_filter
from studiolo_spawner.profile_outlook import Outlook, outlooks
from studiolo_spawner.progress import Message
from studiolo_spawner.queueing import queue_of
from studiolo_spawner.refused_start import to_spawn_exception
from studiolo_spawner.resolve import WorkspaceRequest
from studiolo_spawner.resumption import leave_to_the_next_hub, take_up
from studiolo_spawner.server_identity import ensure_certificates, revoke_identities
from studiolo_spawner.shared_commit import commit_soon
from studiolo_spawner.spawner_images import checker_of, look_at, resolved_by, watch_images
from studiolo_spawner.spawner_menu import NARROW, Filled, menu_of
from studiolo_spawner.translation import english
from studiolo_spawner.wait_words import waits_of
from studiolo_spawner.workspace_state import KEY, WorkspaceState

MAX_LOGGED = 2000
"""Characters of an error in the one line of the log that it gets."""

CLEANING_SECONDS = 30
"""What the hub waits longer than a start and its undoing may take."""

_saving: set[asyncio.Future[None]] = set()
"""Keeps writings alive that nobody waits for."""


class WorkspaceSpawner(TellsChanges, KubeSide):
    """Starts workspaces from the catalogue."""

    start_timeout: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        install_filter(self.log)
        connect_directly(self.api)
        self._journal = Journal(self.tell_change)
        self._launch: Launch | None = None
        self._saved = WorkspaceState()
        self._filled = Filled()
        self._asked_after_restart = self._stop_cut_short = False
        self._parts: shared.SharedParts | None = None
        self.cleared = asyncio.Event()

    # -- the menu and the choice ---------------------------------------------------------------

    @default("options_form")
    def _options_form_default(self) -> Any:
        return self._menu_form

    def _menu_form(self, _spawner: Any) -> Any:
        # Taken now and not when the page is rendered, so that it is this request's.
        filled, self._filled = self._filled, Filled()
        return self._render_menu(filled)

    async def _render_menu(self, filled: Filled) -> str:
        try:
            if filled.choice is None:
                filled = Filled(self._saved_choice())
            return await menu_of(self, await self._shared(), filled)
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    def _saved_choice(self) -> Choice | None:
        """What was chosen last; anybody's JSON may stand there."""
        if not self.user_options:
            return None
        try:
            return choice_from_options(self.user_options)
        except InvalidChoice:
            return None

    @default("options_from_form")
    def _options_from_form_default(self) -> Any:
        return self._options_of_form

    async def _options_of_form(self, formdata: Mapping[str, Sequence[str]]) -> dict[str, object]:
        try:
            choice = choice_from_form(formdata)
        except StudioloError as error:
            raise to_spawn_exception(error) from None
        if NARROW in formdata:
            # JupyterHub shows a form again by the first workspace's spawner, whoever was asked.
            self.user.spawner._filled = Filled(choice, "form")  # noqa: SLF001 - one of this class
            raise PrefillOnly
        if choice.custom_image is not None:
            await self._refuse_bad_image(choice)
        return choice.to_options()

    async def _refuse_bad_image(self, choice: Choice) -> None:
        """Only from the form, where the person who typed the reference can mend it."""
        try:
            refuse_bad((await resolved_by(self, await self._shared(), choice))[1])
        except StudioloError as error:
            self.user.spawner._filled = Filled(choice, "form")  # noqa: SLF001 - as above
            raise to_spawn_exception(error) from None

    def options_from_query(self, query_data: Mapping[str, Sequence[str]]) -> dict[str, object]:
        """Fill the menu in with a link's choice, and start nothing."""
        try:
            self._filled = Filled(choice_from_form(query_data), "link")
        except StudioloError as error:
            raise to_spawn_exception(error) from None
        raise PrefillOnly

    @default("apply_user_options")
    def _apply_user_options_default(self) -> Any:
        async def check(spawner: WorkspaceSpawner, _options: Mapping[str, object]) -> None:
            await spawner.load_user_options()

        return check

    async def load_user_options(self) -> None:
        """Refuse options that are not on this person's menu, before anything is made.

        The hub calls this before ``start``, whose time it limits by what is set here.
        """
        try:
            parts = await self._shared()
            request = await self.resolved()
            self._have_enough_time(parts.catalogue.snapshot.defaults, request.profile)
            await spawner_quotas.admit(self, parts, request.profile)
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    def _have_enough_time(self, defaults: Defaults, profile: Profile) -> None:
        """The hub's own limit must not end a start that still knows its cause."""
        spawn_seconds = defaults.spawn_timeout.total_seconds()
        if queue_of(profile, defaults):
            spawn_seconds += defaults.queue_timeout.total_seconds()
        longest = math.ceil(spawn_seconds + self.pod_gone_timeout + CLEANING_SECONDS)
        if self.start_timeout < longest:
            self.start_timeout = longest

    async def checked(self, options: Mapping[str, object]) -> WorkspaceRequest:
        """The request that other options would mean; refused as a start with them would be."""
        try:
            request = await self.resolved(options)
            await spawner_quotas.check(self, await self._shared(), request.profile)
        except StudioloError as error:
            raise to_spawn_exception(error) from None
        return request

    async def resolved(self, options: Mapping[str, object] | None = None) -> WorkspaceRequest:
        """The request that these options, or the saved ones, mean now; raises StudioloError."""
        choice = choice_from_options(self.user_options or {} if options is None else options)
        return (await resolved_by(self, await self._shared(), choice))[0]

    async def look_at_image(self, options: Mapping[str, object]) -> dict[str, object]:
        """What the menu shows of an image that a person names, before any start."""
        try:
            return await look_at(self, await self._shared(), options)
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    def person(self) -> Person:
        """The user as the hub knows them at this moment."""
        groups = frozenset(group.name for group in self.user.groups)
        return Person(self.user.name, groups, bool(self.user.admin))

    async def parts(self) -> shared.SharedParts:
        """What all spawners of this hub share, started."""
        return await self._shared()

    async def _shared(self) -> shared.SharedParts:
        parts = await shared.shared_parts(self.catalogue_path, self.registries, self.log)
        await parts.watch_cluster(self)
        watch_images(self, parts)
        self._parts = parts
        await parts.keep_health(self)
        return parts

    # -- start, stop, poll ---------------------------------------------------------------------

    def start(self) -> asyncio.Future[str]:
        """Start the workspace; what is told meanwhile is in ``progress``."""
        if self._journal.closed:
            self._journal = Journal(self.tell_change)
        logs.forget(self.user.name, self.name)
        return self._followed(super().start())

    def resume(self) -> asyncio.Future[str]:
        """Go on with the start that the state tells of, as ``start`` would have."""
        self._start_future = asyncio.ensure_future(self._launched(self._resumed_launch))
        return self._followed(self._start_future)

    def _followed(self, start: asyncio.Future[str]) -> asyncio.Future[str]:
        journal = self._journal
        start.add_done_callback(lambda _done: journal.close())
        return start

    async def _start(self) -> str:
        return await self._launched(self._new_launch)

    async def _new_launch(self, parts: shared.SharedParts) -> Launch:
        request = await self.resolved()
        await spawner_quotas.admit(self, parts, request.profile)
        parts.gate.begun(spawner_quotas.key_of(self))
        plan = Plan.of(request, parts.catalogue.snapshot)
        return Launch(self, plan, self._means(parts, plan))

    async def _resumed_launch(self, parts: shared.SharedParts) -> Launch:
        await ensure_certificates(self)
        plan = Plan.saved(self._saved.plan)
        parts.gate.note(spawner_quotas.key_of(self), plan.request.profile)
        parts.gate.begun(spawner_quotas.key_of(self))
        return Launch(self, plan, self._means(parts, plan), self._saved)

    def hub_ends(self) -> bool:
        """Whether this hub process is about to end, which is no reason to undo anything."""
        return self._parts is not None and self._parts.ending

    def _means(self, parts: shared.SharedParts, plan: Plan) -> Means:
        return Means(
            api=self.cluster,
            checker=checker_of(self, parts),
            health=parts.health,
            journal=self._journal,
            waits=waits_of(self, parts, plan),
            hub_ends=self.hub_ends,
        )

    async def _launched(self, made: Callable[[shared.SharedParts], Awaitable[Launch]]) -> str:
        try:
            parts = await self._shared()
            with parts.gate.start_of(spawner_quotas.key_of(self)):
                self._launch = await made(parts)
                url = await self._launch.run()
        except StudioloError as error:
            told = plain(english(error.user_message), MAX_LOGGED)
            self.log.warning("Not starting %s: %s: %s", self._log_name, error.reason, told)
            raise to_spawn_exception(error) from None
        except web.HTTPError:
            # Raised for the user on purpose, by an operator's hook.
            raise
        except Exception:
            # Its text may hold anything, and JupyterHub would show it as it is.
            self.log.exception("Starting %s failed in a way that nobody foresaw", self._log_name)
            raise to_spawn_exception(HubFault()) from None
        self.pod_id = self._launch.state.pod_uid
        return url

    async def stop(self, now: bool = False) -> None:
        """Delete the pod and wait until it is gone; a start that goes on is ended first."""
        try:
            await self._stop(now)
        except asyncio.CancelledError:
            self._stop_cut_short = self.hub_ends()
            raise

    async def _stop(self, now: bool) -> None:
        await self._end_start()
        await self._note_stop()
        with suppress(StudioloError):
            (await self._shared()).gate.forget(spawner_quotas.key_of(self))
        await self.watch()
        own = OwnPod(self, self.cluster)
        found = own.seen() or await own.find()
        if found is None:
            self.log.info("%s has no pod to delete", self._log_name)
            return
        await keep_log(self)
        self.log.info("Deleting pod %s", own.key)
        grace = 0 if now else self.delete_grace_period
        try:
            await own.remove(uid_of(found), grace=grace, for_ever=True)
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    async def _note_stop(self) -> None:
        """Have a hub process after this one finish the stop, should this one be killed."""
        if not self.workspace_state.spawn_id:
            return
        self._saved = self.workspace_state.stopping()
        if self._launch:
            self._launch.state = self._saved
        try:
            await self.save_state()
        except Exception:
            self.log.exception("That %s is being stopped was not saved", self._log_name)

    async def _end_start(self) -> None:
        future = self._start_future
        if future and not future.done() and future is not asyncio.current_task():
            future.cancel()
            await asyncio.wait([future])
        if self._launch and future and future.done() and self._failed_start(future):
            await self._launch.undo()

    @staticmethod
    def _failed_start(future: asyncio.Future[str]) -> bool:
        return future.cancelled() or future.exception() is not None

    async def poll(self) -> int | None:
        """None while the pod is there or being made, else its exit code (1 when unknown).

        When a hub process that has just begun asks about a server of an earlier one's, what that
        one left unfinished is finished first.
        """
        if self._check_pending and not self._asked_after_restart:
            self._asked_after_restart = True
            await take_up(self)
        future = self._start_future
        if future is not None:
            if not future.done():
                return None
            if self._failed_start(future) and self._never_watched():
                return 1
        await self.watch()
        pod = OwnPod(self, self.cluster).seen()
        if pod is None:
            return 1
        code = exit_code(pod)
        if code is None:
            self._follow_address(pod)
        elif self.delete_stopped_pods:
            await self.stop(now=True)
        return code

    def _follow_address(self, pod: KubernetesObject) -> None:
        """Tell the hub where the pod answers now, if that has changed."""
        if not self.server or not self.is_pod_running(pod):
            return
        address = address_of(self.url_of(pod))
        if address != address_of(self.server.url):
            self.log.warning("%s answers at %s:%d now", self._log_name, *address)
            self.server.ip, self.server.port = address
            inspect(self.orm_spawner).session.commit()

    def is_pod_running(self, pod: KubernetesObject | None) -> bool:
        """Whether the pod runs, has an address, and all its containers are ready."""
        return pod is not None and is_ready(pod) and bool(mapping(pod.get("status")).get("podIP"))

    async def progress(self) -> AsyncIterator[dict[str, object]]:
        """Yield what was told so far and then what is new, until the start ends."""
        async for message in self._journal.follow():
            yield message.to_event()

    async def outlooks(self) -> dict[str, Outlook]:
        """What this person may expect of each profile that is offered to them."""
        return await outlooks(self)

    async def last_start(self) -> tuple[AttemptLog, ...]:
        """What the attempts of the last start wrote, and what Kubernetes said of them."""
        return await last_start(self)

    async def delete_files(self) -> bool:
        """Delete the home volume, because its owner said so; raises StudioloError."""
        return await delete_files(self)

    async def delete_forever(self) -> None:
        """Delete the home volume of a deleted user, where that is configured."""
        shares_home = self.name and "{user_server}" not in self.pvc_name_template
        if not self.delete_pvc or shares_home:
            self.log.info("Keeping the home volume %s of %s", self.pvc_name, self._log_name)
            return
        await delete_home(self, self.cluster)

    # -- state -----------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """KubeSpawner's state with the workspace's own under one key."""
        state: dict[str, Any] = super().get_state()
        workspace = self.workspace_state.to_json()
        return {**state, KEY: workspace} if workspace else state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what an earlier hub process saved."""
        super().load_state(state)
        self._saved = WorkspaceState.from_json(state.get(KEY))

    def clear_state(self) -> None:
        """Forget the start that is over, but not why it failed, until the next one."""
        if self._stop_cut_short:
            leave_to_the_next_hub(self)
            return
        self._saved = self.workspace_state.afterwards()
        if self.server is None:
            # Called when it was stopped, and not before it starts.
            revoke_identities(self)
        super().clear_state()
        self._launch, self._journal = None, Journal(self.tell_change)
        self.cleared.set()

    @property
    def told(self) -> tuple[Message, ...]:
        """All that was told so far of the start that goes on."""
        return self._journal.told

    @property
    def last_told(self) -> str:
        """What was told last of the start that goes on; empty when none does."""
        last = None if self._journal.closed else self._journal.last
        return last.text if last else ""

    @property
    def workspace_state(self) -> WorkspaceState:
        """Images asked for and in use, and the attempts between them."""
        return self._launch.state if self._launch else self._saved

    @property
    def start_began(self) -> datetime | None:
        """When the latest start began; None before the first."""
        return self._launch.state.began if self._launch else None

    async def save_state(self) -> None:
        """Write the state into the hub's database."""
        self.orm_spawner.state = self.get_state()
        await commit_soon(inspect(self.orm_spawner).session)

    def save_soon(self) -> None:
        """Have the state written, and go on meanwhile; a failure is logged."""
        saving = asyncio.ensure_future(self.save_state())
        _saving.add(saving)
        saving.add_done_callback(self._saved_soon)

    def _saved_soon(self, saving: asyncio.Future[None]) -> None:
        _saving.discard(saving)
        if not saving.cancelled() and saving.exception() is not None:
            self.log.error("The state of %s was not saved", self._log_name)
