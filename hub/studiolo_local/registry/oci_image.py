"""Builds tiny, valid OCI images byte for byte the same each time. Pure.

https://github.com/opencontainers/image-spec/blob/v1.1.1/spec.md
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from studiolo_local.registry.blobs import digest_of

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
_CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_CREATED: Final = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file of an image; an executable without content stands for the machine's own program."""

    content: bytes = b""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """All that makes an image."""

    files: Mapping[str, ImageFile]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    user: str = ""
    architecture: str = "amd64"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """The blobs of an image and its manifest, ready to be put into a registry."""

    blobs: tuple[bytes, ...]
    manifest: bytes

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return digest_of(self.manifest)


def build_image(recipe: ImageRecipe) -> BuiltImage:
    """One layer, one configuration, one manifest."""
    archive = _archive(recipe.files)
    # No file name and no time in the header: the same content gives the same bytes
    layer = gzip.compress(archive, mtime=0)
    settings: dict[str, Any] = {
        "Entrypoint": list(recipe.entrypoint) or None,
        "Cmd": list(recipe.command) or None,
        "Env": [f"{name}={value}" for name, value in recipe.environment.items()],
        "Labels": dict(recipe.labels),
        "WorkingDir": recipe.working_dir or None,
        "User": recipe.user or None,
    }
    config = _json(
        {
            "created": _CREATED,
            "architecture": recipe.architecture,
            "os": "linux",
            "config": {name: value for name, value in settings.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(archive)]},
            "history": [{"created": _CREATED, "created_by": "studiolo demo images"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": describe(_CONFIG_TYPE, config),
            "layers": [describe(_LAYER_TYPE, layer)],
        }
    )
    return BuiltImage((config, layer), manifest)


def build_index(images: Mapping[str, BuiltImage]) -> bytes:
    """An index of one image for each architecture."""
    entries = [
        {
            **describe(MANIFEST_TYPE, image.manifest),
            "platform": {"architecture": architecture, "os": "linux"},
        }
        for architecture, image in images.items()
    ]
    return _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries})


def describe(media_type: str, content: bytes) -> dict[str, Any]:
    """A descriptor of `content`."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _archive(files: Mapping[str, ImageFile]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, file in sorted(files.items()):
            member = tarfile.TarInfo(name.lstrip("/"))
            member.size = len(file.content)
            member.mode = 0o755 if file.executable else 0o644
            archive.addfile(member, io.BytesIO(file.content))
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
