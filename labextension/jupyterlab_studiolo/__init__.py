"""The workspace side: a Jupyter server extension and its JupyterLab front end. Stands alone.

Importing this package loads nothing else of it: Jupyter asks for the two lists below at every
start, also where the extension is switched off.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyterlab-studiolo"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jupyterlab_studiolo"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    from jupyterlab_studiolo.extension import load

    load(server_app)
