"""The menu's first two questions: tasks and tools to tick, frameworks with their versions. Pure.

Every answer that the page offers is written out here with what it is sent as and with the versions
that meet it, so that neither the page nor its script has to understand versions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from studiolo_spawner.choice import Choice
from studiolo_spawner.known_names import name_of
from studiolo_spawner.offer import Offer
from studiolo_spawner.resolve import redirect_end
from studiolo_spawner.translation import translate as _


@dataclass(frozen=True, slots=True)
class Tick:
    """A task or a tool."""

    id: str
    name: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class VersionWish:
    """One answer about a framework."""

    value: str
    """What is sent, such as `pytorch>=2.8`."""
    label: str
    versions: tuple[str, ...]
    """The versions on the menu that meet it."""
    selected: bool


@dataclass(frozen=True, slots=True)
class FrameworkWish:
    """A framework with its answers; none of them selected means that it is not needed."""

    id: str
    name: str
    options: tuple[VersionWish, ...]


def ticks(ids: Sequence[str], ticked: Collection[str], own: Mapping[str, str]) -> tuple[Tick, ...]:
    """Tasks or tools with their names."""
    return tuple(Tick(name, name_of(name, own), name in ticked) for name in ids)


def framework_wishes(offer: Offer, selected: Choice) -> tuple[FrameworkWish, ...]:
    """Each framework of the images on the menu: any version, one line of versions, or from one on.

    What was asked for in other words (by REST, by a link) is added as it stands.
    """
    found: dict[str, set[str]] = {}
    for image in offer.images.values():
        for name, version in redirect_end(offer.catalogue, image).provides.frameworks.items():
            found.setdefault(name, set()).add(version)
    wishes = []
    for name in offer.frameworks:
        versions = sorted(found.get(name, ()), key=_parsed, reverse=True)
        shown = name_of(name, offer.catalogue.menu.names)
        wishes.append(FrameworkWish(name, shown, _options(name, versions, selected)))
    return tuple(wishes)


def _options(name: str, versions: Sequence[str], selected: Choice) -> tuple[VersionWish, ...]:
    answers = _answers(tuple(versions))
    wanted = selected.frameworks.get(name)
    if wanted is not None and all(wanted != specifier for specifier, _label, _met in answers):
        answers = (*answers, (wanted, wanted, _meeting(wanted, versions)))
    return tuple(
        VersionWish(name + specifier, label, met, wanted == specifier)
        for specifier, label, met in answers
    )


@lru_cache(maxsize=512)
def _answers(versions: tuple[str, ...]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The answers about one framework: specifier, words, and the versions that meet it."""
    # Newest line first; from the newest line on is that line.
    lines = list(dict.fromkeys(_line(version) for version in versions))
    answers = [("", _("any version"))]
    for number, line in enumerate(lines):
        answers.append((f"=={line}.*", line))
        if number:
            answers.append((f">={line}", _("%(version)s or newer") % {"version": line}))
    return tuple((specifier, label, _meeting(specifier, versions)) for specifier, label in answers)


forget_wishes = _answers.cache_clear
"""Put the answers into words again, in another language."""


@lru_cache(maxsize=1024)
def _parsed(version: str) -> Version:
    return Version(version)


def _line(version: str) -> str:
    parsed = Version(version)
    epoch = f"{parsed.epoch}!" if parsed.epoch else ""
    return f"{epoch}{parsed.major}.{parsed.minor}"


def _meeting(specifier: str, versions: Sequence[str]) -> tuple[str, ...]:
    wanted = SpecifierSet(specifier)
    return tuple(v for v in versions if wanted.contains(Version(v), prereleases=True))
