"""The spawner's menu: takes together what the hub knows at this moment and renders it.

Reads memory alone (the catalogue's snapshot, the health of images, the one watch of the cluster):
no page costs a request to the Kubernetes API.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from jupyterhub.utils import url_path_join

from studiolo_spawner.choice import Choice
from studiolo_spawner.menu import Origin, build_menu
from studiolo_spawner.menu_page import render_menu
from studiolo_spawner.spawner_quotas import quota_view

if TYPE_CHECKING:
    from studiolo_spawner.shared_parts import SharedParts
    from studiolo_spawner.spawner import WorkspaceSpawner

NARROW = "narrow"
"""The form's button that only shows what fits; see `choice.py`, which passes it over."""

FIRST_CHECKS_SECONDS = 1.0
"""What a menu waits at most for the first round of image checks after the hub began."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What the menu is filled in with, and where that comes from."""

    choice: Choice | None = None
    origin: Origin = "last"


async def menu_of(spawner: WorkspaceSpawner, parts: SharedParts, filled: Filled) -> str:
    """The menu for the spawner's user as HTML."""
    if parts.watch is not None:
        await parts.watch.first_round(FIRST_CHECKS_SECONDS)
    async with parts.menu_turns:
        html = await _menu_now(spawner, parts, filled)
        await asyncio.sleep(0)
    return html


async def _menu_now(spawner: WorkspaceSpawner, parts: SharedParts, filled: Filled) -> str:
    catalogue = parts.catalogue.snapshot
    quotas = await quota_view(spawner, parts)
    menu = build_menu(
        catalogue,
        spawner.person(),
        saved=filled.choice,
        origin=filled.origin,
        capacity=parts.cluster.capacity(catalogue) if parts.cluster is not None else None,
        health=parts.health,
        refused={name: refusal.text for name, refusal in quotas.refusals.items()},
        quotas=[state.text for state in quotas.states],
    )
    base = spawner.hub.base_url if spawner.hub is not None else ""
    pages = spawner.hub_pages and bool(base)
    return render_menu(
        menu,
        inline_assets=not pages,
        capacity_url=_capacity_url(spawner, base) if pages else "",
        spawn_url=url_path_join(base, "spawn") if base else "",
        check_url=url_path_join(base, "studiolo", "image-check") if pages else "",
    )


def _capacity_url(spawner: WorkspaceSpawner, base: str) -> str:
    """Where the open menu hears what is free, and what a quota does not allow its person."""
    query = {"user": spawner.user.name} | ({"server": spawner.name} if spawner.name else {})
    return f"{url_path_join(base, 'studiolo', 'capacity')}?{urlencode(query)}"
