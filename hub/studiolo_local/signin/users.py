"""Who can sign in: users and their groups, from a YAML file that is read again when it changes.

Guarantees: a file with a mistake is refused as a whole and every mistake is named; while the
provider runs, a bad edit keeps the last good users. I/O: reads that one file.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 1024

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
]


class UsersError(ValueError):
    """The file cannot be used; the text names every mistake and where it stands."""


class LocalUser(BaseModel):
    """One person of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    full_name: Text
    email: Email
    email_verified: bool = True
    groups: tuple[Name, ...] = ()
    about: str = Field(default="", max_length=200)

    def claims(self) -> dict[str, object]:
        """Give the OpenID Connect claims about this person; `groups` is a list, as Dex's is."""
        return {
            "sub": self.name,
            "preferred_username": self.name,
            "name": self.full_name,
            "email": self.email,
            "email_verified": self.email_verified,
            "groups": list(self.groups),
        }


class _UsersDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    users: tuple[LocalUser, ...] = Field(min_length=1)


def parse_users(text: str, *, source: str = "users.yaml") -> tuple[LocalUser, ...]:
    """Read the users of a file's text; raises UsersError with every mistake at once."""
    if len(text.encode()) > MAX_BYTES:
        raise UsersError(f"{source}: larger than {MAX_BYTES // 1024} KiB")
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsersError(f"{source}: not YAML: {error}") from None
    try:
        users = _UsersDocument.model_validate(document).users
    except ValidationError as error:
        lines = [f"{source}: {_path(item['loc'])}: {item['msg']}" for item in error.errors()]
        raise UsersError("\n".join(lines)) from None
    repeated = sorted({user.name for user in users if [u.name for u in users].count(user.name) > 1})
    if repeated:
        raise UsersError(f"{source}: users: named more than once: {', '.join(repeated)}")
    return users


def _path(location: tuple[int | str, ...]) -> str:
    return (
        re.sub(r"\.\[", "[", ".".join(f"[{p}]" if isinstance(p, int) else p for p in location))
        or "document"
    )


class UsersFile:
    """The users of a file, read again when it has changed; a bad edit keeps the last good ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._users = self._read()

    @property
    def users(self) -> tuple[LocalUser, ...]:
        """Those who can sign in now, in the file's order."""
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                self._users = self._read()
                log.info("%s was read again: %d users", self._path, len(self._users))
        except (OSError, UsersError) as error:
            log.error("keeping the last good users: %s", error)  # noqa: TRY400  # no traceback: the text says it all
        return self._users

    def find(self, name: str) -> LocalUser | None:
        """Look one person up by name."""
        return next((user for user in self.users if user.name == name), None)

    def _stamp(self) -> tuple[int, int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _read(self) -> tuple[LocalUser, ...]:
        return parse_users(self._path.read_text(encoding="utf-8"), source=str(self._path))
