"""What an administrator says about a registry, and what its credentials are.

Pure. Secure unless said otherwise: HTTPS, public addresses only, credentials only to the registry
itself and to sign-in hosts that are listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from yarl import URL

# Docker Hub's name in references is not the host that serves it
_ENDPOINTS: Final = {"docker.io": "https://registry-1.docker.io"}
# Sign-in hosts of public registries that are known to differ from the registry's own host
_KNOWN_HOSTS: Final = {"docker.io": ("auth.docker.io",), "registry.gitlab.com": ("gitlab.com",)}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its secret, or a token to be exchanged for others; never shown."""

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    """A refresh token: https://distribution.github.io/distribution/spec/auth/oauth/"""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How one registry is reached."""

    endpoint: str | None = None
    """Base URL when it is not https://<registry>: a mirror, or an address inside."""
    insecure: bool = False
    """Plain HTTP is allowed for this registry and its sign-in."""
    allow_private: bool = False
    """Its addresses may be private or loopback ones."""
    username: str | None = None
    """Credentials for every image of the registry; an image's own pull secret goes first."""
    password: str | None = field(default=None, repr=False)
    trusted_hosts: tuple[str, ...] = ()
    """Further hosts ("host" or "host:port") that it may name for sign-in or for blobs."""
    nodes_sign_in: bool = False
    """The machines have credentials of their own (as cloud registries give them) that we do not
    have: being refused then says nothing of the image."""
    ca_file: str | None = None
    """File with the certificates that its TLS is checked against, in place of the system's."""

    def __post_init__(self) -> None:
        """Refuse what would weaken the check without anybody having asked for it."""
        if (self.username is None) != (self.password is None):
            raise ValueError("a registry needs both a username and a password, or neither")
        if self.endpoint is None:
            return
        url = URL(self.endpoint)
        if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
            raise ValueError("a registry's endpoint is a URL like https://registry.example:5000")
        if url.user or url.password:
            raise ValueError(
                "a registry's credentials stand in username and password, not in its URL"
            )
        if url.scheme == "http" and not self.insecure:
            raise ValueError("a registry's endpoint with http:// needs insecure: true beside it")

    @property
    def credentials(self) -> Credentials | None:
        """The registry-wide credentials."""
        if self.username is None or self.password is None:
            return None
        return Credentials(self.username, self.password)


DEFAULT_SETTINGS: Final = RegistrySettings()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a registry is asked, and what it may lead us to."""

    registry: str
    base: URL
    insecure: bool
    allow_private: bool
    trusted: frozenset[str]
    ca_file: str | None

    def trusts(self, url: URL) -> bool:
        """Whether the URL is the registry's own or a listed host's, with TLS where required."""
        if url.user or url.password or not self.scheme_fits(url):
            return False
        if same_origin(url, self.base):
            return True
        host = url.host or ""
        with_port = f"{host}:{url.port}"
        return with_port in self.trusted or (url.is_default_port() and host in self.trusted)

    def scheme_fits(self, url: URL) -> bool:
        """HTTPS, or plain HTTP where the administrator allowed it for this registry."""
        return url.scheme == "https" or (url.scheme == "http" and self.insecure)


def same_origin(one: URL, other: URL) -> bool:
    """Whether two URLs lead to the same server, default ports written out or not."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def endpoint_of(registry: str, settings: RegistrySettings | None) -> Endpoint:
    """Where the registry of a reference is asked."""
    known = settings or DEFAULT_SETTINGS
    scheme = "http" if known.insecure else "https"
    base = known.endpoint or _ENDPOINTS.get(registry) or f"{scheme}://{registry}"
    return Endpoint(
        registry=registry,
        base=URL(base),
        insecure=known.insecure,
        allow_private=known.allow_private,
        trusted=frozenset((*known.trusted_hosts, *_KNOWN_HOSTS.get(registry, ()))),
        ca_file=known.ca_file,
    )
