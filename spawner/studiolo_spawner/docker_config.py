"""Credentials out of pull secrets, found as Kubernetes finds them. Pure.

Keys of a `dockerconfigjson` name a host, with port and path where they mean only a part of it, and
`*` within a part of the host; what names the longest path is tried first. All that fit are given,
since a kubelet tries one after the other:
https://kubernetes.io/docs/concepts/containers/images/#config-json

Beside user names and passwords, `identitytoken` is read: a long-lived token that a registry's
sign-in exchanges for short ones, as `docker login` writes it for Azure's registries.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.registry_settings import Credentials

_MAX_OCTETS: Final = 1024 * 1024  # Kubernetes keeps no larger secret
_MAX_FOUND: Final = 5
_HUB_NAMES: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")
# What Docker writes for the user's name when the password is an identity token
_TOKEN_USER: Final = "<token>"  # noqa: S105 - not a secret


def credentials_of_secret(
    secret: Mapping[str, object], registry: str, repository: str
) -> tuple[Credentials, ...]:
    """What a Kubernetes secret holds for an image, the most exact first; empty when nothing."""
    data = mapping(secret.get("data"))
    for key, whole in ((".dockerconfigjson", True), (".dockercfg", False)):
        encoded = text(data.get(key))
        if not encoded or len(encoded) > 2 * _MAX_OCTETS:
            continue
        try:
            config = base64.b64decode(encoded)
        except binascii.Error:
            continue
        return credentials_in(config, registry, repository, whole=whole)
    return ()


def credentials_in(
    config: str | bytes, registry: str, repository: str, *, whole: bool = True
) -> tuple[Credentials, ...]:
    """What a Docker configuration holds for an image; ``whole``: below `auths`."""
    try:
        parsed = json.loads(config)
    except (ValueError, RecursionError):
        return ()
    auths = mapping(parsed).get("auths") if whole else parsed
    hosts = _HUB_NAMES if registry in _HUB_NAMES else (registry,)
    targets = [url for host in hosts if (url := _split(f"{host}/{repository}")) is not None]
    found: dict[Credentials, None] = {}
    for _, url, entry in sorted(_keys(mapping(auths)), key=lambda each: each[0], reverse=True):
        credentials = _of_entry(entry) if any(_fits(url, target) for target in targets) else None
        if credentials is not None:
            found.setdefault(credentials)
    return tuple(found)[:_MAX_FOUND]


def _keys(
    auths: Mapping[str, object],
) -> Iterable[tuple[str, SplitResult, Mapping[str, object]]]:
    """Each key as Kubernetes keeps it (host and path), with what it stands for."""
    for key, entry in auths.items():
        schemeless = re.sub(r"^https?://", "", key.strip())
        host, slash, path = schemeless.partition("/")
        # Docker once wrote the API's version there; it means the whole host.
        path = re.sub(r"^/v[12](?=/)", "", f"{slash}{path}").rstrip("/")
        url = _split(f"{host.lower()}{path}")
        if url is not None and isinstance(entry, Mapping):
            yield f"{host.lower()}{path}", url, entry


def _split(schemeless: str) -> SplitResult | None:
    try:
        url = urlsplit(f"https://{schemeless}")
        _ = url.port
    except ValueError:
        return None
    return url if url.hostname else None


def _fits(key: SplitResult, target: SplitResult) -> bool:
    if key.port != target.port or not target.path.startswith(key.path):
        return False
    pattern, host = (key.hostname or "").split("."), (target.hostname or "").split(".")
    # Part by part, so that * never stands for a dot
    return len(pattern) == len(host) and all(map(_fits_part, host, pattern))


def _fits_part(part: str, pattern: str) -> bool:
    # A part has no more than a few stars, or it would take long to compare
    return pattern.count("*") <= 3 and fnmatch.fnmatchcase(part, pattern)


def _of_entry(entry: Mapping[str, object]) -> Credentials | None:
    """``auth`` (base64 of user:password) goes before the fields, as in Docker's own reading."""
    token = text(entry.get("identitytoken"))
    username, password = text(entry.get("username")), entry.get("password")
    if auth := text(entry.get("auth")):
        try:
            username, colon, secret = base64.b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon:
            return None
        password = secret.rstrip("\0")
    if token:
        return Credentials(username, "", token)
    if not username or not isinstance(password, str):
        return None
    return (
        Credentials("", "", password)
        if username == _TOKEN_USER
        else Credentials(username, password)
    )
