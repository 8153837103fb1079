"""From a choice to the request for one workspace. The only resolver, for every way in. Pure.

Given the catalogue, the person and their choice, the result holds nothing that is not offered to
this person: one profile, and the images to try in order. The first is what they asked for, after
redirects. Then, if falling back is allowed by the catalogue, the entry, the profile and the user:

1. the digest with which the same image ran well last, if its reference is a tag, which may have
   moved since;
2. the entry's own `fallback` list, as far as the person may use the image and it has what they
   declared;
3. every other image on their menu that provides all needs, nearest first (needs.py says how near).

An image that they named by its reference (custom_images.py) goes the same way: its needs are what
its labels say, and where they say nothing, only the catalogue's own list can stand in for it.

Whatever the input, `resolve` returns a request or raises InvalidChoice (400) or NotAllowed (403)
with every problem. The request is a snapshot: a later edit of the catalogue does not change it, and
`to_state`/`from_state` carry it through a restart of the hub.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter

from studiolo_spawner import spoken, wording
from studiolo_spawner.catalogue import (
    Catalogue,
    FallbackPolicy,
    Home,
    Image,
    Profile,
    SharedVolume,
)
from studiolo_spawner.choice import Choice
from studiolo_spawner.custom_images import chosen as chosen_custom
from studiolo_spawner.custom_images import is_custom, may_choose, may_name
from studiolo_spawner.errors import InvalidChoice, NotAllowed, Problem
from studiolo_spawner.needs import Needs, declared_needs, nearest_first, needs_of
from studiolo_spawner.offer import Offer, Person, offer_to
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.translation import joined, marked
from studiolo_spawner.translation import translate as _

__all__ = [
    "Candidate",
    "Needs",
    "Person",
    "WorkspaceRequest",
    "redirect_end",
    "resolve",
    "still_valid",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image to try."""

    image: Image
    why: str
    """In words for the user."""
    digest: str | None = None
    """The digest to run in place of what the image's tag names now."""

    @property
    def reference(self) -> str:
        """What is tried."""
        return f"{self.image.reference}@{self.digest}" if self.digest else self.image.reference

    @property
    def display_name(self) -> str:
        """What people call it, apart from the image that they asked for."""
        name = self.image.display_name
        return _("%(image)s, as it ran last") % {"image": name} if self.digest else name


@dataclass(frozen=True, slots=True)
class WorkspaceRequest:
    """Everything that is decided before the first image is tried."""

    person: Person
    choice: Choice
    requested: Image
    """What was asked for, after redirects; also the first candidate."""
    candidates: tuple[Candidate, ...]
    """At most `fallback.max_attempts` images. The last good digest comes on top: it is passed over
    where the tag still names it, and must not cost another image its turn."""
    profile: Profile
    needs: Needs
    notices: tuple[str, ...]
    """What the user should know, e.g. that an image was redirected."""
    volumes: tuple[SharedVolume, ...]
    home: Home
    fallback: FallbackPolicy
    """As it applies here: `allowed` only if catalogue, entry, profile and user all allow it."""

    def to_state(self) -> dict[str, object]:
        """As JSON for the spawner's state."""
        state: dict[str, object] = _state_adapter().dump_python(self, mode="json")
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, object]) -> "WorkspaceRequest":
        """What `to_state` wrote. Raises ValueError when it is something else."""
        return _state_adapter().validate_python(state)


@cache
def _state_adapter() -> TypeAdapter[WorkspaceRequest]:
    return TypeAdapter(WorkspaceRequest)


def resolve(
    catalogue: Catalogue,
    person: Person,
    choice: Choice,
    *,
    last_good: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> WorkspaceRequest:
    """The request for the workspace that the person chose. Raises InvalidChoice or NotAllowed.

    ``last_good``: the digest with which an image ran well last, by the image's id.
    ``labels``: those of the image that the person named by its reference, where they were read.
    """
    offer = offer_to(person, catalogue)
    named, profile = _chosen(offer, choice, labels)
    requested, notices = _redirected(offer, named)
    _check_needs(offer, choice, requested)
    needs = needs_of(choice, requested, profile)
    policy = _effective_policy(offer, choice, requested, profile)
    return WorkspaceRequest(
        person=person,
        choice=choice,
        requested=requested,
        candidates=_candidates(offer, choice, requested, needs, policy, last_good or {}),
        profile=profile,
        needs=needs,
        notices=notices,
        volumes=offer.volumes,
        home=catalogue.defaults.home,
        fallback=policy,
    )


def still_valid(
    catalogue: Catalogue, person: Person, saved: Choice, *, unfinished: bool = False
) -> tuple[Choice, tuple[str, ...]]:
    """The part of a saved choice that is still offered, and what to tell about the rest.

    For filling in the menu: what has become invalid is left to the default, and never an error.
    ``unfinished``: the person is still at it; what they typed stays for them to mend.
    """
    offer = offer_to(person, catalogue)
    notices: list[str] = []
    image, profile = saved.image, saved.profile
    if image is not None and image not in offer.images and not _moved(offer, image):
        notices.append(
            _("The image %(image)s is not offered to you now.") % {"image": wording.quoted(image)}
        )
        image = None
    if profile is not None and profile not in offer.profiles:
        notices.append(
            _("The GPU profile %(profile)s is not offered to you now.")
            % {"profile": wording.quoted(profile)}
        )
        profile = None
    custom = saved.custom_image
    if custom is not None and not (
        may_name(offer, custom) or (unfinished and offer.custom_images is not None)
    ):
        notices.append(
            _("The image %(custom)s may not be named any more.")
            % {"custom": wording.quoted(custom, 255)}
        )
        custom = None
    known = Choice(
        image,
        profile,
        saved.tasks & frozenset(offer.tasks),
        saved.tools & frozenset(offer.tools),
        {name: text for name, text in saved.frameworks.items() if name in offer.frameworks},
        saved.fallback,
        custom_image=custom,
    )
    gone = sorted((saved.tasks - known.tasks) | (saved.tools - known.tools))
    gone += sorted(saved.frameworks.keys() - known.frameworks.keys())
    if gone:
        notices.append(_("No image offers %(names)s any more.") % {"names": spoken.either(gone)})
    return known, tuple(notices)


def _moved(offer: Offer, image_id: str) -> bool:
    """Whether a hidden image leads on to one that the person may use."""
    image = offer.permitted.get(image_id)
    return (
        image is not None
        and image.redirect is not None
        and redirect_end(offer.catalogue, image).id in offer.permitted
    )


def _chosen(
    offer: Offer, choice: Choice, labels: Mapping[str, str] | None
) -> tuple[Image, Profile]:
    """The named entries or the defaults. Every problem of the choice is told at once."""
    invalid: list[Problem] = []
    forbidden: list[Problem] = list(offer.locks.problems(choice))
    if forbidden:
        # What is fixed is said once, and not again as an entry that is not offered.
        raise NotAllowed(forbidden)
    profile_id = choice.profile if choice.profile is not None else offer.default_profile
    profile = offer.profiles.get(profile_id) if profile_id is not None else None
    if choice.custom_image is not None:
        image = chosen_custom(offer, choice, profile, labels, invalid=invalid, forbidden=forbidden)
    else:
        image = _chosen_image(offer, choice, invalid, forbidden)
    if profile is None:
        exists = offer.catalogue.profile(profile_id or "") is not None
        problem = _not_offered("profile", profile_id, list(offer.profiles), exists)
        (forbidden if exists or profile_id is None else invalid).append(problem)
    invalid += _unknown_needs(offer, choice)
    if invalid:
        raise InvalidChoice([*invalid, *forbidden])
    if forbidden or image is None or profile is None:
        raise NotAllowed(forbidden)
    return image, profile


def _chosen_image(
    offer: Offer, choice: Choice, invalid: list[Problem], forbidden: list[Problem]
) -> Image | None:
    image_id = choice.image if choice.image is not None else _image_for(offer, choice)
    found = offer.permitted.get(image_id) if image_id is not None else None
    if found is not None and (not found.hidden or found.redirect is not None):
        return found
    exists = found is None and offer.catalogue.image(image_id or "") is not None
    problem = _not_offered("image", image_id, list(offer.images), exists)
    (forbidden if exists or image_id is None else invalid).append(problem)
    return None


def _image_for(offer: Offer, choice: Choice) -> str | None:
    """The image when none is named: the default, or else the first on the menu that has what is
    needed.
    """
    default = offer.default_image
    needs = declared_needs(choice)
    ends = {name: redirect_end(offer.catalogue, image) for name, image in offer.images.items()}
    if default is None or needs.met_by(ends[default]):
        return default
    return next((name for name, image in ends.items() if needs.met_by(image)), default)


@dataclass(frozen=True, slots=True)
class _NotOffered:
    """The sentences about one of the two things that are chosen."""

    none: str
    forbidden: str
    unknown: str


_NOT_OFFERED = {
    "image": _NotOffered(
        marked("no image is offered to you"),
        marked("the image %(name)s is not offered to you"),
        marked("there is no image %(name)s"),
    ),
    "profile": _NotOffered(
        marked("no GPU profile is offered to you"),
        marked("the GPU profile %(name)s is not offered to you"),
        marked("there is no GPU profile %(name)s"),
    ),
}


def _not_offered(path: str, name: str | None, offered: Sequence[str], exists: bool) -> Problem:
    told, allowed = _NOT_OFFERED[path], may_choose(offered)
    if name is None:
        return Problem(path, _(told.none), _("ask your administrators for access"))
    words = {"name": wording.quoted(name)}
    if exists:
        return Problem(path, _(told.forbidden) % words, allowed)
    return Problem(path, _(told.unknown) % words, spoken.did_you_mean(name, offered) or allowed)


def _unknown_needs(offer: Offer, choice: Choice) -> list[Problem]:
    """Tasks, tools and frameworks that no image on the menu has: not a wish, but a mistake."""
    problems: list[Problem] = []
    for path, wanted, offered in (
        ("tasks", choice.tasks, offer.tasks),
        ("tools", choice.tools, offer.tools),
        ("frameworks", choice.frameworks.keys(), offer.frameworks),
    ):
        for name in sorted(set(wanted) - set(offered)):
            hint = spoken.did_you_mean(name, offered) or _("there are: %(names)s") % {
                "names": spoken.listed(offered) or _("none")
            }
            problems.append(
                Problem(path, _("no image offers %(name)s") % {"name": wording.quoted(name)}, hint)
            )
    return problems


def _redirected(offer: Offer, named: Image) -> tuple[Image, tuple[str, ...]]:
    end = redirect_end(offer.catalogue, named)
    if end is named:
        return named, ()
    if end.id not in offer.permitted:
        told = _("%(image)s has moved to %(end)s, which is not offered to you") % {
            "image": named.display_name,
            "end": end.display_name,
        }
        raise NotAllowed([Problem("image", told, may_choose(offer.images))])
    message = named.redirect.message if named.redirect else ""
    notice = _("%(image)s has moved to %(end)s.") % {
        "image": named.display_name,
        "end": end.display_name,
    }
    return end, (joined(notice, message),)


def redirect_end(catalogue: Catalogue, image: Image) -> Image:
    """Where the redirects lead. The catalogue's check made sure that they exist and end."""
    seen = {image.id}
    while image.redirect is not None:
        following = catalogue.image(image.redirect.to)
        if following is None or following.id in seen:
            break
        seen.add(following.id)
        image = following
    return image


def _check_needs(offer: Offer, choice: Choice, requested: Image) -> None:
    """An image that lacks what was asked for in the same breath is refused, naming those that have
    it. Of an image that a person named themselves nobody but they can say what it has.
    """
    needs = declared_needs(choice)
    missing = () if is_custom(requested) else needs.missing_from(requested)
    if not missing:
        return
    others = [name for name, image in offer.images.items() if needs.met_by(image)]
    told = _("%(image)s does not provide %(what)s") % {
        "image": requested.display_name,
        "what": spoken.listed(missing),
    }
    hint = _("no image on your menu provides all of it")
    if others:
        hint = _("these do: %(names)s") % {"names": spoken.listed(others)}
    raise InvalidChoice([Problem("image", told, hint)])


def _effective_policy(
    offer: Offer, choice: Choice, requested: Image, profile: Profile
) -> FallbackPolicy:
    policy, lock = offer.catalogue.defaults.fallback, offer.locks.fallback
    wanted = lock.fallback if lock is not None else choice.fallback
    allowed = (
        policy.allowed
        and requested.fallback_allowed
        and profile.fallback_allowed
        and wanted is not False
    )
    return FallbackPolicy(allowed=allowed, max_attempts=policy.max_attempts)


def _candidates(
    offer: Offer,
    choice: Choice,
    requested: Image,
    needs: Needs,
    policy: FallbackPolicy,
    last_good: Mapping[str, str],
) -> tuple[Candidate, ...]:
    found = {requested.id: Candidate(requested, _("this is what you asked for"))}
    if policy.allowed:
        declared = declared_needs(choice)
        chosen_by_admin = _("your administrators named it as the alternative to %(image)s") % {
            "image": requested.display_name
        }
        for name in requested.fallback:
            image = offer.permitted.get(name)
            end = redirect_end(offer.catalogue, image) if image is not None else None
            if end is not None and end.id in offer.permitted and declared.met_by(end):
                found.setdefault(end.id, Candidate(end, chosen_by_admin))
        # Where nothing is known of a person's own image, every image would be as good as it.
        blind = is_custom(requested) and needs == Needs()
        offered = () if blind else offer.images.values()
        same = [i for i in offered if i.redirect is None and needs.met_by(i)]
        for image in nearest_first(same, requested):
            found.setdefault(image.id, Candidate(image, _nearness(image, requested)))
    first, *others = tuple(found.values())[: policy.max_attempts]
    return (first, *_as_it_ran_last(requested, policy, last_good), *others)


def _as_it_ran_last(
    requested: Image, policy: FallbackPolicy, last_good: Mapping[str, str]
) -> tuple[Candidate, ...]:
    """The requested image by its last good digest; nothing where that could not be another one."""
    digest = last_good.get(requested.id)
    may = policy.allowed and policy.max_attempts > 1
    if digest is None or not may or parse_reference(requested.reference).pinned:
        return ()
    return (Candidate(requested, _("this is the image as it was when it ran last"), digest),)


def _nearness(image: Image, requested: Image) -> str:
    """Why this image stands in, by the versions that differ."""
    wanted = requested.provides.frameworks
    differing = [
        _("%(name)s %(version)s instead of %(wanted)s")
        % {"name": name, "version": version, "wanted": wanted[name]}
        for name, version in sorted(image.provides.frameworks.items())
        if name in wanted and wanted[name] != version
    ]
    if not differing:
        return _("it provides what you need")
    return _("it provides what you need, with %(what)s") % {"what": spoken.listed(differing)}
