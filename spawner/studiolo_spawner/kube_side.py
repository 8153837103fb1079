"""KubeSpawner as the modules of a start use it: its API client, reflectors, manifests, names; I/O.

The one place that touches what KubeSpawner keeps for itself, so that a new KubeSpawner is a matter
of this module.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from jupyterhub.utils import maybe_future
from kubespawner.reflector import ResourceReflector

from studiolo_spawner.catalogue import Home
from studiolo_spawner.cluster_api import ClusterApi, KubernetesObject
from studiolo_spawner.operator_settings import OperatorSettings
from studiolo_spawner.own_pod import OwnPod
from studiolo_spawner.pod import AttemptPod, attempt_traits, environment, home_traits
from studiolo_spawner.reflector import EventReflector, PodReflector
from studiolo_spawner.trait_overlay import overlaid


class KubeSide(OperatorSettings):
    """Adds no behaviour of its own to a hub: WorkspaceSpawner does."""

    reflectors: ClassVar[dict[tuple[str, str | None], ResourceReflector]] = {}

    _attempt_environment: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    @property
    def cluster(self) -> ClusterApi:
        """The Kubernetes API with this configuration's patience."""
        return self._patient(self.api)

    def cluster_of(self, api_class: type[Any]) -> ClusterApi:
        """The same for another group of the Kubernetes API, such as NetworkingV1Api."""
        if isinstance(self.api, api_class):
            return self.cluster
        return self._patient(api_class(self.api.api_client))

    def _patient(self, api: Any) -> ClusterApi:
        return ClusterApi(
            api,
            timeout=self.k8s_api_request_timeout,
            patience=self.k8s_api_request_retry_timeout,
            log=self.log,
        )

    @property
    def hub_namespace(self) -> str:
        """Where the hub keeps what is not one user's."""
        if self.enable_user_namespaces:
            return str(self._namespace_default())
        return str(self.namespace)

    @property
    def namespaces_begin(self) -> str | None:
        """How the names of people's own namespaces begin; None where they have none."""
        if not self.enable_user_namespaces:
            return None
        fixed = self.user_namespace_template.split("{user", 1)[0]
        return str(self.expanded(fixed))

    async def watch(self) -> None:
        """Have pods and events followed; returns once both were listed."""
        await self._start_watching_pods()
        if self.events_enabled:
            await self._start_watching_events()

    async def _start_reflector(
        self, kind: str, reflector_class: Any, replace: bool = False, **kwargs: Any
    ) -> ResourceReflector:
        """Ours in place of KubeSpawner's; they recover by themselves and are never replaced."""
        del reflector_class, replace
        key = self._get_reflector_key(kind)
        reflector = self.reflectors.get(key)
        if reflector is None:
            made = {"pods": PodReflector, "events": EventReflector}[kind]
            reflector = self.reflectors[key] = made(parent=self, namespace=self.namespace, **kwargs)
            await reflector.start()
        if not reflector.first_load_future.done():
            await asyncio.shield(reflector.first_load_future)
        return reflector

    def _never_watched(self) -> bool:
        reflector = self.pod_reflector
        return reflector is None or not reflector.first_load_future.done()

    @property
    def events(self) -> list[KubernetesObject]:
        """Events about pods of this name, oldest first."""
        return OwnPod(self, self.cluster).events()

    @contextmanager
    def attempt(self, pod: AttemptPod) -> Iterator[None]:
        """Have the traits and the environment of one attempt while inside."""
        values = attempt_traits(pod, partial(getattr, self))
        started = self.orm_spawner.started if self.orm_spawner else None  # UTC, and does not say so
        self._attempt_environment = environment(
            pod, now=datetime.now(UTC), since=started and started.replace(tzinfo=UTC)
        )
        try:
            with overlaid(self, values):
                yield
        finally:
            self._attempt_environment = {}

    @contextmanager
    def home_of(self, home: Home) -> Iterator[None]:
        """Have the traits of a home volume while inside."""
        with overlaid(self, home_traits(home, partial(getattr, self))):
            yield

    def get_env(self) -> dict[str, Any]:
        """JupyterHub's environment and the attempt's.

        Not by way of the trait ``environment``, whose values KubeSpawner takes for templates.
        """
        return {**super().get_env(), **self._attempt_environment}

    async def pod_body(self) -> Any:
        """The pod as KubeSpawner builds it from the traits, with an operator's changes."""
        pod = await self.get_pod_manifest()
        if self.modify_pod_hook:
            pod = await maybe_future(self.modify_pod_hook(self, pod))
        return pod

    def url_of(self, pod: KubernetesObject) -> str:
        """Where the workspace answers."""
        url: str = self._get_pod_url(pod)
        return url

    def port_of(self, pod: KubernetesObject) -> int:
        """The workspace's port."""
        port: int = self._get_pod_port(pod)
        return port

    def expanded(self, templates: Any) -> Any:
        """Templates with the user's properties put in."""
        return self._expand_all(templates)

    @property
    def home_settled(self) -> bool:
        """Whether the home volume's name is known to be right, and worth keeping."""
        return bool(self._pvc_exists)

    @home_settled.setter
    def home_settled(self, settled: bool) -> None:
        self._pvc_exists = settled

    @property
    def old_home_name(self) -> str | None:
        """What KubeSpawner before 7 may have called the home volume, where that matters."""
        wanted = self.handle_legacy_names and self.remember_pvc_name and not self._pvc_exists
        if not wanted or self._state_kubespawner_version != "unknown":
            return None
        name: str = self._expand_user_properties(self.pvc_name_template, slug_scheme="escape")
        return None if name == self.pvc_name else name
