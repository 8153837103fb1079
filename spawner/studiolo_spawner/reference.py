"""Image references as strict, immutable values. Pure.

`parse_reference` accepts exactly the grammar of the OCI distribution specification, matched as a
whole and in ASCII: no white space, no user information, no percent escapes, nothing after the end.
What it returns can be put into a URL, a pod or a log line as it is. `str()` gives the full form
(`python:3.13` becomes `docker.io/library/python:3.13`), which parses to the same value again.

Grammar: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
and https://pkg.go.dev/github.com/distribution/reference
"""

import ipaddress
import re
from dataclasses import dataclass, replace

from studiolo_spawner.errors import InvalidReference
from studiolo_spawner.translation import translate as _

MAX_LENGTH = 255
"""Characters of registry, repository and tag together: the limit that the specification advises."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_REPOSITORY_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_REPOSITORY_PART}(?:/{_REPOSITORY_PART})*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)
_ALPHABET = re.compile(r"[A-Za-z0-9._/:@\[\]-]*", re.ASCII)

_DOCKER_HUB = "docker.io"
_DOCKER_HUB_NAMES = frozenset({_DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image in one registry. At least one of tag and digest is there; the digest wins."""

    registry: str
    """Host, with port where one was given, e.g. `ghcr.io` or `registry.lab:5000`."""
    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def pinned(self) -> bool:
        """Whether it names one content for ever."""
        return self.digest is not None

    def with_digest(self, digest: str) -> "ImageReference":
        """The same image, pinned. The tag stays, to be read by people."""
        if not _DIGEST.fullmatch(digest):
            raise InvalidReference(digest, _("a digest is sha256: and 64 hexadecimal digits"))
        return replace(self, digest=digest)


def parse_reference(text: str, *, default_tag: str | None = None) -> ImageReference:
    """The reference that the text spells.

    Neither tag nor digest is an error: which image `latest` is changes without anybody asking for
    it. An administrator who wants it so passes `default_tag`. Raises InvalidReference.
    """
    _check_alphabet(text)
    rest, _at, digest = text.partition("@")
    if "@" in text and not _DIGEST.fullmatch(digest):
        raise InvalidReference(
            text,
            _("after @ stands a digest: sha256: and 64 hexadecimal digits"),
            hint=_("no user name before @"),
        )
    registry, path = _split_registry(rest)
    repository, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise InvalidReference(
            text, _("after : stands a tag of letters, digits, _ . and -, at most 128")
        )
    if not _REPOSITORY.fullmatch(repository):
        raise InvalidReference(text, *_repository_complaint(repository))
    host = _checked_registry(text, registry) if registry else _DOCKER_HUB
    if host in _DOCKER_HUB_NAMES:
        host = _DOCKER_HUB
        repository = repository if "/" in repository else f"library/{repository}"
    if not colon and not digest:
        if default_tag is None:
            raise InvalidReference(
                text, _("it has neither tag nor digest"), hint=_("add one, such as :1.0")
            )
        if not _TAG.fullmatch(default_tag):
            raise InvalidReference(text, _("the default tag is not a tag"))
        tag = default_tag
    if len(f"{host}/{repository}:{tag}") > MAX_LENGTH:
        raise InvalidReference(
            text, _("it is longer than %(most)s characters") % {"most": MAX_LENGTH}
        )
    return ImageReference(host, repository, tag or None, digest or None)


def _check_alphabet(text: str) -> None:
    """First of all and on the whole text, so that no later step meets an unknown character."""
    if not isinstance(text, str):
        raise InvalidReference(text, _("it is not text"))
    if not text:
        raise InvalidReference(text, _("it is empty"), hint=_("write registry/repository:tag"))
    if len(text) > MAX_LENGTH + 1 + len("sha512:") + 128:
        raise InvalidReference(
            text, _("it is longer than %(most)s characters") % {"most": MAX_LENGTH}
        )
    if "://" in text:
        raise InvalidReference(text, _("it is a URL"), hint=_("leave out the scheme"))
    if not _ALPHABET.fullmatch(text):
        raise InvalidReference(text, _("only ASCII letters, digits and . _ - / : @ are allowed"))


def _split_registry(text: str) -> tuple[str, str]:
    """Registry and the rest, by Docker's rule: a host has a dot or a colon or is `localhost`."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "", text


def _checked_registry(text: str, registry: str) -> str:
    host, port = _split_port(registry)
    if port is not None and not (_PORT.fullmatch(port) and int(port) <= 65535):
        raise InvalidReference(text, _("the registry's port is a number from 1 to 65535"))
    if host.startswith("["):
        if not _is_ipv6(host):
            raise InvalidReference(text, _("the registry's address is not an IPv6 address"))
    elif not _HOST.fullmatch(host) or len(host) > 253:
        hint = _("write it in lower case") if _HOST.fullmatch(host.lower()) else ""
        raise InvalidReference(text, _("the registry is not a host name"), hint=hint)
    return registry


def _split_port(registry: str) -> tuple[str, str | None]:
    end_of_address = registry.rfind("]")
    colon = registry.find(":", end_of_address + 1)
    return (registry, None) if colon < 0 else (registry[:colon], registry[colon + 1 :])


def _is_ipv6(host: str) -> bool:
    inner = host[1:-1]
    if not host.endswith("]") or inner != inner.lower():
        return False
    try:
        ipaddress.IPv6Address(inner)
    except ValueError:
        return False
    return True


def _repository_complaint(repository: str) -> tuple[str]:
    if not repository:
        return (_("the repository is missing"),)
    if repository != repository.lower():
        return (_("the repository is written in lower case only"),)
    return (_("the repository is words of a-z and 0-9, joined by . _ __ - and /"),)
