"""What the entries of a catalogue say about each other: names that must exist, be unique, not go
round. Pure.

The checks read the plain data of the file and not the models, so that their problems are reported
together with those of entries that are themselves wrong. They step over whatever has the wrong
shape: the models report it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from studiolo_spawner import wording
from studiolo_spawner.choice import CUSTOM_IMAGE
from studiolo_spawner.yamltree import Path, path_text


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, still with its path as steps: the caller knows the lines."""

    path: Path
    message: str
    hint: str = ""


def check_references(data: object) -> Iterator[Finding]:
    """Everything that is wrong between the entries; lazily, for a hint costs time and few are
    shown.
    """
    top = _mapping(data)
    defaults = _mapping(top.get("defaults"))
    images = list(_entries(top, "images"))
    profiles = list(_entries(top, "profiles"))
    volumes = list(_entries(top, "volumes"))
    yield from _empty(top)
    yield from _defaults(defaults, images, profiles)
    yield from _duplicates(images, "id", "image")
    yield from _images(images)
    yield from _redirect_cycles(images)
    yield from _duplicates(profiles, "id", "profile")
    yield from _locks(top, images, profiles)
    yield from _duplicates(volumes, "name", "volume")
    yield from _mounts(defaults, volumes)
    yield from _quotas(list(_entries(top, "quotas")), profiles)
    yield from _custom_images(top, images, profiles)


_Entries = list[tuple[Path, Mapping[str, object]]]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _entries(top: Mapping[str, object], key: str) -> Iterator[tuple[Path, Mapping[str, object]]]:
    value = top.get(key)
    if isinstance(value, list):
        for index, entry in enumerate(value):
            if isinstance(entry, dict):
                yield (key, index), entry


def _empty(top: Mapping[str, object]) -> Iterator[Finding]:
    """Not a length in the models: pydantic counts the entries that are right, and would say it
    twice.
    """
    for key in ("images", "profiles"):
        if top.get(key) == []:
            yield Finding((key,), "the list is empty", "add at least one")


def _names(entries: _Entries) -> dict[str, None]:
    """The ids in their order; a mapping, to be asked quickly."""
    return {name: None for _, entry in entries if isinstance(name := entry.get("id"), str)}


def _duplicates(entries: _Entries, key: str, what: str) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for path, entry in entries:
        name = entry.get(key)
        if not isinstance(name, str):
            continue
        if name in first:
            told = f"{path_text(first[name])} is also called {wording.quoted(name)}"
            yield Finding((*path, key), told, f"give each {what} a name of its own")
        else:
            first[name] = path


def _unknown(path: Path, name: str, known: Iterable[str], what: str) -> Finding:
    hint = wording.did_you_mean(name, known) or f"there are: {wording.listed(known)}"
    return Finding(path, f"no {what} is called {wording.quoted(name)}", hint)


def _defaults(
    defaults: Mapping[str, object], images: _Entries, profiles: _Entries
) -> Iterator[Finding]:
    for key, entries in (("image", images), ("profile", profiles)):
        name = defaults.get(key)
        if not isinstance(name, str):
            continue
        path = ("defaults", key)
        if name not in _names(entries):
            yield _unknown(path, name, _names(entries), key)
        elif any(e.get("id") == name and e.get("hidden") is True for _, e in entries):
            yield Finding(
                path, f"the {key} {wording.quoted(name)} is hidden", "choose one on the menu"
            )


def _images(images: _Entries) -> Iterator[Finding]:
    known = _names(images)
    if images and all(entry.get("hidden") is True for _, entry in images):
        yield Finding(("images",), "every image is hidden: the menu would be empty", "show one")
    for path, entry in images:
        for inner, name in _targets(path, entry):
            if name == entry.get("id"):
                yield Finding(inner, "an image cannot stand in for itself", "remove it")
            elif name not in known:
                yield _unknown(inner, name, known, "image")
        seen: set[str] = set()
        for inner, name in _targets(path, {"fallback": entry.get("fallback")}):
            if name in seen:
                yield Finding(inner, f"{wording.quoted(name)} is named twice", "keep the first")
            seen.add(name)


def _targets(path: Path, entry: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    fallback = entry.get("fallback")
    if isinstance(fallback, list):
        for index, name in enumerate(fallback):
            if isinstance(name, str):
                yield (*path, "fallback", index), name
    to = _mapping(entry.get("redirect")).get("to")
    if isinstance(to, str):
        yield (*path, "redirect", "to"), to


def _locks(top: Mapping[str, object], images: _Entries, profiles: _Entries) -> Iterator[Finding]:
    hidden = {entry.get("id") for _, entry in images if entry.get("hidden") is True}
    for path, lock in _entries(_mapping(top.get("menu")), "locked"):
        for key, entries in (("image", images), ("profile", profiles)):
            name, inner = lock.get(key), ("menu", *path, key)
            if not isinstance(name, str):
                continue
            if name not in _names(entries):
                yield _unknown(inner, name, _names(entries), key)
            elif key == "image" and name in hidden:
                told = f"the image {wording.quoted(name)} is hidden"
                yield Finding(inner, told, "fix one that is on the menu")


def _quotas(quotas: _Entries, profiles: _Entries) -> Iterator[Finding]:
    yield from _duplicates(quotas, "id", "quota")
    known = _names(profiles)
    resources = {entry.get("resource"): None for _, entry in profiles}
    kinds = [name for name in resources if isinstance(name, str)]
    for path, quota in quotas:
        named = quota.get("profiles")
        for index, name in enumerate(named if isinstance(named, list) else ()):
            if isinstance(name, str) and name not in known:
                yield _unknown((*path, "profiles", index), name, known, "profile")
        for key in ("resources", "largest"):
            for kind in _mapping(quota.get(key)):
                if kind not in resources:
                    told = f"no profile asks for {wording.quoted(kind)}"
                    hint = (
                        wording.did_you_mean(kind, kinds) or f"there are: {wording.listed(kinds)}"
                    )
                    yield Finding((*path, key, kind), told, hint)


def _redirect_cycles(images: _Entries) -> Iterator[Finding]:
    """Each cycle once, at its first entry: every image has at most one way on, so walking finds
    them.
    """
    target: dict[str, str] = {}
    place: dict[str, Path] = {}
    for path, entry in images:
        name, to = entry.get("id"), _mapping(entry.get("redirect")).get("to")
        if isinstance(name, str) and isinstance(to, str) and name != to:
            target.setdefault(name, to)
            place.setdefault(name, path)
    done: set[str] = set()
    for start in target:
        walked: list[str] = []
        name = start
        while name in target and name not in done:
            done.add(name)
            walked.append(name)
            name = target[name]
        if name in walked:
            cycle = [*walked[walked.index(name) :], name]
            told = f"the redirects go round: {' → '.join(wording.quoted(n)[1:-1] for n in cycle)}"
            yield Finding((*place[name], "redirect", "to"), told, "let one of them end it")


def _custom_images(
    top: Mapping[str, object], images: _Entries, profiles: _Entries
) -> Iterator[Finding]:
    rules = _mapping(top.get("custom_images"))
    if not rules:
        return
    if rules.get("patterns") == []:
        told = "add at least one, or leave custom_images out"
        yield Finding(("custom_images", "patterns"), "the list is empty", told)
    for path, entry in images:
        if entry.get("id") == CUSTOM_IMAGE:
            told = f"{CUSTOM_IMAGE} stands for the images that people name themselves"
            yield Finding((*path, "id"), told, "choose another id")
    for key, entries, what in (("fallback", images, "image"), ("profiles", profiles, "profile")):
        named = rules.get(key)
        for index, name in enumerate(named if isinstance(named, list) else ()):
            path = ("custom_images", key, index)
            if isinstance(name, str) and name not in _names(entries):
                yield _unknown(path, name, _names(entries), what)
            elif isinstance(named, list) and name in named[:index]:
                yield Finding(path, f"{wording.quoted(name)} is named twice", "keep the first")


def _mounts(defaults: Mapping[str, object], volumes: _Entries) -> Iterator[Finding]:
    home = _mapping(defaults.get("home")).get("mount_path", "/home/jovyan")
    taken: dict[str, str] = {home: "the home"} if isinstance(home, str) else {}
    for path, entry in volumes:
        mount = entry.get("mount_path")
        if not isinstance(mount, str):
            continue
        inner = (*path, "mount_path")
        if mount in taken:
            yield Finding(inner, f"{taken[mount]} is mounted there too", "choose another place")
        elif isinstance(home, str) and home.startswith(f"{mount}/"):
            yield Finding(
                inner, "it would hide the home, which lies below it", "choose another place"
            )
        taken.setdefault(mount, path_text(path))
