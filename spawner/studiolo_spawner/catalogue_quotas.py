"""What the catalogue says about quotas: how much people may have at once. Frozen models. Pure.

What of a quota is in use, and what it refuses, is in quotas.py.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from studiolo_spawner.catalogue_fields import (
    DisplayName,
    Flag,
    Groups,
    Id,
    Ids,
    ResourceName,
    Users,
    Whole,
)


class Quota(BaseModel):
    """How much some people may have at once; every quota that is for a person binds them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Id
    """Name in the API and in logs."""
    display_name: DisplayName
    """Name in messages, such as that of the group."""
    groups: Groups = frozenset()
    """Whom it binds: members of any of these groups."""
    users: Users = frozenset()
    """Whom it binds beside them, by their user names."""
    everyone: Flag = False
    """Whether it binds all people. Then there are neither `groups` nor `users`."""
    scope: Literal["each member", "together"] = "each member"
    """Whether each of them may have so much, or all of them together."""
    resources: dict[ResourceName, Whole] = {}
    """Devices at once by kind, such as `nvidia.com/gpu: 4`."""
    workspaces: Whole | None = None
    """Workspaces at once, starting ones included. Left out: no limit."""
    largest: dict[ResourceName, Annotated[Whole, Field(ge=1)]] = {}
    """Devices that one workspace may have at most, by kind."""
    profiles: Ids = frozenset()
    """Count workspaces with these profiles only. Empty: all of them."""

    @model_validator(mode="after")
    def _binds_somebody_to_something(self) -> Self:
        if self.everyone and (self.groups or self.users):
            raise ValueError("everyone is given: remove groups and users, or everyone")
        if not (self.everyone or self.groups or self.users):
            raise ValueError("it binds nobody: add groups, users or everyone: true")
        if not (self.resources or self.largest) and self.workspaces is None:
            raise ValueError("it limits nothing: add resources, workspaces or largest")
        return self
