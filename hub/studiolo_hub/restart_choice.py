"""What a workspace may be restarted with, and what a wish to restart it means. Pure.

A wish names what shall change (another profile, another image) and leaves the rest as it was
chosen; or it is one of three words: `park` for the cheapest profile without a GPU, `first_choice`
for the image that was asked for before another one had to stand in, `rescue` for a start that needs
no space in a full home. Whether the result is offered to
the person is the resolver's to say, as at every start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studiolo_spawner.catalogue import Profile
from studiolo_spawner.choice import choice_from_form, choice_from_options
from studiolo_spawner.errors import InvalidChoice
from studiolo_spawner.offer import Offer
from studiolo_spawner.profile_outlook import Outlook
from studiolo_spawner.progress import fallback_reason
from studiolo_spawner.translation import translate as _
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

from studiolo_hub.answers import Refused

#: What a wish may name, each with what it changes in the options. A choice names either an image of
#: the catalogue or one of the person's own, so that one of them takes the other's place.
_CHANGES = {"profile": (), "image": ("custom_image",), "custom_image": ("image",)}
_WORDS = ("park", "first_choice", "rescue")


@dataclass(frozen=True)
class Current:
    """How a workspace was chosen last, and what came of it."""

    options: Mapping[str, object]
    state: WorkspaceState

    @property
    def known_options(self) -> dict[str, object]:
        """The options if they can be read; anybody's JSON may stand there."""
        try:
            return choice_from_options(self.options).to_options()
        except InvalidChoice:
            return {}

    def image(self, offer: Offer) -> str | None:
        """The id of the image that was asked for, or would be."""
        asked = self.state.requested.id if self.state.requested else None
        named = self.known_options.get("image")
        return asked or (named if isinstance(named, str) else offer.default_image)

    def profile(self, offer: Offer) -> str | None:
        """The id of the profile that it has, or would have."""
        named = self.known_options.get("profile")
        return self.state.profile or (named if isinstance(named, str) else offer.default_profile)

    @property
    def first_choice(self) -> ImageInUse | None:
        """The image that was asked for, where another one runs."""
        asked, runs = self.state.requested, self.state.actual
        if asked is None or runs is None:
            return None
        other = asked.id != runs.id or fallback_reason(self.state.attempts)
        return asked if other else None


def parked(offer: Offer, current: Current) -> Profile | None:
    """Return the cheapest profile without a GPU, the first one where prices are the same.

    None where there is none, or no GPU to give back.
    """
    has = offer.profiles.get(current.profile(offer) or "")
    if has is not None and not has.count:
        return None
    free = [profile for profile in offer.profiles.values() if not profile.count]
    return min(free, key=lambda profile: profile.price_per_hour or 0, default=None)


def wished_options(wish: Mapping[str, object], current: Current, offer: Offer) -> dict[str, object]:
    """Return the user options that a wish means. Raises Refused for what is no wish."""
    unknown = sorted(str(name)[:60] for name in wish if name not in {*_CHANGES, *_WORDS})
    words = [name for name in _WORDS if wish.get(name) not in {None, False}]
    changes = {name: wish[name] for name in _CHANGES if wish.get(name) is not None}
    if unknown:
        raise _no_wish(_("A restart knows no %(name)s.") % {"name": repr(unknown[0])})
    if any(wish[name] is not True for name in words) or len(words) + bool(changes) > 1:
        raise _no_wish(_("A restart means one thing at a time."))
    if words == ["park"]:
        profile = parked(offer, current)
        if profile is None:
            raise Refused(
                409,
                "cannot_park",
                _("There is no GPU to give back, or no profile without one is offered to you."),
                _("Stop the workspace instead."),
            )
        changes = {"profile": profile.id}
    if words == ["first_choice"]:
        asked = current.first_choice
        if asked is None:
            raise Refused(409, "no_first_choice", _("The image that was asked for runs already."))
    options = current.known_options
    # A rescue is for one start.
    options.pop("rescue", None)
    if words == ["rescue"]:
        options["rescue"] = True
    for name, value in changes.items():
        for other in _CHANGES[name]:
            options.pop(other, None)
        options[name] = value
    return options


def wish_of_form(form: Mapping[str, list[str]]) -> dict[str, object]:
    """Return the wish of a button's form, whose fields are texts."""
    wish: dict[str, object] = {}
    for name, values in form.items():
        if len(values) != 1:
            raise _no_wish(_("A restart means one thing at a time."))
        wish[name] = values[0] not in {"", "false"} if name in _WORDS else values[0]
    return wish


def options_of_menu(form: Mapping[str, list[str]]) -> dict[str, object]:
    """Return the options of the whole menu's form. Raises InvalidChoice."""
    return choice_from_form(form).to_options()


def choices_document(
    offer: Offer,
    current: Current,
    *,
    outlook: Callable[[str], Outlook],
) -> dict[str, object]:
    """Return what may be chosen for a restart (tests/contract/choices.json), in the menu's order.

    ``outlook`` tells of a profile what is free of it, and why it cannot be had now.
    """
    rest, asked = parked(offer, current), current.first_choice
    return {
        "current": {"image": current.image(offer), "profile": current.profile(offer)},
        "profiles": [_profile(profile, outlook(profile.id)) for profile in offer.profiles.values()],
        "park": rest and {"id": rest.id, "display_name": rest.display_name},
        "first_choice": asked and {"id": asked.id, "display_name": asked.display_name or asked.id},
    }


def _profile(profile: Profile, outlook: Outlook) -> dict[str, object]:
    return {
        "id": profile.id,
        "display_name": profile.display_name,
        "description": profile.description,
        "gpu": profile.gpu and profile.gpu.model_dump(),
        "capacity": outlook.capacity,
        "allowed": outlook.refusal is None,
        "reason": outlook.refusal,
    }


def _no_wish(message: str) -> Refused:
    return Refused(
        400,
        "invalid_choice",
        message,
        _("Send one of: profile and image; park: true; first_choice: true; rescue: true."),
    )
