"""Puts a pod's volumes where its processes find them. Planning is pure; `prepare` does the I/O.

A process sees this machine's own file system, so a volume cannot stand at its mountPath. Instead:

- the volume mounted at the home (the path that HOME or the working directory of the container or
  its image names) is the process's HOME and, as a rule, its working directory;
- any other volume is a link in the home: a volume mounted below the home under its relative path,
  one mounted elsewhere under the last part of its path (/shared/datasets is ~/datasets);
- a word of the command or a variable that is a mounted path, or lies below one, is handed on as the
  directory that stands for it, also behind the = of an option (--dir=/home/jovyan/work);
- STUDIOLO_MOUNTS holds the whole mapping as JSON.

A read-only volume is the same directory for all: where the machine's permissions do not prevent
it, the embedded cluster cannot either. On a real cluster it is read-only.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_PLACES: Final = ("persistentVolumeClaim", "emptyDir", "secret", "configMap")
_PRIVATE: Final = 0o700


class MountProblem(Exception):  # noqa: N818 - said of the pod, not of us
    """A volume cannot be had; the message is what the event says."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A path of the container and the directory or file that stands for it."""

    path: str
    place: Path
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one container finds everything."""

    home: Path
    mounts: tuple[Mount, ...]

    def place_of(self, path: str) -> Path | None:
        """The directory behind a path of the container; None where nothing is mounted."""
        for mount in sorted(self.mounts, key=lambda each: -len(each.path)):
            if path == mount.path:
                return mount.place
            if path.startswith(f"{mount.path}/"):
                return mount.place / path[len(mount.path) + 1 :]
        return None

    def translate(self, word: str) -> str:
        """A word of a command or a variable's value, with a mounted path put right."""
        option, equals, value = word.partition("=")
        if equals and option.startswith("-"):
            place = self._translated(value)
            return word if place is None else f"{option}={place}"
        place = self._translated(word)
        return word if place is None else str(place)

    def _translated(self, text: str) -> Path | None:
        if not text.startswith("/") or "/../" in f"{text}/":
            return None
        return self.place_of(text.rstrip("/") or "/")

    def variables(self) -> dict[str, str]:
        """What the process is told about its volumes."""
        mapping = {mount.path: str(mount.place) for mount in self.mounts}
        return {"HOME": str(self.home), "STUDIOLO_MOUNTS": json.dumps(mapping)}


def volume_kind(volume: Mapping[str, Any]) -> str:
    """Which kind of volume it is; MountProblem for one that the embedded cluster has not."""
    for kind in _PLACES:
        if kind in volume:
            return kind
    kinds = ", ".join(name for name in volume if name != "name") or "emptyDir"
    name = volume.get("name", "")
    raise MountProblem(
        f'MountVolume.SetUp failed for volume "{name}" : the embedded cluster has no volumes of '
        f"the kind {kinds}"
    )


def plan_layout(
    container: Mapping[str, Any],
    places: Mapping[str, Path],
    home_paths: Sequence[str],
    own_home: Path,
) -> Layout:
    """The layout of a container; `places` holds the directory of each volume by name.

    `home_paths` are the paths that may be the home, the likeliest first; when none of them is
    mounted, the container gets a home of its own that goes with the pod (`own_home`).
    """
    mounts = tuple(
        _mount(entry, places[entry["name"]]) for entry in container.get("volumeMounts") or ()
    )
    by_path = {mount.path: mount for mount in mounts}
    for path in home_paths:
        if path in by_path and not by_path[path].read_only:
            return Layout(by_path[path].place, mounts)
    return Layout(own_home, mounts)


def _mount(entry: Mapping[str, Any], place: Path) -> Mount:
    path = posixpath.normpath(entry["mountPath"])
    inner = str(entry.get("subPath") or "")
    if inner:
        if inner.startswith("/") or ".." in inner.split("/"):
            raise MountProblem(f"the subPath {inner[:60]!r} leads out of the volume")
        place /= inner
    return Mount(path, place, bool(entry.get("readOnly")))


def planned_links(layout: Layout, home_path: str | None) -> dict[str, Path]:
    """Names relative to the home, and what they should be linked to."""
    links: dict[str, Path] = {}
    for mount in layout.mounts:
        if mount.place == layout.home:
            continue
        if home_path and mount.path.startswith(f"{home_path}/"):
            name = mount.path[len(home_path) + 1 :]
        else:
            name = posixpath.basename(mount.path)
        if name:
            links[name] = mount.place
    return links


def prepare(layout: Layout, links: Mapping[str, Path]) -> tuple[list[str], list[str]]:
    """Make directories and links; the links made, and the names that were taken. I/O."""
    layout.home.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    for mount in layout.mounts:
        if not mount.place.exists():
            mount.place.mkdir(mode=_PRIVATE, parents=True)
    made: list[str] = []
    skipped: list[str] = []
    home = layout.home.resolve()
    for name, place in links.items():
        path = layout.home / name
        # A link of the user's own in the way must not lead us to make one elsewhere
        if not path.parent.resolve().is_relative_to(home):
            skipped.append(name)
            continue
        path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        if path.is_symlink() and path.readlink() != place:
            path.unlink()
        if not path.is_symlink():
            if path.exists():
                skipped.append(name)
                continue
            path.symlink_to(place)
        made.append(str(path))
    return made, skipped


def remove_links(links: Iterable[str]) -> None:
    """Take away links that `prepare` made; whatever else stands there by now stays. I/O."""
    for link in map(Path, links):
        if link.is_symlink():
            with suppress(OSError):
                link.unlink()


def write_files(directory: Path, files: Mapping[str, bytes], mode: int) -> None:
    """Fill a Secret's or ConfigMap's directory. I/O."""
    directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    for name, content in files.items():
        if "/" in name or name in {"", ".", ".."}:
            raise MountProblem(f"the key {name[:60]!r} is no file name")
        path = directory / name
        path.unlink(missing_ok=True)
        path.touch(mode=mode)
        path.write_bytes(content)
