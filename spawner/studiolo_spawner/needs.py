"""What an image must bring along to stand in for another, and which one is nearest. Pure.

Needs come from the user: tasks, tools, framework versions. A user who declared none still has some:
what the requested image brings. Then an image found by the catalogue (not one named by an
administrator in `fallback`) must have the same frameworks in the same major version and all the
tools. In either case a workspace on a GPU whose image has CUDA falls back only to images with CUDA.

Nearest is, in this order: not deprecated before deprecated; fewer of the requested frameworks
missing; smaller distance of their versions, compared as (major, minor, micro) and summed over
frameworks; newer before older at the same distance; then the order of the catalogue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from studiolo_spawner.catalogue import Image, Profile
from studiolo_spawner.choice import Choice
from studiolo_spawner.translation import translate as _

Distance = tuple[bool, int, tuple[int, int, int], int]
"""Sorts images by how near they are; see the top of this module."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the image of a workspace must provide."""

    tasks: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    frameworks: Mapping[str, str] = field(default_factory=dict)
    """Framework to PEP 440 specifiers."""
    cuda: bool = False

    def missing_from(self, image: Image) -> tuple[str, ...]:
        """What the image lacks, in words; empty when it provides all."""
        provided = image.provides
        lacks = [
            _("the task %(task)s") % {"task": task} for task in sorted(self.tasks - image.tasks)
        ]
        lacks += sorted(self.tools - provided.tools)
        for name, versions in sorted(self.frameworks.items()):
            version = provided.frameworks.get(name)
            if version is None or not _range(versions).contains(
                _version(version), prereleases=True
            ):
                lacks.append(f"{name}{versions}")
        if self.cuda and provided.cuda is None:
            lacks.append("CUDA")
        return tuple(lacks)

    def met_by(self, image: Image) -> bool:
        """Whether the image provides all."""
        return not self.missing_from(image)


def declared_needs(choice: Choice) -> Needs:
    """What the user said that they need."""
    return Needs(choice.tasks, choice.tools, choice.frameworks)


def needs_of(choice: Choice, requested: Image, profile: Profile) -> Needs:
    """What an image must provide to be found as a stand-in for the requested one."""
    cuda = requested.provides.cuda is not None and profile.resource is not None
    declared = declared_needs(choice)
    if declared != Needs():
        return Needs(declared.tasks, declared.tools, declared.frameworks, cuda)
    same_major = {
        name: _same_major(_version(version))
        for name, version in requested.provides.frameworks.items()
    }
    return Needs(frozenset(), requested.provides.tools, same_major, cuda)


def nearest_first(images: Iterable[Image], requested: Image) -> list[Image]:
    """The images by distance from the requested one."""
    return sorted(images, key=lambda image: distance(image, requested))


def distance(image: Image, requested: Image) -> Distance:
    """How far the image is from the requested one: the smallest is the nearest."""
    missing = 0
    apart = (0, 0, 0)
    older = 0
    for name, wanted in requested.provides.frameworks.items():
        found = image.provides.frameworks.get(name)
        if found is None:
            missing += 1
            continue
        mine, theirs = _version(found), _version(wanted)
        apart = (
            apart[0] + abs(mine.major - theirs.major),
            apart[1] + abs(mine.minor - theirs.minor),
            apart[2] + abs(mine.micro - theirs.micro),
        )
        older += mine < theirs
    return image.deprecated is not None, missing, apart, older


# Every image is asked at every start, and the same few texts come again and again. Bounded, since
# ranges come from users.
@lru_cache(maxsize=1024)
def _version(text: str) -> Version:
    return Version(text)


@lru_cache(maxsize=1024)
def _range(text: str) -> SpecifierSet:
    return SpecifierSet(text)


def _same_major(version: Version) -> str:
    epoch = f"{version.epoch}!" if version.epoch else ""
    return f"=={epoch}{version.major}.*"
