"""Ask the registry about one image of the catalogue before a pod is made for it; I/O.

Guarantees: never raises for a registry's trouble, and never calls an image bad only because the
hub may not see the secret that nodes pull it with.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from studiolo_spawner.catalogue import Image
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.reference import ImageReference, parse_reference
from studiolo_spawner.registry import RegistryClient
from studiolo_spawner.registry_answer import Outcome, RegistryAnswer
from studiolo_spawner.registry_settings import Credentials, credentials_from_docker_config
from studiolo_spawner.verdict import Decision, Verdict, verdict_of_answer

MACHINES_ONLY: Final = "secret_not_readable"
"""The reason of a verdict that only the machines, which have the pull secret, could give."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """What is known of an image before its pod; ``digest`` is None when nobody could say."""

    reference: ImageReference
    answer: RegistryAnswer
    verdict: Verdict

    @property
    def digest(self) -> str | None:
        """What the pod has to run."""
        return self.answer.digest or self.reference.digest


async def check_image(
    image: Image,
    registry: RegistryClient,
    api: ClusterApi | None = None,
    *,
    namespace: str = "",
    digest: str | None = None,
) -> CheckedImage:
    """Check one image with the credentials that nodes will use, as far as they may be read here.

    ``digest`` in place of what its tag names.  Without ``api``, as on a command line far from the
    cluster, no pull secret can be read.
    """
    reference = parse_reference(image.reference)
    reference = reference.with_digest(digest) if digest else reference
    credentials = None
    if image.pull_secret and api is not None:
        credentials = await _credentials(image.pull_secret, reference.registry, api, namespace)
    answer = await registry.check(reference, credentials=credentials)
    verdict = verdict_of_answer(answer)
    hidden = image.pull_secret and credentials is None
    if hidden and answer.outcome in {Outcome.FORBIDDEN, Outcome.MISSING}:
        verdict = Verdict(
            Decision.UNKNOWN,
            MACHINES_ONLY,
            "The image is private, so it could not be checked beforehand.",
            "The machines have credentials of their own.",
        )
    return CheckedImage(reference, answer, verdict)


async def _credentials(
    secret: str, registry: str, api: ClusterApi, namespace: str
) -> Credentials | None:
    try:
        found = await api.read("secret", secret, namespace=namespace)
    except ClusterFault:
        return None
    encoded = text(mapping((found or {}).get("data")).get(".dockerconfigjson"))
    try:
        return credentials_from_docker_config(base64.b64decode(encoded), registry)
    except binascii.Error:
        return None
