"""The demo's data folder. I/O: files.

Guarantees: the folder and its secrets are readable by their owner alone; files that a person may
edit are copied on the first run and never overwritten; two demos never use one folder at once.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from studiolo_local.private_files import read_or_make

SHIPPED = Path(__file__).parent.parent / "data"


class FolderInUseError(Exception):
    """Another demo runs from this folder."""


@dataclass(frozen=True)
class DemoFolder:
    """Where everything of one demo lies."""

    root: Path
    neighbours: bool = False
    """Whether another team's pods hold some of the simulated GPUs."""

    @property
    def catalogue(self) -> Path:
        """The catalogue of images and GPU profiles, to be edited while the demo runs."""
        return self.root / "catalogue.yaml"

    @property
    def users(self) -> Path:
        """Who can sign in, to be edited while the demo runs."""
        return self.root / "users.yaml"

    @property
    def cluster(self) -> Path:
        """The embedded cluster's own folder."""
        return self.root / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """How to reach the embedded cluster."""
        return self.cluster / "kubeconfig"

    @property
    def cluster_description(self) -> Path:
        """Where the cluster says its addresses, while all of it answers."""
        return self.cluster / "cluster.json"

    @property
    def cluster_token(self) -> Path:
        """What opens the cluster's API."""
        return self.cluster / "token"

    @property
    def hub(self) -> Path:
        """The hub's database and secrets."""
        return self.root / "hub"

    @property
    def keys(self) -> Path:
        """The sign-in's keys, and the secrets that two parts share."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """What the parts print."""
        return self.root / "logs"

    @property
    def settings(self) -> Path:
        """The hub's settings, written anew at every start."""
        return self.root / "settings.yaml"

    @property
    def ports(self) -> Path:
        """The ports of the last run."""
        return self.root / "ports.json"

    def make(self) -> None:
        """Make what is missing."""
        for folder in (self.root, self.cluster, self.hub, self.keys, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for mine in (self.catalogue, self.users):
            if not mine.exists():
                shutil.copyfile(SHIPPED / mine.name, mine)

    def secret(self, name: str) -> str:
        """Read a secret that two parts share; it is made on the first run."""
        return read_or_make(self.keys / name, lambda: secrets.token_hex(32))

    def lock(self) -> FolderLock:
        """Keep other demos out of this folder; raises FolderInUseError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FolderLock(self.root / "lock")


class FolderLock:
    """Held from its making until it is released or the process ends, however that comes about."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "it is still starting"
            self._file.close()
            raise FolderInUseError(
                f"A demo already runs from {path.parent}: {holder}\n"
                "Stop it with Ctrl-C where it runs, or give this one a folder: make demo DATA=..."
            ) from None
        self._file.truncate(0)

    def describe(self, words: str) -> None:
        """Tell those who are kept out what runs here."""
        self._file.truncate(0)
        self._file.write(words)
        self._file.flush()

    def release(self) -> None:
        """Let others in."""
        with suppress(ValueError):
            self._file.truncate(0)
        self._file.close()
