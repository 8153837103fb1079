"""How images are checked in this hub: with which client, secrets and knowledge of machines; I/O.

One value that goes to whoever checks: a start, the menu, the round over the whole catalogue. It
reads pull secrets in the namespace of the pod that will use them or, where every user has a
namespace of their own, in the hub's, from which people's namespaces get them.
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

    @property
    def node_changes(self) -> int:
        """Goes up whenever ``machines_for`` may answer something else."""

    def machines_for(self, profile: Profile) -> Iterable[Machine]:
        """The machines that take a profile's workspaces; none where nothing is known."""


class KnownSurroundings:
    """What images have to fit, worked out anew only when machines or the catalogue have changed.

    For a start whose image was checked lately it is the dearest part of the check. Bounded by the
    profiles of one catalogue.
    """

    def __init__(self, machines: KnownMachines) -> None:
        self._machines = machines
        self._as_of = -1
        self._of: dict[str, tuple[Profile, Surroundings]] = {}
        self._of_all: tuple[Catalogue, Surroundings] | None = None

    def of(self, profile: Profile) -> Surroundings:
        """What an image meets with this profile."""
        self._forget_what_changed()
        kept = self._of.get(profile.id)
        # Another profile of that name: the catalogue was edited, or a start goes on with its own.
        if kept is None or kept[0] is not profile:
            found = surroundings_of(profile, self._machines.machines_for(profile))
            kept = self._of[profile.id] = (profile, found)
        return kept[1]

    def of_all(self, catalogue: Catalogue) -> Surroundings:
        """What an image meets with any profile."""
        self._forget_what_changed()
        kept = self._of_all
        if kept is None or kept[0] is not catalogue:
            machines = {each.id: self._machines.machines_for(each) for each in catalogue.profiles}
            kept = self._of_all = (catalogue, surroundings_of_all(catalogue, machines))
            # Profiles that are no more are not kept.
            self._of.clear()
        return kept[1]

    def _forget_what_changed(self) -> None:
        if self._as_of != self._machines.node_changes:
            self._as_of = self._machines.node_changes
            self._of.clear()
            self._of_all = None


@dataclass(frozen=True, slots=True)
class ImageChecker:
    """Checks images; ``namespace``: where pull secrets are read, none when empty."""

    registry: RegistryClient
    api: ClusterApi
    namespace: str
    pull_secrets: tuple[str, ...] = ()
    """Names of the secrets that every workspace pulls with."""
    surroundings: KnownSurroundings | None = None
    """What images have to fit; None where nothing of the cluster is known."""

    async def check(
        self, image: Image, profile: Profile, *, digest: str | None = None
    ) -> CheckedImage:
        """Check an image for a workspace with this profile."""
        known = self.surroundings
        found = known.of(profile) if known else surroundings_of(profile, ())
        return await self._check(image, found, digest)

    async def check_for_any(self, image: Image, catalogue: Catalogue) -> CheckedImage:
        """Check an image for the menu, where it may be combined with any profile."""
        known = self.surroundings
        found = known.of_all(catalogue) if known else surroundings_of_all(catalogue, {})
        return await self._check(image, found, None)

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
