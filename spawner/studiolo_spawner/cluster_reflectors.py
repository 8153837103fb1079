"""Followers of nodes and of all pods, for counting what is free; I/O.

They keep a few hundred bytes of each object and tell one listener which key changed. Pods that are
over are left out by the API server itself. Where the hub may not read something, it is asked again
now and then, so that a right that is granted later is found without a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from traitlets import Float

from studiolo_spawner.reflector import KubernetesObject, ResumingReflector
from studiolo_spawner.trimming import trim_node, trim_pod_use

LIVING_PODS = "status.phase!=Succeeded,status.phase!=Failed"


class TellingReflector(ResumingReflector):
    """Tells ``told`` about each changed key, and ``refused`` when reading is forbidden."""

    forbidden_delay = Float(
        60.0,
        config=True,
        help="""
        Pause, in seconds, before something is asked for again that the hub may not read.
        """,
    )

    def __init__(
        self, *, told: Callable[[str], None], refused: Callable[[], None], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._told = told
        self._refused = refused
        self.forbidden = False

    def _wake(self, subject: str) -> None:
        super()._wake(subject)
        self._told(subject)

    def _note_contact(self) -> None:
        super()._note_contact()
        self.forbidden = False

    async def _forbidden(self, problem: str) -> None:
        self.connected = False
        if not self.forbidden:
            self.forbidden = True
            self._refused()
        self.log.debug("Watching %s is not allowed: %s", self.kind, problem)
        await asyncio.sleep(self.forbidden_delay)


class NodeReflector(TellingReflector):
    """The cluster's nodes."""

    kind = "nodes"
    list_method_name = "list_node"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(omit_namespace=True, **kwargs)

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return trim_node(item)


class UseReflector(TellingReflector):
    """Pods that are not over, of all namespaces or of one, with what they ask for."""

    kind = "pods"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field_selector = LIVING_PODS

    def _trimmed(self, item: KubernetesObject) -> KubernetesObject:
        return trim_pod_use(item)
