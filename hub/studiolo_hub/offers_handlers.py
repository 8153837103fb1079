"""GET /hub/studiolo/workspaces/USER[/NAME]/offers: what could be had at once by one who waits.

For the owner and for administrators; empty unless the workspace's start waits for a machine.
"""

import json
from typing import Any

from jupyterhub.scopes import needs_scope
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.offers import FreeOffer, offers_for
from studiolo_spawner.spawner_quotas import quota_view

from studiolo_hub.answers import VERSION, AnswerHandler
from studiolo_hub.workspace_reading import person_of


class OffersHandler(AnswerHandler):
    """What could be had instead."""

    only_for_programs = True

    @needs_scope("read:servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with at most three offers, the nearest first."""
        _user, spawner = self.workspace_of(user_name, server_name)
        offers = await offers_of(spawner)
        told = [
            {"profile": each.profile_id, "display_name": each.display_name, "text": each.text}
            for each in offers
        ]
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"version": VERSION, "offers": told}))


async def offers_of(spawner: Any) -> tuple[FreeOffer, ...]:
    """What fits now for the owner of a workspace whose start waits; nothing for all others."""
    if spawner.pending != "spawn":
        return ()
    try:
        parts = await spawner.parts()
        if parts.cluster is None:
            return ()
        own = (spawner.user.name, spawner.name)
        if all((each.user, each.server) != own for each in parts.cluster.waiting()):
            return ()
        catalogue = parts.catalogue.snapshot
        profile = catalogue.profile(spawner.workspace_state.profile)
        if profile is None:
            return ()
        quotas = await quota_view(spawner, parts)
    except StudioloError:
        # Without a catalogue or a cluster there is nothing to offer; the page says why elsewhere.
        return ()
    return offers_for(
        person_of(spawner.user),
        profile,
        parts.cluster.capacity(catalogue),
        catalogue,
        refused=quotas.refusals,
    )


def offers_handlers() -> list[tuple[Any, ...]]:
    """Return the handlers for JupyterHub's `extra_handlers`."""
    return [
        (r"/studiolo/workspaces/([^/]+)/offers", OffersHandler),
        (r"/studiolo/workspaces/([^/]+)/([^/]+)/offers", OffersHandler),
    ]
