"""Ask the registry about one image before a pod is made for it; I/O.

Guarantees: never raises for a registry's or the cluster's trouble; never calls an image bad only
because the hub may not see the secret that nodes pull it with; takes no longer than the budget of
one check, whatever has to be asked. Secrets are read where the pod will use them, and tried one
after the other as a kubelet does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from studiolo_spawner.catalogue import Image
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.docker_config import credentials_of_secret
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.image_contract import ANYWHERE, Surroundings
from studiolo_spawner.reference import ImageReference, parse_reference
from studiolo_spawner.registry import BUDGET_SECONDS, LINUX_AMD64, RegistryClient
from studiolo_spawner.registry_answer import Outcome, RegistryAnswer
from studiolo_spawner.registry_settings import Credentials
from studiolo_spawner.translation import translate as _
from studiolo_spawner.verdict import Decision, Verdict, verdict_of_answer

MACHINES_ONLY: Final = "secret_not_readable"
"""The reason of a verdict that only the machines, which have the pull secret, could give."""

_SECRET_SECONDS: Final = 2.0
"""What reading secrets may take of the budget: the registry is asked all the same."""

_UNSEEN: Final = frozenset({Outcome.FORBIDDEN, Outcome.MISSING})
"""What a registry answers about an image that it does not want us to see."""

_MAX_PLATFORMS: Final = 3


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
    pull_secrets: Sequence[str] = (),
    digest: str | None = None,
    surroundings: Surroundings = ANYWHERE,
) -> CheckedImage:
    """Check one image with the credentials that nodes will use, as far as they may be read here.

    ``pull_secrets``: those of every workspace, beside the image's own. Without ``api``, as on a
    command line far from the cluster, no pull secret can be read. ``digest`` in place of what its
    tag names. ``surroundings``: what the image has to fit.
    """
    reference = parse_reference(image.reference)
    reference = reference.with_digest(digest) if digest else reference
    names = [image.pull_secret] if image.pull_secret else []
    names += [name for name in pull_secrets if name and name not in names]
    if not names:
        answer = await _ask(reference, registry, None, surroundings)
        return CheckedImage(reference, answer, verdict_of_answer(answer, surroundings))
    found, all_read = _TOO_SLOW, False
    with suppress(TimeoutError):
        async with asyncio.timeout(BUDGET_SECONDS):
            known, all_read = await _credentials(names, reference, api, namespace)
            for credentials in known or (None,):
                found = await _ask(reference, registry, credentials, surroundings)
                if found.outcome not in _UNSEEN:
                    break
    if found.outcome in _UNSEEN and not all_read:
        return CheckedImage(reference, found, _private())
    return CheckedImage(reference, found, verdict_of_answer(found, surroundings))


_TOO_SLOW: Final = RegistryAnswer(
    Outcome.UNREACHABLE, detail="the registry and the cluster do not answer in time"
)


def _private() -> Verdict:
    return Verdict(
        Decision.UNKNOWN,
        MACHINES_ONLY,
        _("The image is private, so it could not be checked beforehand."),
        _("The machines have credentials of their own."),
    )


async def _ask(
    reference: ImageReference,
    registry: RegistryClient,
    credentials: Credentials | None,
    surroundings: Surroundings,
) -> RegistryAnswer:
    """For the platform of most machines; for the others' where it is not built for that one."""
    platforms = surroundings.platforms or (LINUX_AMD64,)
    first = await registry.check(reference, platform=platforms[0], credentials=credentials)
    if first.reason != "wrong_platform":
        return first
    for platform in platforms[1:_MAX_PLATFORMS]:
        answer = await registry.check(reference, platform=platform, credentials=credentials)
        if answer.reason != "wrong_platform":
            return answer
    return first


async def _credentials(
    names: Sequence[str], reference: ImageReference, api: ClusterApi | None, namespace: str
) -> tuple[tuple[Credentials, ...], bool]:
    """The credentials for the image, and whether every secret could be read."""
    if api is None or not namespace:
        return (), False
    found: dict[Credentials, None] = {}
    all_read = True
    try:
        async with asyncio.timeout(_SECRET_SECONDS):
            for name in names:
                try:
                    secret = await api.read("secret", name, namespace=namespace)
                except ClusterFault:
                    secret = None
                if secret is None:
                    # Not there may mean: not yet, in a namespace that was only just made.
                    all_read = False
                    continue
                found.update(
                    dict.fromkeys(
                        credentials_of_secret(secret, reference.registry, reference.repository)
                    )
                )
    except TimeoutError:
        all_read = False
    return tuple(found), all_read
