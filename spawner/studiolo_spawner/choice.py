"""What a user asked for, as a typed value: from the form, from REST and from what was saved. Pure.

This step knows the shape of a choice and nothing of the catalogue: whether the named image exists
and is offered is the resolver's business. Whatever comes in, out comes a Choice or one
InvalidChoice with every problem. Names are bounded and hold no control characters. Unknown keys are
refused: a misspelt key that is ignored starts another workspace than the one that was asked for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from studiolo_spawner import spoken, wording
from studiolo_spawner.errors import InvalidChoice, Problem
from studiolo_spawner.translation import translate as _

MAX_NAMES = 50
"""Tasks, tools or frameworks in one choice, and problems told about one."""

CUSTOM_IMAGE = "custom-image"
"""Stands in place of an image's id where a person names an image by its reference."""

_MAX_SPECIFIER = 100
_MAX_REFERENCE = 400
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)

_FORM_FIELDS = ("image", "custom_image", "profile", "task", "tool", "framework", "fallback")
_OPTIONS = (
    *("image", "custom_image", "profile", "tasks", "tools", "frameworks", "fallback"),
    "rescue",
)
_IGNORED_FORM_FIELDS = frozenset({"_xsrf", "narrow"})
_FALLBACK_WORDS = {"any": True, "only": False}


@dataclass(frozen=True, slots=True)
class Choice:
    """One user's wishes. None and empty mean: as the catalogue says."""

    image: str | None = None
    profile: str | None = None
    tasks: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    frameworks: Mapping[str, str] = field(default_factory=dict)
    """Framework to PEP 440 specifiers, e.g. `{"pytorch": ">=2.8"}`; an empty text is any version.
    """
    fallback: bool | None = None
    """False: this image or nothing."""
    rescue: bool = False
    """Start although the home is full (`rescue`). Not on the menu: offered when that is why a start
    failed."""
    custom_image: str | None = None
    """The reference of an image that is on no menu, in place of `image`."""

    def to_options(self) -> dict[str, object]:
        """As JSON for user options; `choice_from_options` reads the same choice from it."""
        options: dict[str, object] = {}
        if self.image is not None:
            options["image"] = self.image
        if self.custom_image is not None:
            options["custom_image"] = self.custom_image
        if self.profile is not None:
            options["profile"] = self.profile
        if self.tasks:
            options["tasks"] = sorted(self.tasks)
        if self.tools:
            options["tools"] = sorted(self.tools)
        if self.frameworks:
            options["frameworks"] = dict(sorted(self.frameworks.items()))
        if self.fallback is not None:
            options["fallback"] = self.fallback
        if self.rescue:
            options["rescue"] = True
        return options


def choice_from_form(formdata: Mapping[str, Sequence[str]]) -> Choice:
    """The choice in a submitted form, as JupyterHub hands it over: lists of texts."""
    reader = _Reader()
    reader.refuse_unknown(formdata.keys() - _IGNORED_FORM_FIELDS, _FORM_FIELDS)
    fallback = reader.single("fallback", formdata.get("fallback"))
    if fallback is not None and fallback not in _FALLBACK_WORDS:
        reader.add(
            "fallback",
            _("%(value)s is neither any nor only") % {"value": wording.quoted(fallback)},
        )
    # A text field that was left empty is sent all the same.
    frameworks = [
        text for text in reader.texts("framework", formdata.get("framework")) if text.strip()
    ]
    image, custom_image = reader.image_of_form(formdata)
    choice = Choice(
        image=image,
        custom_image=custom_image,
        profile=reader.name("profile", reader.single("profile", formdata.get("profile"))),
        tasks=reader.names("task", formdata.get("task")),
        tools=reader.names("tool", formdata.get("tool")),
        frameworks=reader.frameworks("framework", map(_split_requirement, frameworks)),
        fallback=_FALLBACK_WORDS.get(fallback) if fallback else None,
    )
    reader.raise_problems()
    return choice


def choice_from_options(options: Mapping[str, object]) -> Choice:
    """The choice in user options: JSON from REST, or what was saved with `Choice.to_options`."""
    reader = _Reader()
    if not isinstance(options, Mapping):
        raise InvalidChoice(
            [
                Problem(
                    "",
                    _("the options must be a mapping, not %(value)s") % {"value": _kind(options)},
                )
            ]
        )
    reader.refuse_unknown(options, _OPTIONS)
    fallback = options.get("fallback")
    if not isinstance(fallback, bool | None):
        reader.add(
            "fallback",
            _("it must be true or false, not %(value)s") % {"value": _kind(fallback)},
        )
        fallback = None
    rescue = options.get("rescue", False)
    if not isinstance(rescue, bool):
        reader.add(
            "rescue", _("it must be true or false, not %(value)s") % {"value": _kind(rescue)}
        )
    image, custom_image = reader.image_of_options(options)
    choice = Choice(
        image=image,
        custom_image=custom_image,
        profile=reader.name("profile", options.get("profile")),
        tasks=reader.names("tasks", options.get("tasks")),
        tools=reader.names("tools", options.get("tools")),
        frameworks=reader.frameworks(
            "frameworks", reader.items("frameworks", options.get("frameworks"))
        ),
        fallback=fallback,
        rescue=rescue is True,
    )
    reader.raise_problems()
    return choice


class _Reader:
    """Reads one field at a time and keeps every problem until the end."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, path: str, message: str, hint: str = "") -> None:
        if len(self._problems) < MAX_NAMES:
            self._problems.append(Problem(path, message, hint))

    def raise_problems(self) -> None:
        if self._problems:
            raise InvalidChoice(self._problems)

    def refuse_unknown(self, given: Iterable[object], known: Sequence[str]) -> None:
        # Sorted, because what a set yields first differs from run to run.
        for key in sorted(str(key)[:100] for key in given if key not in known)[:MAX_NAMES]:
            hint = spoken.did_you_mean(key, known) or _("there are: %(names)s") % {
                "names": spoken.listed(known)
            }
            self.add("", _("there is no option %(key)s") % {"key": wording.quoted(key)}, hint)

    def name(self, path: str, value: object) -> str | None:
        """A name that may be an id. Not more: whether there is such an id is asked later."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.add(path, _("it must be text, not %(value)s") % {"value": _kind(value)})
        elif not _NAME.fullmatch(value):
            self.add(
                path, _("%(value)s is not a name from the menu") % {"value": wording.quoted(value)}
            )
        else:
            return value
        return None

    def image_of_form(self, formdata: Mapping[str, object]) -> tuple[str | None, str | None]:
        """The image from the menu, or the reference that was typed.

        The button decides: a text that was typed before another image was chosen means nothing.
        """
        image = self.name("image", self.single("image", formdata.get("image")))
        typed = (self.single("custom_image", formdata.get("custom_image")) or "").strip(" \t\r\n")
        if image not in {None, CUSTOM_IMAGE} or (image is None and not typed):
            return image, None
        if not typed:
            self.add(
                "custom_image", _("it is empty"), _("type the image's reference, with its tag")
            )
        return None, self._reference(typed)

    def image_of_options(self, options: Mapping[str, object]) -> tuple[str | None, str | None]:
        """The same from JSON, where both at once are a mistake."""
        image, typed = self.name("image", options.get("image")), options.get("custom_image")
        if typed is None:
            if image == CUSTOM_IMAGE:
                self.add("custom_image", _("it is missing"), _("name the image's reference"))
            return image, None
        if image not in {None, CUSTOM_IMAGE}:
            self.add("custom_image", _("an image is named beside it"), _("name one of the two"))
        if not isinstance(typed, str):
            self.add("custom_image", _("it must be text, not %(value)s") % {"value": _kind(typed)})
            return None, None
        return None, self._reference(typed)

    def _reference(self, text: str) -> str | None:
        """A text that may be a reference; by which rules, the catalogue says later."""
        if len(text) <= _MAX_REFERENCE and text.isascii() and text.isprintable():
            return text
        told = _("%(text)s is not an image reference") % {"text": wording.quoted(text)}
        self.add("custom_image", told, _("it is ASCII without spaces, at most 255 characters"))
        return None

    def single(self, path: str, values: object) -> str | None:
        """The one value of a form field, if it was sent."""
        found = self.texts(path, values)
        if len(found) > 1:
            self.add(path, _("it was given more than once"))
        return found[0] if found else None

    def texts(self, path: str, values: object) -> list[str]:
        if values is None:
            return []
        if not isinstance(values, list | tuple):
            self.add(path, _("it must be a list, not %(value)s") % {"value": _kind(values)})
            return []
        if len(values) > MAX_NAMES:
            self.add(path, _("it has more than %(most)s values") % {"most": MAX_NAMES})
            return []
        for value in values:
            if not isinstance(value, str):
                self.add(path, _("it must hold texts, not %(value)s") % {"value": _kind(value)})
        return [value for value in values if isinstance(value, str)]

    def names(self, path: str, values: object) -> frozenset[str]:
        checked = (self.name(path, value) for value in self.texts(path, values))
        return frozenset(name for name in checked if name is not None)

    def items(self, path: str, value: object) -> Iterable[tuple[str, str]]:
        """The pairs of a mapping of texts."""
        if value is None:
            return
        if not isinstance(value, Mapping):
            self.add(
                path,
                _("it must be a mapping such as pytorch: >=2.8, not %(value)s")
                % {"value": _kind(value)},
            )
        elif len(value) > MAX_NAMES:
            self.add(path, _("it has more than %(most)s values") % {"most": MAX_NAMES})
        else:
            for name, versions in value.items():
                if isinstance(name, str) and isinstance(versions, str):
                    yield name, versions
                else:
                    self.add(
                        path,
                        _("%(name)s: it must be text, not %(value)s")
                        % {"name": wording.quoted(name), "value": _kind(versions)},
                    )

    def frameworks(self, path: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Names with their ranges; a name that comes twice must satisfy both."""
        found: dict[str, SpecifierSet] = {}
        for name, versions in pairs:
            checked = self.name(path, name)
            specifier = self._specifier(path, versions)
            if checked is not None and specifier is not None:
                found[checked] = found.get(checked, SpecifierSet()) & specifier
                if len(str(found[checked])) > _MAX_SPECIFIER:
                    self.add(
                        path, _("%(name)s has too many ranges") % {"name": wording.quoted(name)}
                    )
        return {name: str(specifier) for name, specifier in found.items()}

    def _specifier(self, path: str, text: str) -> SpecifierSet | None:
        try:
            if len(text) <= _MAX_SPECIFIER and text.isascii() and text.isprintable():
                return SpecifierSet(text)
        except InvalidSpecifier:
            pass
        told = _("%(text)s is not a range of versions") % {"text": wording.quoted(text)}
        self.add(path, told, _("write e.g. >=2.8 or ==2.9.*"))
        return None


def _split_requirement(text: str) -> tuple[str, str]:
    """`pytorch>=2.8` as name and range; both are checked by the caller."""
    text = text.strip()
    start = next((at for at, character in enumerate(text) if character in "=<>!~ "), len(text))
    return text[:start], text[start:].strip()


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return _("true or false")
    if isinstance(value, int | float):
        return _("a number")
    if isinstance(value, str):
        return _("text")
    if isinstance(value, Mapping):
        return _("a mapping")
    return _("nothing") if value is None else _("a list")
