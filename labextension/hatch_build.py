"""Says where the front end goes in the wheel. Read by hatchling; I/O: one look at the file system.

An editable install takes no copy: the front end may not be built yet (its tools come with that very
install) and is linked afterwards. A wheel without the front end is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "jupyterlab_studiolo/labextension"
INSTALLED = "share/jupyter/labextensions/jupyterlab-studiolo"


class FrontEnd(BuildHookInterface[Any]):
    """Adds the built front end to the wheel's shared data."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together; `version` is its kind."""
        if version == "editable":
            return
        if not (Path(self.root) / BUILT / "package.json").is_file():
            raise FileNotFoundError(
                f"{BUILT} is not there: run `npm ci` and `npm run build` in labextension/ first."
            )
        build_data["shared_data"] = {
            BUILT: INSTALLED,
            "install.json": f"{INSTALLED}/install.json",
        }
