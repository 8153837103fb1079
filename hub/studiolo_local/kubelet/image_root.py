"""What is inside an image, as far as starting a container asks. Pure but for reading the layers.

Nothing of an image is unpacked where a path could lead: the kubelet keeps a list of its files and
the text of its scripts. A program of the image is looked up as in a container, by the image's own
PATH and links; what then runs is the script's text, or for a binary or an empty stand-in this
machine's own program of the same name.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

Kind = Literal["directory", "program", "script", "link"]

_MAX_SCRIPT: Final = 1024 * 1024
_MAX_LINKS: Final = 40
_MAX_FILES: Final = 500_000
_WHITEOUT: Final = ".wh."


class BadLayer(Exception):  # noqa: N818 - said of the image, not of us
    """A layer that is no archive, or one too large to be looked through."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: `target` of a link, `text` of a script."""

    kind: Kind
    executable: bool = False
    target: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ImageRoot:
    """The files of an image by their absolute paths."""

    entries: Mapping[str, Entry]

    def resolve(self, path: str) -> tuple[str, Entry] | None:
        """The entry behind a path, through links of files and directories."""
        waiting = _parts(path)
        done: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop(0)
            if part == "..":
                done = done[:-1]
                continue
            here = "/" + "/".join([*done, part])
            entry = self.entries.get(here)
            if entry is not None and entry.kind == "link":
                links += 1
                if links > _MAX_LINKS:
                    return None
                if entry.target.startswith("/"):
                    done = []
                waiting = _parts(entry.target) + waiting
                continue
            done.append(part)
        found = "/" + "/".join(done)
        entry = self.entries.get(found)
        return None if entry is None else (found, entry)

    def to_json(self) -> str:
        """The list as text, for `from_json`."""
        return json.dumps({path: asdict(entry) for path, entry in self.entries.items()})

    @classmethod
    def from_json(cls, text: str) -> ImageRoot:
        """The list that `to_json` wrote."""
        return cls({path: Entry(**words) for path, words in json.loads(text).items()})


def read_layers(paths: Iterable[Path]) -> ImageRoot:
    """The files that remain when the layers are laid over each other. I/O: reads the archives."""
    entries: dict[str, Entry] = {}
    for path in paths:
        try:
            with tarfile.open(path, "r|*") as archive:
                added = dict(_read(archive, entries))
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BadLayer(f"archive/tar: invalid tar header: {error}") from error
        entries.update(added)
        if len(entries) > _MAX_FILES:
            raise BadLayer(f"it has more than {_MAX_FILES} files")
    return ImageRoot(entries)


def _read(archive: tarfile.TarFile, below: dict[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """Entries of one layer; what it takes away from the layers below is removed from `below`."""
    for member in archive:
        path = posixpath.normpath("/" + member.name)
        directory, name = posixpath.split(path)
        if name.startswith(_WHITEOUT):
            hidden = directory if name == ".wh..wh..opq" else f"{directory}/{name[4:]}"
            for known in [each for each in below if f"{each}/".startswith(f"{hidden}/")]:
                del below[known]
            continue
        entry = _entry(archive, member)
        if entry is not None:
            yield path, entry


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry | None:
    if member.isdir():
        return Entry("directory")
    if member.issym():
        return Entry("link", target=member.linkname)
    if member.islnk():
        return Entry("link", target="/" + member.linkname)
    if not member.isfile():
        return None
    executable = bool(member.mode & 0o111)
    if executable and 2 < member.size <= _MAX_SCRIPT:
        file = archive.extractfile(member)
        content = file.read() if file is not None else b""
        if content.startswith(b"#!"):
            return Entry("script", executable, text=content.decode("utf-8", "surrogateescape"))
    return Entry("program", executable)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


class NotExecutable(Exception):  # noqa: N818 - said of the image, not of us
    """The command cannot be executed in the image; the message is the runtime's."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a command names in an image: a script's text, or a program's name."""

    name: str
    script: str = ""

    @property
    def interpreter(self) -> Sequence[str]:
        """A script's interpreter by its bare name, with its option."""
        words = self.script.split("\n", 1)[0][2:].strip().split(None, 1)
        if words and posixpath.basename(words[0]) == "env" and len(words) > 1:
            words = words[1].removeprefix("-S ").split()
        return [posixpath.basename(words[0]), *words[1:]] if words else ["sh"]


def find_program(root: ImageRoot, command: str, search_path: str) -> Program:
    """What executing `command` means in the image; NotExecutable with the runtime's words."""
    if "/" in command:
        found = root.resolve(command)
        if found is None:
            raise NotExecutable(f'exec: "{command}": stat {command}: no such file or directory')
        candidates = [found]
    else:
        paths = (f"{directory}/{command}" for directory in search_path.split(":") if directory)
        candidates = [each for path in paths if (each := root.resolve(path)) is not None]
    for path, entry in candidates:
        if entry.kind != "directory" and entry.executable:
            return Program(posixpath.basename(path), entry.text)
    if candidates and "/" in command:
        problem = "is a directory" if candidates[0][1].kind == "directory" else "permission denied"
        raise NotExecutable(f'exec: "{command}": {problem}')
    raise NotExecutable(f'exec: "{command}": executable file not found in $PATH')


def image_settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of an image's configuration that a container starts from."""
    settings = config.get("config")
    return settings if isinstance(settings, dict) else {}
