"""What the person at the terminal reads. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from studiolo_local.demo.folder import DemoFolder
from studiolo_local.signin.users import LocalUser

WHAT_IT_IS_NOT = (
    "Everything runs as you, on this machine alone (127.0.0.1). GPUs are simulated, and nothing\n"
    "keeps one person's workspace from another's: a first look, not for production."
)

NEIGHBOURS = (
    "Another team's pods, simulated too, hold some of the simulated GPUs, so that the menu has\n"
    "something to count and the largest profile has to wait.\n\n"
)


def progress(seconds: float, text: str) -> str:
    """Write one line of progress."""
    return f"{seconds:6.1f} s  {text}"


def summary(
    address: str, folder: DemoFolder, users: Sequence[LocalUser], *, kubectl: Path, here: Path
) -> str:
    """Say where to go, as whom, and what else there is; paths as one types them from `here`."""
    kubeconfig = _near(folder.kubeconfig, here)
    people = [
        ("Name", "Groups", ""),
        *((user.name, ", ".join(user.groups), user.about) for user in users),
    ]
    further = [
        (_near(folder.catalogue, here), "images and GPU profiles: edits count within 10 s"),
        (_near(folder.users, here), "who can sign in, and their groups"),
        (_near(folder.logs, here), "what each part prints"),
    ]
    return f"""
Studiolo is ready: {address}

Sign in, without a password, as one of:

{_table(people)}

To go further:

{_table(further)}

See its pods:

    KUBECONFIG={shlex.quote(kubeconfig)} {shlex.quote(_near(kubectl, here))} -n studiolo get pods

{NEIGHBOURS if folder.neighbours else ""}{WHAT_IT_IS_NOT}

Ctrl-C stops it; people's files stay in {_near(folder.root, here)}.
"""


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(f"    {line}".rstrip() for line in lines)


def _near(path: Path, here: Path) -> str:
    """Write a path as it is shortest to type from where the person is."""
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
