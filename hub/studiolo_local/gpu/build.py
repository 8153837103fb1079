"""Compiles the stand-in for libnvidia-ml. I/O: runs the C compiler, once for each source.

Guarantees: the library appears under its final name only when it is whole, so that a process
started meanwhile loads the old one or the new one; a second call with the same sources does no
work; without a compiler nothing fails, and the answer says why simulated GPUs show no figures.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIBRARY_NAME: Final = "libnvidia-ml.so.1"
SOURCES: Final = (
    "nvml_stub.c",
    "nvml_figures.c",
    "nvml_programs.c",
    "nvml_slices.c",
    "simulation.c",
)
_HEADERS: Final = ("nvml_stub.h", "simulation.h")
_FLAGS: Final = ("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC")
_COMPILE_SECONDS: Final = 60


@dataclass(frozen=True)
class Build:
    """The answer of `build`: the library, or None and the reason in words for a person."""

    library: Path | None
    reason: str


def build(directory: Path, *, compiler: str | None = None) -> Build:
    """Puts the library into `directory` (made if needed), to be named in LD_LIBRARY_PATH.

    `compiler` is a command; without it $CC, then `cc` is taken.
    """
    command = shlex.split(compiler or os.environ.get("CC", "") or "cc")
    if shutil.which(command[0]) is None:
        return Build(
            None,
            f"There is no C compiler ({command[0]} was not found), so simulated GPUs show no "
            "figures. Install gcc or clang, or name one in CC.",
        )
    directory.mkdir(parents=True, exist_ok=True)
    library = directory / LIBRARY_NAME
    stamp = directory / f"{LIBRARY_NAME}.sources"
    fingerprint = _fingerprint(command)
    if library.is_file() and stamp.is_file() and stamp.read_text("utf-8") == fingerprint:
        return Build(library, "The library is up to date.")
    problem = _compile(command, library)
    if problem is not None:
        return Build(None, f"Simulated GPUs show no figures: {problem}")
    stamp.write_text(fingerprint, "utf-8")
    return Build(library, "The library was compiled.")


def _fingerprint(command: list[str]) -> str:
    digest = hashlib.sha256(repr((command, _FLAGS)).encode())
    for name in SOURCES + _HEADERS:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def _compile(command: list[str], library: Path) -> str | None:
    """Compiles to a temporary name beside `library` and renames. The problem in words, or None."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".build-") as scratch:
        output = Path(scratch) / LIBRARY_NAME
        arguments = [
            *command,
            *_FLAGS,
            f"-Wl,-soname,{LIBRARY_NAME}",
            *(str(here / source) for source in SOURCES),
            "-o",
            str(output),
            "-lm",
            "-lpthread",
        ]
        try:
            done = subprocess.run(  # noqa: S603 - the compiler that the operator named
                arguments, capture_output=True, text=True, timeout=_COMPILE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the C compiler could not be run ({error})."
        if done.returncode != 0 or not output.is_file():
            complaint = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return f"the C compiler failed with status {done.returncode}: {complaint}"
        output.rename(library)
    return None
