"""What a registry says of an image that a person named, for the resolver and for the menu; I/O.

The image's labels are what its needs are inferred from, so it is looked at before the request is
made; the start looks again, mostly into the cache. Nothing is asked before the resolver has
accepted the reference: no text that somebody types sends a request to a host that is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from studiolo_spawner.catalogue import Catalogue, Provides
from studiolo_spawner.choice import Choice
from studiolo_spawner.custom_images import FIELD, is_custom
from studiolo_spawner.custom_words import for_its_person
from studiolo_spawner.errors import InvalidChoice, NotAllowed, Problem
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_checker import ImageChecker
from studiolo_spawner.known_names import name_of
from studiolo_spawner.offer import Person
from studiolo_spawner.resolve import WorkspaceRequest, resolve
from studiolo_spawner.translation import translate as _
from studiolo_spawner.units import human_size
from studiolo_spawner.verdict import Decision


async def resolved(
    catalogue: Catalogue,
    person: Person,
    choice: Choice,
    checker: ImageChecker,
    *,
    last_good: Mapping[str, str] | None = None,
) -> tuple[WorkspaceRequest, CheckedImage | None]:
    """The request that the choice means, and what was found of an image that the person named.

    Raises InvalidChoice or NotAllowed, as `resolve` does.
    """
    request = resolve(catalogue, person, choice, last_good=last_good)
    if not is_custom(request.requested):
        return request, None
    checked = await checker.check(request.requested, request.profile)
    checked = replace(checked, verdict=for_its_person(checked.verdict))
    labels = checked.answer.labels
    return resolve(catalogue, person, choice, last_good=last_good, labels=labels), checked


def refuse_bad(checked: CheckedImage | None) -> None:
    """Raise InvalidChoice for an image that is known to be bad, while its person can mend it."""
    if checked is None or checked.verdict.decision is not Decision.FALL_BACK:
        return
    verdict = checked.verdict
    told, hint = verdict.message.rstrip("."), verdict.hint.rstrip(".")
    problem = _("%(reference)s cannot be started. %(why)s") % {
        "reference": checked.reference,
        "why": told,
    }
    raise InvalidChoice([Problem("", problem, f"{hint[:1].lower()}{hint[1:]}")])


async def live_answer(
    catalogue: Catalogue, person: Person, choice: Choice, checker: ImageChecker
) -> dict[str, object]:
    """What the menu shows while a person types; a document of the wire's version 1."""
    try:
        request, checked = await resolved(catalogue, person, choice, checker)
    except (InvalidChoice, NotAllowed) as error:
        return refusal(error)
    if checked is None:
        return refusal(InvalidChoice([Problem(FIELD, _("it is empty"), _("type a reference"))]))
    verdict, answer = checked.verdict, checked.answer
    provides = request.requested.provides
    return {
        "version": 1,
        "decision": verdict.decision.value,
        "reason": verdict.reason,
        "message": verdict.message,
        "hint": verdict.hint,
        "reference": str(checked.reference),
        "digest": checked.digest,
        "size": answer.size,
        "provides": provides.model_dump(mode="json"),
        "facts": _facts(answer.size, provides, catalogue.menu.names),
        "instead": [candidate.display_name for candidate in request.candidates[1:]],
    }


def refusal(error: InvalidChoice | NotAllowed) -> dict[str, object]:
    """The same document for what is not even asked about; what concerns the image comes first."""
    problems = sorted(error.problems, key=lambda problem: problem.path != FIELD)
    first = problems[0] if problems else Problem(FIELD, _("it is not allowed"))
    return {
        "version": 1,
        "decision": Decision.REFUSE.value,
        "reason": error.reason,
        "message": _sentence(first.message),
        "hint": _sentence(first.hint),
        "reference": None,
        "digest": None,
        "size": None,
        "provides": None,
        "facts": [],
        "instead": [],
    }


def _facts(size: int | None, provides: Provides, names: Mapping[str, str]) -> list[str]:
    facts = [human_size(size)] if size is not None else []
    frameworks = sorted(provides.frameworks.items())
    facts += [f"{name_of(name, names)} {version}" for name, version in frameworks]
    facts += [f"CUDA {provides.cuda}"] if provides.cuda else []
    facts += [f"Python {provides.python}"] if provides.python else []
    return [*facts, *(name_of(tool, names) for tool in sorted(provides.tools))]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
