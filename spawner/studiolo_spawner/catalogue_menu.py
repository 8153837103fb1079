"""What the catalogue says about the menu itself: what it hides, what it fixes, what it calls
things. Frozen models. Pure.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from studiolo_spawner.catalogue_fields import DisplayName, Flag, Groups, Id, Paragraph


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Lock(_Model):
    """Fields of the menu that are fixed for some people: shown with their value, not to be changed
    in any way.
    """

    image: Id | None = None
    """The one image that they start."""
    profile: Id | None = None
    """The one GPU profile that they use."""
    fallback: Flag | None = None
    """Whether another image may start when theirs cannot."""
    groups: Groups = frozenset()
    """Whom it binds: members of any of these groups. Empty: everyone. Administrators of the hub are
    never bound.
    """
    message: Paragraph = ""
    """Why, in words for users."""

    @model_validator(mode="after")
    def _fixes_something(self) -> Self:
        if self.image is None and self.profile is None and self.fallback is None:
            raise ValueError("it fixes nothing: give image, profile or fallback")
        return self


class MenuSettings(_Model):
    """What the menu shows of what is there."""

    not_permitted: Literal["hide", "show"] = "hide"
    """Entries for groups that one is not in: `hide` them, or `show` them with the groups that they
    are for, not to be chosen.
    """
    over_quota: Literal["show", "hide"] = "show"
    """Profiles that a quota does not allow at the moment: `show` them with the reason, not to be
    chosen, or `hide` them.
    """
    locked: tuple[Lock, ...] = ()
    """Fields that are fixed. Of several that bind somebody in one field, the first one counts."""
    names: dict[Id, DisplayName] = {}
    """What tasks, tools and frameworks are called on the menu, such as `fine-tune: Fine-tune a
    model`. Well-known ones have their names already.
    """
