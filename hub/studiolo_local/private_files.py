"""Files that only their owner may read: secrets made once and found again.

Guarantees: a file is born with mode 0600 and appears whole or not at all. I/O: the file system.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody else can read it at any moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Read a secret; the first time, make it. A file open to others is closed to them again."""
    if not path.exists():
        write_private(path, make())
    path.chmod(0o600)
    return path.read_text()
