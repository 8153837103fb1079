"""The Chromium of this machine, as every test starts it."""

from __future__ import annotations

import os
import shutil

import pytest

#: Nothing of it may ask the outside world, and a container's root has no sandbox.
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Where it is: STUDIOLO_CHROMIUM, or what is installed; a test without one fails."""
    path = os.environ.get("STUDIOLO_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.fail(
            "There is no Chromium: run `make test`, which installs it, or apt-get install chromium"
        )
    return path
