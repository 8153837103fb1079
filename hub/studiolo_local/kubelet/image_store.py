"""Images that were pulled, on disk. I/O: the file system, blocking.

Guarantees: content stands under its digest; an image is listed only when all of it is here, so a
pull that is cut off leaves nothing that looks whole.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studiolo_local.kubelet.image_root import ImageRoot, read_layers


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as a container needs it."""

    name: str
    """Registry and repository, without tag or digest."""
    digest: str
    """What the registry resolved the reference to: of an index, the index's digest."""
    config_digest: str
    layers: tuple[str, ...]
    size: int

    @property
    def image_id(self) -> str:
        """The image as containerStatuses name it."""
        return f"{self.name}@{self.digest}"


class ImageStore:
    """One directory of blobs, and a list of images by reference."""

    def __init__(self, directory: Path) -> None:
        self._blobs = directory / "blobs"
        self._roots = directory / "files"
        self._list = directory / "images.json"
        for path in (self._blobs, self._roots):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._images: dict[str, StoredImage] = {}
        if self._list.is_file():
            listed = json.loads(self._list.read_text("utf-8"))
            self._images = {
                name: StoredImage(**{**words, "layers": tuple(words["layers"])})
                for name, words in listed.items()
            }
        self._loaded: dict[str, ImageRoot] = {}
        # Images that were pulled at the same time are kept by threads of their own.
        self._listing = threading.Lock()

    def find(self, reference: str) -> StoredImage | None:
        """The image that was pulled under this full reference."""
        return self._images.get(reference)

    def all(self) -> Sequence[tuple[str, StoredImage]]:
        """Every image with its reference."""
        return tuple(self._images.items())

    def blob(self, digest: str) -> Path:
        """Where a blob stands, or will stand."""
        return self._blobs / digest.replace(":", "-")

    def has_blob(self, digest: str) -> bool:
        """Whether a blob is here."""
        return self.blob(digest).is_file()

    def new_blob(self) -> Path:
        """A name for a blob that is being fetched; to be renamed when it is whole."""
        return self._blobs / f".{secrets.token_hex(8)}"

    def keep(self, reference: str, image: StoredImage) -> None:
        """List an image whose blobs are all here; BadLayer when its layers cannot be read."""
        self.root(image)
        with self._listing:
            self._images[reference] = image
            text = json.dumps({name: asdict(each) for name, each in self._images.items()})
            _write(self._list, text)

    def config(self, image: StoredImage) -> Mapping[str, Any]:
        """The image's configuration."""
        config = json.loads(self.blob(image.config_digest).read_bytes())
        return config if isinstance(config, dict) else {}

    def root(self, image: StoredImage) -> ImageRoot:
        """The image's files."""
        key = image.config_digest
        if key not in self._loaded:
            path = self._roots / f"{key.replace(':', '-')}.json"
            if not path.is_file():
                _write(path, read_layers(map(self.blob, image.layers)).to_json())
            self._loaded[key] = ImageRoot.from_json(path.read_text("utf-8"))
        return self._loaded[key]


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
