"""What a person's sign-in claims say: a user name and the groups. Pure.

An identity provider answers with claims. Two of them decide what a person may do here, so both
are read strictly, and whatever is not exactly what was agreed is refused with a sentence:

- the user name keys the home directory and the workspaces. Two people never get the same one:
  JupyterHub lower-cases every name, so capitals of a case-sensitive claim are written in an
  escaped form that lower-casing leaves alone (see `exact_name`);
- the groups decide about access and administration. They are a list of strings, compared exactly.
  A bare string is refused: read as a sequence, `"team"` would be the groups t, e, a and m.
"""

import re
from collections.abc import Iterable, Mapping

from studiolo_spawner.errors import StudioloError
from studiolo_spawner.translation import translate as _

MAX_NAME = 255
MAX_GROUPS = 1000

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class SignInRefused(StudioloError):  # noqa: N818 - says what happened, as its siblings do
    """The provider knows the person, but what it said about them cannot be accepted."""

    reason = "sign_in_refused"
    status = 403

    def __init__(self, reason: str, user_message: str) -> None:
        super().__init__(user_message, reason=reason)


def username_of(
    claims: Mapping[str, object], *, claim: str = "email", require_verified: bool = True
) -> str:
    """Return the user name that `claims` give, already in the form JupyterHub keeps.

    `email` is lower-cased and, unless told otherwise, must be verified (CVE-2026-33175: whoever can
    register an address without proof becomes its owner here). Any other claim is taken exactly.
    """
    value = claims.get(claim)
    if not isinstance(value, str) or not value:
        raise SignInRefused(
            "claim_missing",
            _(
                "The sign-in service did not say who you are: the claim “%(claim)s” is missing. "
                "An administrator can choose another claim or request the scope that carries it."
            )
            % {"claim": claim},
        )
    if claim == "email":
        # Only the JSON value true counts: "false", "no" and 1 are all true to Python.
        if require_verified and claims.get("email_verified") is not True:
            raise SignInRefused(
                "email_not_verified",
                _(
                    "Your e-mail address is not verified at the sign-in service. "
                    "Verify it there, then sign in again."
                ),
            )
        name = canonical_address(value)
    else:
        name = exact_name(value)
    return _checked_name(name)


def canonical_name(name: str, *, claim: str) -> str:
    """Return `name`, as an administrator writes it, in the form that `username_of` returns."""
    return _checked_name(canonical_address(name) if claim == "email" else exact_name(name))


def canonical_address(address: str) -> str:
    """Return an e-mail address in lower case; refuse what is not one.

    A letter outside ASCII that changes when lower-cased is refused: U+212A, the Kelvin sign,
    becomes a plain k, and one person's address would turn into another's.
    """
    if not _ADDRESS.fullmatch(address):
        raise SignInRefused(
            "email_malformed", _("The sign-in service gave something that is no e-mail address.")
        )
    if any(char.lower() != char for char in address if not char.isascii()):
        raise SignInRefused(
            "email_malformed",
            _(
                "Your e-mail address has a capital letter outside a-z, which cannot be told apart "
                "from other letters safely. Ask for an address without it."
            ),
        )
    return address.lower()


def exact_name(name: str) -> str:
    """Return `name` written so that lower-casing changes nothing and no two names become one.

    Names without capitals and tildes stay as they are. `~a` stands for a capital A, `~~` for a
    tilde, and `~0<code point in hex>.` for any other character that lower-casing would change.
    """
    return "".join(_escaped(char) for char in name)


def _escaped(char: str) -> str:
    if char == "~":
        return "~~"
    if char.lower() == char:
        return char
    return f"~{char.lower()}" if char.isascii() else f"~0{ord(char):x}."


def _checked_name(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise SignInRefused(
            "name_malformed",
            _(
                "Your user name at the sign-in service has control characters or blanks at its "
                "ends."
            ),
        )
    if "/" in name or set(name) == {"."}:
        raise SignInRefused(
            "name_malformed",
            _("Your user name at the sign-in service cannot be part of an address."),
        )
    if len(name) > MAX_NAME:
        raise SignInRefused(
            "name_too_long",
            _("Your user name at the sign-in service is longer than %(most)s characters.")
            % {"most": MAX_NAME},
        )
    return name


def groups_of(
    claims: Mapping[str, object], *, claim: str = "groups", limit: int = MAX_GROUPS
) -> frozenset[str]:
    """Return the groups that `claims` name; a claim that is absent or null means none.

    (Dex leaves the claim out for people without groups.)
    """
    value = claims.get(claim)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(group, str) for group in value):
        raise SignInRefused(
            "groups_malformed",
            _(
                "The sign-in service sent your groups in a form that is not a list of names (claim "
                "“%(claim)s”). An administrator has to correct this at the sign-in service."
            )
            % {"claim": claim},
        )
    if len(value) > limit:
        raise SignInRefused(
            "groups_too_many",
            _(
                "The sign-in service says that you are in %(count)s groups; at most %(most)s are "
                "accepted. An administrator can send fewer, or raise sign_in.max_groups."
            )
            % {"count": len(value), "most": limit},
        )
    if any(not group or len(group) > MAX_NAME or not group.isprintable() for group in value):
        raise SignInRefused(
            "groups_malformed",
            _(
                "One of your groups at the sign-in service has no name, a name that is too long, "
                "or one with control characters. An administrator has to correct this there."
            ),
        )
    return frozenset(value)


def canonical_names(names: Iterable[str], *, claim: str) -> frozenset[str]:
    """Return every name of a setting in canonical form."""
    return frozenset(canonical_name(name, claim=claim) for name in names)
