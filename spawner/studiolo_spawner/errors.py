"""The tree of errors that this project raises on purpose. Pure.

    StudioloError                 reason, user_message, status
    ├── CatalogueError            the administrator's catalogue is not usable; every problem at once
    ├── InvalidReference          a text is not an image reference                              400
    ├── InvalidChoice             what was asked for is not on the menu; every problem at once  400
    ├── NotAllowed                it is on the menu, but not for this person                    403
    ├── ClusterFault              the cluster's doing (quota, no free GPU, API away)        503/409
    ├── HubFault                  nobody foresaw it; the cause is in the log, on no page         500
    └── NoImageLeft               every image that was tried failed; the whole story            503

`reason` is a short label for logs and metrics (snake_case, never user input). `user_message` may be
shown to any user: it holds our own words only, never a traceback, an API header or a token.
`status` is the HTTP status of the answer. The one translation to JupyterHub's SpawnException is in
spawner.py.

The names say what happened; a suffix Error on each would say nothing more (N818).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studiolo_spawner import wording
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what to do about it."""

    path: str
    """The field, e.g. `images[2].fallback[0]`; empty when it is the whole."""
    message: str
    hint: str = ""
    line: int | None = None
    """Line in the file, counted from 1, where there is a file."""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"line {self.line}: {self.path}".rstrip(": ")
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.hint})" if self.hint else text


class StudioloError(Exception):
    """Whatever we raise on purpose; carries what a user may read."""

    reason: str = "error"
    status: int = 400

    def __init__(
        self, user_message: str, *, reason: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(user_message)
        self.user_message = user_message
        if reason is not None:
            self.reason = reason
        if status is not None:
            self.status = status


class _WithProblems(StudioloError):  # noqa: N818
    """An error that reports all problems at once instead of the first one."""

    def __init__(self, problems: Iterable[Problem], *, reason: str | None = None) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self._worded(), reason=reason)

    def _worded(self) -> str:
        return "; ".join(map(str, self.problems))


class CatalogueError(_WithProblems):
    """The catalogue cannot be used. For administrators: log, banner, command line."""

    reason = "catalogue_invalid"
    status = 503

    def __init__(self, problems: Iterable[Problem], *, source: str = "the catalogue") -> None:
        self.source = source
        super().__init__(problems)

    def _worded(self) -> str:
        count = len(self.problems)
        head = f"{self.source} has {count} problem{'s' if count != 1 else ''}"
        return "\n".join([f"{head}:", *(f"  {problem}" for problem in self.problems)])


class InvalidReference(StudioloError):  # noqa: N818
    """A text is not a usable image reference; the message names the text and the rule."""

    reason = "invalid_reference"

    def __init__(self, text: object, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        words = {"text": wording.quoted(text), "problem": message, "hint": hint}
        if hint:
            told = _("%(text)s is not an image reference: %(problem)s (%(hint)s)")
        else:
            told = _("%(text)s is not an image reference: %(problem)s")
        super().__init__(told % words)


class InvalidChoice(_WithProblems):
    """What was asked for is not on the menu: each problem names its field and what is allowed."""

    reason = "invalid_choice"


class NotAllowed(_WithProblems):
    """It exists, but is not offered to this person."""

    reason = "not_allowed"
    status = 403


class ClusterFault(StudioloError):  # noqa: N818
    """The cluster could not do it. Never the image's fault, so never a reason for a fallback."""

    reason = "cluster_fault"
    status = 503


class HubFault(StudioloError):  # noqa: N818
    """Something that nobody foresaw. What it was is for the log, never for a page."""

    reason = "hub_fault"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            _(
                "An error in the hub kept the workspace from starting. Your files are untouched. "
                "Try again; if it happens again, tell your administrators, whose log names the "
                "cause."
            )
        )


class NoImageLeft(StudioloError):  # noqa: N818
    """Every image that could be tried has failed."""

    reason = "no_image_left"
    status = 503

    def __init__(
        self,
        story: Sequence[str],
        *,
        hint: str | None = None,
    ) -> None:
        """Take one sentence for each attempt (progress.story), so that all pages tell the same."""
        self.story = tuple(story)
        if hint is None:
            hint = _("Choose another image, or ask your administrators about the ones above.")
        self.hint = hint
        head = _("No image could be started.") if self.story else _("No image could be tried.")
        super().__init__(joined(head, *self.story, hint, between="\n"))
