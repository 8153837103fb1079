"""What a registry keeps, as files. I/O: the file system, blocking.

Guarantees: content stands under its own digest and appears whole or not at all; what does not match
its digest is refused; a tag moves in one step. Names are checked before they become paths, so that
none leads outside the directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_UPLOAD: Final = re.compile(r"[0-9a-f]{32}")
_MAX_NAME: Final = 255


class Refused(Exception):  # noqa: N818 - a registry refuses, with a code of the specification
    """The content or its name is not acceptable; `code` is the specification's error code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index as it was pushed."""

    digest: str
    media_type: str
    content: bytes


def digest_of(content: bytes) -> str:
    """The digest under which `content` stands."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


class BlobStore:
    """One directory of blobs, manifests, tags and unfinished uploads."""

    def __init__(self, directory: Path) -> None:
        self._blobs = directory / "blobs"
        self._repositories = directory / "repositories"
        self._uploads = directory / "uploads"
        for path in (self._blobs, self._repositories, self._uploads):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def repositories(self) -> list[str]:
        """The names of all repositories that hold a manifest."""
        found = (path.parent for path in self._repositories.rglob("_manifests"))
        return sorted(str(path.relative_to(self._repositories)) for path in found)

    def tags(self, name: str) -> list[str]:
        """The tags of a repository, sorted."""
        directory = self._repository(name)
        if not (directory / "_manifests").is_dir():
            raise Refused("NAME_UNKNOWN", f"There is no repository {name}.", 404)
        tags = directory / "_tags"
        # A name with a dot in front is one that is being written
        return sorted(path.name for path in tags.glob("[!.]*"))

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        path = self._blob_path(digest)
        if not path.is_file():
            raise Refused("BLOB_UNKNOWN", f"There is no blob {digest}.", 404)
        return path

    def put_blob(self, content: bytes) -> str:
        """Keep `content`; its digest."""
        digest = digest_of(content)
        path = self._blob_path(digest)
        if not path.is_file():
            _write(path, content)
        return digest

    def manifest(self, name: str, reference: str) -> Manifest:
        """A manifest by tag or digest."""
        directory = self._repository(name)
        digest = reference
        if not _DIGEST.fullmatch(reference):
            try:
                digest = (directory / "_tags" / _tag(reference)).read_text("ascii")
            except FileNotFoundError:
                raise _manifest_unknown(name, reference) from None
        try:
            media_type = (directory / "_manifests" / _hex(digest)).read_text("utf-8")
            return Manifest(digest, media_type, self._blob_path(digest).read_bytes())
        except FileNotFoundError:
            raise _manifest_unknown(name, reference) from None

    def put_manifest(self, name: str, reference: str, media_type: str, content: bytes) -> Manifest:
        """Keep a manifest whose parts are all here; under a tag, or under its own digest."""
        directory = self._repository(name)
        digest = digest_of(content)
        by_digest = _DIGEST.fullmatch(reference) is not None
        if by_digest and reference != digest:
            raise Refused("DIGEST_INVALID", f"The manifest has the digest {digest}.")
        self._check_parts(directory, content)
        self.put_blob(content)
        _write(directory / "_manifests" / _hex(digest), media_type.encode())
        if not by_digest:
            _write(directory / "_tags" / _tag(reference), digest.encode())
        return Manifest(digest, media_type, content)

    def delete_manifest(self, name: str, reference: str) -> None:
        """Take a tag away, or a manifest with all its tags. Blobs stay."""
        directory = self._repository(name)
        manifest = self.manifest(name, reference)
        if reference != manifest.digest:
            (directory / "_tags" / _tag(reference)).unlink(missing_ok=True)
            return
        for tag in self.tags(name):
            path = directory / "_tags" / tag
            if path.read_text("ascii") == manifest.digest:
                path.unlink(missing_ok=True)
        (directory / "_manifests" / _hex(manifest.digest)).unlink(missing_ok=True)

    def start_upload(self) -> str:
        """Begin an upload; its id."""
        identity = secrets.token_hex(16)
        (self._uploads / identity).touch(mode=0o600)
        return identity

    def upload(self, identity: str) -> Path:
        """The file of an unfinished upload."""
        path = self._uploads / identity
        if not _UPLOAD.fullmatch(identity) or not path.is_file():
            raise Refused("BLOB_UPLOAD_UNKNOWN", "There is no such upload.", 404)
        return path

    def finish_upload(self, identity: str, digest: str) -> None:
        """Keep what was uploaded as the blob `digest`, which it must be."""
        path = self.upload(identity)
        target = self._blob_path(digest)
        with path.open("rb") as file:
            found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            path.unlink()
            raise Refused("DIGEST_INVALID", f"The content has the digest {found}.")
        path.replace(target)

    def cancel_upload(self, identity: str) -> None:
        """Forget an unfinished upload."""
        self.upload(identity).unlink()

    def clear_uploads(self) -> None:
        """Forget all unfinished uploads of an earlier run."""
        shutil.rmtree(self._uploads, ignore_errors=True)
        self._uploads.mkdir(mode=0o700)

    def _check_parts(self, directory: Path, content: bytes) -> None:
        try:
            document = json.loads(content)
            blobs = [*document.get("layers", ()), *filter(None, [document.get("config")])]
            children = [each["digest"] for each in document.get("manifests", ())]
            digests = [each["digest"] for each in blobs]
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise Refused("MANIFEST_INVALID", "This is not a manifest.") from error
        for digest in digests:
            if not self._blob_path(str(digest)).is_file():
                raise Refused("MANIFEST_BLOB_UNKNOWN", f"The blob {digest} was not pushed.", 404)
        for digest in children:
            if not (directory / "_manifests" / _hex(str(digest))).is_file():
                raise Refused(
                    "MANIFEST_BLOB_UNKNOWN", f"The manifest {digest} was not pushed.", 404
                )

    def _repository(self, name: str) -> Path:
        if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
            raise Refused("NAME_INVALID", "This is not a repository's name.")
        return self._repositories / name

    def _blob_path(self, digest: str) -> Path:
        return self._blobs / _hex(digest)


def _manifest_unknown(name: str, reference: str) -> Refused:
    return Refused("MANIFEST_UNKNOWN", f"There is no manifest {name}:{reference}.", 404)


def _hex(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise Refused("DIGEST_INVALID", "This is not a sha256 digest.")
    return digest.removeprefix("sha256:")


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise Refused("MANIFEST_INVALID", "This is not a tag.")
    return text


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.replace(path)
