"""What can be opened in a running workspace beside JupyterLab, by what its image provides. Pure.

A tool is offered only where the catalogue says that the image has it (`provides.tools`) and where
such a tool is found at one address in every image: images/README.md names them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from studiolo_spawner.translation import marked as _
from studiolo_spawner.translation import translate


@dataclass(frozen=True)
class Tool:
    """Something to open: its name, and where below the workspace's address it answers."""

    name: str
    path: str


_ADDRESSES = {
    "vscode": (Tool("VS Code", "vscode/"),),
    "code-server": (Tool("VS Code", "codeserver/"),),
    "rstudio": (Tool("RStudio", "rstudio/"),),
    # Notebook 7 has a page of its own for a terminal; JupyterLab opens its terminals within itself.
    "notebook": (Tool("Notebook", "tree"), Tool(_("Terminal"), "terminals/1")),
}


def tools_of(provided: Iterable[str]) -> tuple[Tool, ...]:
    """Return what can be opened, in the order of this module."""
    has = frozenset(provided)
    found = [
        replace(tool, name=translate(tool.name))
        for name, tools in _ADDRESSES.items()
        if name in has
        for tool in tools
    ]
    return tuple({tool.name: tool for tool in found}.values())
