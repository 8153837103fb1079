"""Brings a container's image here, with a kubelet's states, events and back-off. I/O.

https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any

from studiolo_local.client import ApiError
from studiolo_local.kubelet.backoff import Backoff
from studiolo_local.kubelet.environment import data_of
from studiolo_local.kubelet.image_pull import Credentials, PullError, name_problem, reference_of
from studiolo_local.kubelet.image_store import StoredImage
from studiolo_local.kubelet.services import Scene, Services
from studiolo_local.kubelet.status import ContainerRecord, waiting

_DOCKER_HUB_KEYS = {"https://index.docker.io/v1/": "docker.io", "index.docker.io": "docker.io"}


class ImageWait:
    """Gets the image of one container, as often as the container is started."""

    def __init__(
        self, services: Services, scene: Scene, spec: Mapping[str, Any], record: ContainerRecord
    ) -> None:
        self._services = services
        self._scene = scene
        self._record = record
        self._image = str(spec.get("image", ""))
        self._policy = str(spec.get("imagePullPolicy") or _default_policy(self._image))
        self._backoff = Backoff(services.timing)
        self._last_error = ""

    async def obtain(self) -> StoredImage:
        """The image; waits, tries and tells until it is here."""
        timing = self._services.timing
        while True:
            problem = name_problem(self._image)
            if problem is not None:
                self._tell("Warning", "InspectFailed", problem)
                self._fail("InvalidImageName", problem)
                await asyncio.sleep(timing.sync)
                continue
            present = self._services.images.find(str(reference_of(self._image)))
            if self._policy == "Never" and present is None:
                message = (
                    f'Container image "{self._image}" is not present with pull policy of Never'
                )
                self._tell("Warning", "ErrImageNeverPull", message)
                self._fail("ErrImageNeverPull", message)
                await asyncio.sleep(timing.sync)
                continue
            if present is not None and self._policy != "Always":
                self._tell(
                    "Normal",
                    "Pulled",
                    f'Container image "{self._image}" already present on machine',
                )
                return present
            image = await self._pull()
            if image is not None:
                return image
            await self._back_off()

    async def _pull(self) -> StoredImage | None:
        self._tell("Normal", "Pulling", f'Pulling image "{self._image}"')
        began = time.monotonic()
        try:
            image = await self._services.puller.pull(self._image, await self._credentials())
        except PullError as error:
            self._last_error = str(error)
            self._tell(
                "Warning", "Failed", f'Failed to pull image "{self._image}": {self._last_error}'
            )
            self._fail("ErrImagePull", self._last_error)
            self._backoff.failed()
            return None
        self._backoff.reset()
        took = _go_duration(time.monotonic() - began)
        self._tell(
            "Normal",
            "Pulled",
            f'Successfully pulled image "{self._image}" in {took} ({took} including waiting). '
            f"Image size: {image.size} bytes.",
        )
        return image

    async def _back_off(self) -> None:
        timing = self._services.timing
        await asyncio.sleep(timing.event)
        message = f'Back-off pulling image "{self._image}"'
        self._tell("Normal", "BackOff", message)
        self._fail("ImagePullBackOff", f"{message}: ErrImagePull: {self._last_error}")
        await asyncio.sleep(max(self._backoff.seconds - timing.event, 0))

    def _fail(self, reason: str, message: str) -> None:
        self._tell("Warning", "Failed", f"Error: {reason}")
        self._record.state = waiting(reason, message)
        self._scene.changed()

    def _tell(self, kind: str, reason: str, message: str) -> None:
        self._scene.tell(kind, reason, message, self._record.name)

    async def _credentials(self) -> dict[str, Credentials]:
        """What the pod's imagePullSecrets hold, by registry."""
        found: dict[str, Credentials] = {}
        for entry in self._scene.pod["spec"].get("imagePullSecrets") or ():
            try:
                secret = await self._services.client.get(
                    "secrets", self._scene.namespace, entry["name"]
                )
            except ApiError as error:
                message = (
                    f"Unable to retrieve some image pull secrets ({entry['name']}); "
                    "attempting to pull the image may not succeed."
                )
                if error.missing:
                    self._tell("Warning", "FailedToRetrieveImagePullSecret", message)
                continue
            found = {**read_pull_secret(secret), **found}
        return found


def read_pull_secret(secret: Mapping[str, Any]) -> dict[str, Credentials]:
    """The credentials in a Secret of the type kubernetes.io/dockerconfigjson. Pure."""
    try:
        auths = json.loads(data_of(secret).get(".dockerconfigjson", b"{}")).get("auths") or {}
        return {_registry(host): _credentials_of(words) for host, words in auths.items()}
    except (ValueError, AttributeError, KeyError, binascii.Error):
        return {}


def _credentials_of(words: Mapping[str, str]) -> Credentials:
    if "auth" in words:
        name, _, password = base64.b64decode(words["auth"]).decode().partition(":")
        return Credentials(name, password)
    return Credentials(words["username"], words["password"])


def _registry(host: str) -> str:
    if host in _DOCKER_HUB_KEYS:
        return _DOCKER_HUB_KEYS[host]
    return host.removeprefix("https://").removeprefix("http://").split("/")[0]


def _default_policy(image: str) -> str:
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if "@" not in image and tag in {"", "latest"} else "IfNotPresent"


def _go_duration(seconds: float) -> str:
    """As Go prints a duration that was cut to milliseconds."""
    return f"{round(seconds * 1000)}ms" if seconds < 1 else f"{seconds:.3f}".rstrip("0") + "s"
