"""The project's own images, built by images/build.py on a base that is made here. I/O, minutes.

No registry outside the machine is asked for a base: Debian's packages make one. It is kept beside
the built programs; what buildah has built before, it takes from its own cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.place import HERE
from tests.e2e.tools import cache_folder

ROOT = Path(__file__).parents[2]
SUITE = "trixie"
REPOSITORY = "studiolo"


def build(*names: str) -> None:
    """Build images and push them to the cluster's registry."""
    base = _push_base()
    words = ["--registry", f"{HERE.push}/{REPOSITORY}", "--base", base, "--builder", "buildah"]
    _run(
        [
            sys.executable,
            str(ROOT / "images" / "build.py"),
            *words,
            "--builder-option=--tls-verify=false",
            # Compiling VS Code's native parts would take longer than all the rest.
            "--vscode=no",
            *names,
        ]
    )


def _push_base() -> str:
    """Give the base image with its digest."""
    archive = cache_folder() / f"base-{SUITE}.tar"
    if not archive.exists():
        folder = cache_folder() / f"base-{SUITE}"
        _run(["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(folder)])
        _run(["tar", "--numeric-owner", "-C", str(folder), "-cf", f"{archive}.partial", "."])
        Path(f"{archive}.partial").replace(archive)
        _run(["rm", "-rf", "--one-file-system", str(folder)])
    name = f"{HERE.push}/base:{SUITE}"
    container = _run(["buildah", "from", "scratch"]).strip()
    _run(["buildah", "add", container, str(archive), "/"])
    _run(["buildah", "commit", "--quiet", "--timestamp=0", "--rm", container, name])
    digest = cache_folder() / "base.digest"
    _run(["buildah", "push", "--quiet", "--tls-verify=false", f"--digestfile={digest}", name])
    return f"{name}@{digest.read_text().strip()}"


def _run(command: list[str]) -> str:
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "BUILDAH_LAYERS": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise AssertionError(f"{' '.join(command[:3])}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout
