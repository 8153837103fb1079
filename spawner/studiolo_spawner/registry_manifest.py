"""Reading what a registry serves: manifests, indexes, image configurations; digests verified.

Pure: bytes in, values out. Everything here raises ``BadContent`` with a reason out of
``causes.REASONS`` when the content cannot be an image that runs here.
Formats: https://github.com/opencontainers/image-spec and
https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from studiolo_spawner.plain_text import plain

Platform = tuple[str, str]

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT: Final = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))

_CONFIG_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
_DIGEST: Final = re.compile(r"(sha256):[0-9a-f]{64}|(sha512):[0-9a-f]{128}")
_MAX_ENTRIES: Final = 1000
_MAX_LABELS: Final = 500
_MAX_VALUE: Final = 4096
_FIRST_YEAR: Final = 2010
"""There were no such images before."""


class BadContent(Exception):  # noqa: N818
    """The content is not that of an image that can run here; ``detail`` in our own words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to content: its digest, size and media type."""

    digest: str
    size: int
    media_type: str
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """A list of manifests for several platforms."""

    manifests: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image: where its configuration is and how much there is to fetch."""

    config: Descriptor
    size: int


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image's configuration says about it."""

    platform: Platform
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    created: datetime | None = None


def digest_of(content: bytes, like: str = "sha256:") -> str:
    """The digest of the bytes, by the algorithm of ``like``."""
    algorithm = "sha512" if like.startswith("sha512:") else "sha256"
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def verify(content: bytes, digest: str, what: str) -> None:
    """BadContent unless the bytes have this digest."""
    if not is_digest(digest) or digest_of(content, digest) != digest:
        raise BadContent(
            "image_damaged", f"the {what} does not have the digest that it should have"
        )


def is_digest(text: object) -> bool:
    """Whether this is a digest of a kind that is in use."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def read_manifest(content: bytes, content_type: str) -> Manifest | Index:
    """A manifest or an index; the content's own media type goes before the header's."""
    document = _document(content, "manifest")
    media_type = document.get("mediaType") or content_type.partition(";")[0].strip().lower()
    if document.get("schemaVersion") == 1:
        raise BadContent("image_format", "the manifest is of Docker's first schema")
    if document.get("schemaVersion") != 2:
        raise BadContent("image_damaged", "the manifest has no schema version that is known")
    if media_type in {OCI_INDEX, DOCKER_INDEX} or (
        "manifests" in document and "layers" not in document
    ):
        entries = _descriptors(document.get("manifests"), "index")
        return Index(entries)
    if "layers" not in document:
        raise BadContent("image_format", "the reference does not name an image")
    config = _descriptor(document.get("config"), "manifest")
    if config.media_type not in _CONFIG_TYPES:
        # A Helm chart, a model, a signature: registries hold more than images
        raise BadContent("image_format", "the reference names something else than an image")
    layers = _descriptors(document.get("layers"), "manifest")
    return Manifest(config, config.size + sum(layer.size for layer in layers))


def choose(index: Index, platform: Platform) -> Descriptor:
    """The manifest for the platform; BadContent with the platforms that there are."""
    for entry in index.manifests:
        if entry.platform == platform:
            return entry
    # "unknown/unknown" is where builders put attestations
    built = {entry.platform for entry in index.manifests} - {None, ("unknown", "unknown")}
    offered = sorted("/".join(pair) for pair in built if pair)
    listed = plain(", ".join(offered), 120) or "no platform"
    wanted = "/".join(platform)
    raise BadContent("wrong_platform", f"the image is built for {listed}, not for {wanted}")


def read_config(content: bytes, platform: Platform) -> ImageConfig:
    """An image's configuration; BadContent when it is for another platform."""
    document = _document(content, "configuration")
    found = (str(document.get("os") or ""), str(document.get("architecture") or ""))
    # Images of old tools leave these empty; runtimes take such an image as it comes
    if all(found) and found != platform:
        built, wanted = plain("/".join(found), 60), "/".join(platform)
        raise BadContent("wrong_platform", f"the image is built for {built}, not for {wanted}")
    inner = document.get("config")
    inner = inner if isinstance(inner, Mapping) else {}
    return ImageConfig(
        platform,
        _labels(inner.get("Labels")),
        _environment(inner.get("Env")),
        _moment(document.get("created")),
    )


def _moment(value: object) -> datetime | None:
    """When the image was built. Builds that can be repeated write the beginning of time: that is
    no date.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None or found.year < _FIRST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _document(content: bytes, what: str) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadContent("image_damaged", f"the {what} is not JSON") from None
    if not isinstance(document, Mapping):
        raise BadContent("image_damaged", f"the {what} is not a JSON object")
    return document


def _descriptors(value: object, what: str) -> tuple[Descriptor, ...]:
    if not isinstance(value, list) or len(value) > _MAX_ENTRIES:
        raise BadContent("image_damaged", f"the {what} lists no content")
    return tuple(_descriptor(item, what) for item in value)


def _descriptor(value: object, what: str) -> Descriptor:
    entry = value if isinstance(value, Mapping) else {}
    digest, size = entry.get("digest"), entry.get("size")
    if not is_digest(digest) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadContent("image_damaged", f"the {what} points to content without digest or size")
    stated = entry.get("platform")
    platform = None
    if isinstance(stated, Mapping):
        platform = (str(stated.get("os") or ""), str(stated.get("architecture") or ""))
    return Descriptor(str(digest), size, str(entry.get("mediaType") or ""), platform)


def _labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        return {}
    items = list(value.items())[:_MAX_LABELS]
    return {key: text[:_MAX_VALUE] for key, text in items if isinstance(text, str)}


def _environment(value: object) -> Mapping[str, str]:
    if not isinstance(value, list):
        return {}
    pairs = (item.partition("=") for item in value[:_MAX_LABELS] if isinstance(item, str))
    return {name: text[:_MAX_VALUE] for name, _, text in pairs if name}
