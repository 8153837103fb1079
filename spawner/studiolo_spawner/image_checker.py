"""How images are checked in this hub: with which client, secrets and knowledge of machines; I/O.

One value that goes to whoever checks: a start, the menu, the round over the whole catalogue. It
reads pull secrets in the namespace of the pod that will use them. Where every user has a namespace
of their own, the round over the catalogue is in none of them: it reads no secret, and images that
only their pods can see are told as such and not as bad.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from studiolo_spawner.catalogue import Catalogue, Image, Profile
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.image_check import CheckedImage, check_image
from studiolo_spawner.image_contract import Surroundings
from studiolo_spawner.machines import Machine
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.registry import RegistryClient
from studiolo_spawner.surroundings import surroundings_of, surroundings_of_all


class KnownMachines(Protocol):
    """What a check needs of the cluster (ClusterWatch has it)."""

    def machines_for(self, profile: Profile) -> Iterable[Machine]:
        """The machines that take a profile's workspaces; none where nothing is known."""


@dataclass(frozen=True, slots=True)
class ImageChecker:
    """Checks images; ``namespace``: where pull secrets are read, none when empty."""

    registry: RegistryClient
    api: ClusterApi
    namespace: str
    pull_secrets: tuple[str, ...] = ()
    """Names of the secrets that every workspace pulls with."""
    machines: KnownMachines | None = None

    async def check(
        self, image: Image, profile: Profile, *, digest: str | None = None
    ) -> CheckedImage:
        """Check an image for a workspace with this profile."""
        known = self.machines.machines_for(profile) if self.machines else ()
        return await self._check(image, surroundings_of(profile, known), digest)

    async def check_for_any(self, image: Image, catalogue: Catalogue) -> CheckedImage:
        """Check an image for the menu, where it may be combined with any profile."""
        known = {
            profile.id: tuple(self.machines.machines_for(profile)) if self.machines else ()
            for profile in catalogue.profiles
        }
        return await self._check(image, surroundings_of_all(catalogue, known), None)

    async def _check(
        self, image: Image, surroundings: Surroundings, digest: str | None
    ) -> CheckedImage:
        return await check_image(
            image,
            self.registry,
            self.api,
            namespace=self.namespace,
            pull_secrets=self.pull_secrets,
            digest=digest,
            surroundings=surroundings,
        )


def secret_names(listed: Any) -> tuple[str, ...]:
    """The names in KubeSpawner's trait `image_pull_secrets`: texts, or mappings with a name."""
    entries = [listed] if isinstance(listed, str) else listed or ()
    names = (text(mapping(each).get("name")) or text(each) for each in entries)
    return tuple(dict.fromkeys(name for name in names if name))
