"""WorkspaceSpawner: JupyterHub's and KubeSpawner's hooks, each led to where the work is done; I/O.

What is not on a person's menu is refused with 400 at every way in (form, REST, saved options); the
decisions are in ``resolve``, a start is in ``launch``.  Every error of ours becomes a
SpawnException here and nowhere else, so that neither a user's mistake nor the cluster's trouble
counts towards the failures after which a hub ends itself, and nobody is shown more than our own
words.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jupyterhub.spawner import SpawnException
from markupsafe import Markup, escape
from sqlalchemy import inspect
from tornado import web
from traitlets import default

from studiolo_spawner import shared_parts as shared
from studiolo_spawner.catalogue import Defaults
from studiolo_spawner.choice import Choice, choice_from_form, choice_from_options
from studiolo_spawner.cluster_api import KubernetesObject
from studiolo_spawner.direct_connection import connect_directly
from studiolo_spawner.errors import CatalogueError, HubFault, InvalidChoice, StudioloError
from studiolo_spawner.homes import delete_home
from studiolo_spawner.journal import Journal
from studiolo_spawner.kube_side import KubeSide
from studiolo_spawner.launch import Launch
from studiolo_spawner.liveness import address_of, exit_code
from studiolo_spawner.menu import build_menu
from studiolo_spawner.menu_page import render_menu
from studiolo_spawner.offer import Person
from studiolo_spawner.own_pod import OwnPod, uid_of
from studiolo_spawner.plain_text import plain
from studiolo_spawner.pod_view import is_ready, mapping
from studiolo_spawner.prefill import PrefillOnly, install_filter
from studiolo_spawner.resolve import WorkspaceRequest, resolve
from studiolo_spawner.shared_commit import commit_soon
from studiolo_spawner.workspace_state import KEY, WorkspaceState

MAX_LOGGED = 2000
"""Characters of an error in the one line of the log that it gets."""

FIRST_CHECKS_SECONDS = 1.0
"""What a menu waits at most for the first round of image checks after the hub began."""

CLEANING_SECONDS = 30
"""What the hub waits longer than a start and its undoing may take."""


class WorkspaceRefused(SpawnException):
    """A StudioloError as JupyterHub wants it, with what its pages and its API show."""

    def __init__(self, message: str, *, reason: str, status_code: int) -> None:
        html = str(Markup("<br>").join(escape(line) for line in message.splitlines()))
        super().__init__(message, reason=reason, message_html=html, status_code=status_code)
        self.jupyterhub_message = message
        self.jupyterhub_html_message = html


def to_spawn_exception(error: StudioloError) -> SpawnException:
    """The one translation of our errors for JupyterHub."""
    message = error.user_message
    if isinstance(error, CatalogueError):
        # The problems are for administrators: they are in the log and on their banner.
        message = "The catalogue of images cannot be read. Tell your administrator."
    return WorkspaceRefused(message, reason=error.reason, status_code=error.status)


class WorkspaceSpawner(KubeSide):
    """Starts workspaces from the catalogue."""

    start_timeout: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        install_filter(self.log)
        connect_directly(self.api)
        self._journal = Journal()
        self._launch: Launch | None = None
        self._saved = WorkspaceState()
        self._prefilled: Choice | None = None

    # -- the menu and the choice ---------------------------------------------------------------

    @default("options_form")
    def _options_form_default(self) -> Any:
        return self._menu_form

    def _menu_form(self, _spawner: Any) -> Any:
        # Taken now and not when the page is rendered, so that it is this request's.
        prefilled, self._prefilled = self._prefilled, None
        return self._render_menu(prefilled)

    async def _render_menu(self, prefilled: Choice | None) -> str:
        try:
            parts = await self._shared()
        except StudioloError as error:
            raise to_spawn_exception(error) from None
        if parts.watch is not None:
            await parts.watch.first_round(FIRST_CHECKS_SECONDS)
        catalogue = parts.catalogue.snapshot
        problems = parts.health.problems(catalogue.images, datetime.now(UTC))
        saved = prefilled or self._saved_choice()
        return render_menu(build_menu(catalogue, self.person(), saved=saved, problems=problems))

    def _saved_choice(self) -> Choice | None:
        """What was chosen last; anybody's JSON may stand there."""
        try:
            return choice_from_options(self.user_options or {})
        except InvalidChoice:
            return None

    @default("options_from_form")
    def _options_from_form_default(self) -> Any:
        return self._options_of_form

    def _options_of_form(self, formdata: Mapping[str, Sequence[str]]) -> dict[str, object]:
        try:
            return choice_from_form(formdata).to_options()
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    def options_from_query(self, query_data: Mapping[str, Sequence[str]]) -> dict[str, object]:
        """Fill the menu in with a link's choice, and start nothing."""
        try:
            self._prefilled = choice_from_form(query_data)
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
            await self.resolved()
            self._have_enough_time((await self._shared()).catalogue.snapshot.defaults)
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    def _have_enough_time(self, defaults: Defaults) -> None:
        """The hub's own limit must not end a start that still knows its cause."""
        spawn_seconds = defaults.spawn_timeout.total_seconds()
        longest = math.ceil(spawn_seconds + self.pod_gone_timeout + CLEANING_SECONDS)
        if self.start_timeout < longest:
            self.start_timeout = longest

    async def resolved(self) -> WorkspaceRequest:
        """The request that the options mean now; raises StudioloError."""
        parts = await self._shared()
        catalogue = parts.catalogue.snapshot
        choice = choice_from_options(self.user_options or {})
        last_good = parts.health.last_good(catalogue.images)
        return resolve(catalogue, self.person(), choice, last_good=last_good)

    def person(self) -> Person:
        """The user as the hub knows them at this moment."""
        groups = frozenset(group.name for group in self.user.groups)
        return Person(self.user.name, groups, bool(self.user.admin))

    async def _shared(self) -> shared.SharedParts:
        parts = await shared.shared_parts(self.catalogue_path, self.registries, self.log)
        parts.watch_images(self.image_check_period, self.cluster, self.namespace, self.log)
        return parts

    # -- start, stop, poll ---------------------------------------------------------------------

    def start(self) -> asyncio.Future[str]:
        """Start the workspace; what is told meanwhile is in ``progress``."""
        if self._journal.closed:
            self._journal = Journal()
        future: asyncio.Future[str] = super().start()
        journal = self._journal
        future.add_done_callback(lambda _done: journal.close())
        return future

    async def _start(self) -> str:
        try:
            parts = await self._shared()
            catalogue = parts.catalogue.snapshot
            request = await self.resolved()
            self._launch = Launch(
                self,
                request,
                catalogue,
                api=self.cluster,
                registry=parts.registry,
                health=parts.health,
                journal=self._journal,
            )
            url = await self._launch.run()
        except StudioloError as error:
            told = plain(error.user_message, MAX_LOGGED)
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
        await self._end_start()
        await self.watch()
        own = OwnPod(self, self.cluster)
        found = own.seen() or await own.find()
        if found is None:
            self.log.info("%s has no pod to delete", self._log_name)
            return
        self.log.info("Deleting pod %s", own.key)
        grace = 0 if now else self.delete_grace_period
        try:
            await own.remove(uid_of(found), grace=grace, for_ever=True)
        except StudioloError as error:
            raise to_spawn_exception(error) from None

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
        """None while the pod is there or being made, else its exit code (1 when unknown)."""
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
        """Forget the start that is over."""
        super().clear_state()
        self._launch, self._saved, self._journal = None, WorkspaceState(), Journal()

    @property
    def workspace_state(self) -> WorkspaceState:
        """Images asked for and in use, and the attempts between them."""
        return self._launch.state if self._launch else self._saved

    async def save_state(self) -> None:
        """Write the state into the hub's database."""
        self.orm_spawner.state = self.get_state()
        await commit_soon(inspect(self.orm_spawner).session)
