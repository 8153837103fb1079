"""A start that needs no space in the home: for a person whose files fill it; pure.

Jupyter writes into the home before it answers, and ends when it cannot. In rescue mode what it
writes for itself goes to /tmp, which every image can write to (images/README.md); the home is where
it always is, so that its owner can look at it and delete. Settings and packages that a person keeps
in the home are not read meanwhile.
"""

from __future__ import annotations

from typing import Final

REASON: Final = "home_full"
"""The cause (``causes``) for which a rescue start is the way out."""

_AWAY: Final = "/tmp/studiolo-rescue"  # noqa: S108 - the container's own

ENVIRONMENT: Final = {
    "JUPYTER_RUNTIME_DIR": f"{_AWAY}/runtime",
    "JUPYTER_DATA_DIR": f"{_AWAY}/data",
    "JUPYTER_CONFIG_DIR": f"{_AWAY}/config",
    "JUPYTERLAB_SETTINGS_DIR": f"{_AWAY}/lab/settings",
    "JUPYTERLAB_WORKSPACES_DIR": f"{_AWAY}/lab/workspaces",
    "IPYTHONDIR": f"{_AWAY}/ipython",
    "XDG_CACHE_HOME": f"{_AWAY}/cache",
}

ARGUMENTS: Final = ("--FileContentsManager.delete_to_trash=False",)
"""What is deleted must be gone: a trash in the home gives no space back."""
