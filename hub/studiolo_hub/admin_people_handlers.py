"""The administration's pages about people and their volumes. I/O."""

from typing import Any

from jupyterhub.scopes import needs_scope
from studiolo_spawner.translation import translate as _

from studiolo_hub import admin_people, admin_workspaces, volumes
from studiolo_hub.admin_base import AdminHandler


class PeopleHandler(AdminHandler):
    """Everybody whom the hub knows."""

    @needs_scope("admin-ui")
    @needs_scope("list:users", post_filter=True)
    async def get(self) -> None:
        """Show who they are and what they have."""
        shown = self.reader.people(self.argument("q").strip()[:100])
        await self.show("people", lambda: admin_people.as_json(shown), shown=shown)


class PersonHandler(AdminHandler):
    """One person, with their workspaces and volumes."""

    #: A name may end in `.json`: JSON is asked for in a header.
    json_by_suffix = False

    @needs_scope("admin-ui")
    async def get(self, user_name: str) -> None:
        """Show them; JupyterHub's scope for reading that very person decides."""
        await self._show(user_name=user_name)

    @needs_scope("list:users")
    async def _show(self, user_name: str) -> None:
        user = self.person_of(user_name)
        person = self.reader.person(user)
        rows = await self.reader.of_person(user)
        claims = volumes.Claims()
        if self.has_scope("admin:servers"):
            claims = await claims_of(self.spawner)
        found = [
            row
            for row in volumes.volume_rows(claims.items, frozenset({user.name}), self.now)
            if row.owner == user.name or row.name in {each.volume for each in rows if each.volume}
        ]
        shown = admin_workspaces.workspace_list(rows, admin_workspaces.Filter(state="all"))
        await self.show(
            "person",
            lambda: {
                "person": admin_people.entry(person),
                "workspaces": admin_workspaces.as_json(shown)["workspaces"],
                "volumes": volumes.as_json(found),
                "volumes_trouble": claims.trouble or None,
            },
            person=person,
            shown=shown,
            volumes=found,
            trouble=claims.trouble,
        )


class VolumesHandler(AdminHandler):
    """All volumes of the workspaces' namespaces."""

    @needs_scope("admin-ui")
    @needs_scope("admin:servers")
    async def get(self) -> None:
        """Show whose they are, those without a known owner first."""
        claims = await claims_of(self.spawner)
        rows = volumes.volume_rows(claims.items, self.reader.names(), self.now)
        await self.show(
            "volumes",
            lambda: {
                "volumes": volumes.as_json(rows),
                "trouble": claims.trouble or None,
                "cut": claims.cut,
            },
            volumes=rows,
            trouble=claims.trouble,
            cut=claims.cut,
        )


async def claims_of(spawner: Any) -> volumes.Claims:
    """Return the volume claims where workspaces run, as far as the hub may list them."""
    core = getattr(spawner, "api", None)
    if core is None:
        return volumes.Claims(trouble=_("Nothing is known of volumes here."))
    begin = getattr(spawner, "namespaces_begin", None)
    if begin is not None:
        return await volumes.claims_in(core, None, begin=begin)
    return await volumes.claims_in(core, spawner.namespace)
