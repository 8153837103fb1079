"""The image registry of the cluster: Debian's docker-registry, and images pushed into it. I/O."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import yaml
from studiolo_local.registry.blobs import digest_of
from studiolo_local.registry.oci_image import (
    MANIFEST_TYPE,
    BuiltImage,
    ImageFile,
    ImageRecipe,
    build_image,
)

from tests.e2e.node_files import NODE_ADDRESS, REGISTRY_PORT
from tests.e2e.place import HERE
from tests.e2e.processes import Processes

URL = f"http://{HERE.push}"


def start(processes: Processes, folder: Path) -> None:
    """Start the registry over a folder and wait until it answers."""
    config = folder / "registry.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "version": 0.1,
                "log": {"level": "warn"},
                "storage": {
                    "filesystem": {"rootdirectory": str(folder / "registry")},
                    "delete": {"enabled": True},
                },
                "http": {"addr": f"{NODE_ADDRESS}:{REGISTRY_PORT}"},
            }
        )
    )
    processes.start("registry", ["docker-registry", "serve", config])
    processes.until("registry", lambda: _status("GET", "/v2/") == 200)


def program_image(
    program: Path,
    *,
    entrypoint: bool = True,
    name: str = "",
    environment: Mapping[str, str] | None = None,
    mark: str = "",
) -> BuiltImage:
    """An image of one static program on its PATH, as the user nobody.

    `name`: what the program is called there.  `mark`: makes its layer another one.
    """
    path = f"bin/{name or program.name}"
    files = {path: ImageFile(program.read_bytes(), executable=True)}
    if mark:
        files["etc/mark"] = ImageFile(mark.encode())
    return build_image(
        ImageRecipe(
            files,
            entrypoint=[f"/{path}"] if entrypoint else [],
            environment={"PATH": "/bin", **(environment or {})},
            user="65534:65534",
        )
    )


def push(repository: str, tag: str, image: BuiltImage) -> str:
    """Push an image; its digest."""
    for blob in image.blobs:
        digest = digest_of(blob)
        location = _open_upload(repository)
        separator = "&" if "?" in location else "?"
        _send("PUT", f"{location}{separator}digest={digest}", blob, "application/octet-stream")
    _send("PUT", f"{URL}/v2/{repository}/manifests/{tag}", image.manifest, MANIFEST_TYPE)
    return image.digest


def delete_manifest(repository: str, tag: str) -> None:
    """Delete an image; its tag and its digest lead nowhere then."""
    url = f"{URL}/v2/{repository}/manifests/{tag}"
    request = urllib.request.Request(url, method="HEAD", headers={"Accept": MANIFEST_TYPE})
    with urllib.request.urlopen(request, timeout=10) as answer:
        digest = answer.headers["Docker-Content-Digest"]
    _delete(f"{URL}/v2/{repository}/manifests/{digest}")


def delete_layer(repository: str, digest: str) -> None:
    """Delete a layer of an image whose manifest stays."""
    _delete(f"{URL}/v2/{repository}/blobs/{digest}")


def _delete(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=10):
        pass


def _open_upload(repository: str) -> str:
    request = urllib.request.Request(f"{URL}/v2/{repository}/blobs/uploads/", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        location: str = answer.headers["Location"]
        return location if location.startswith("http") else f"{URL}{location}"


def _send(method: str, url: str, body: bytes, kind: str) -> None:
    request = urllib.request.Request(url, method=method, data=body, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60):
        pass


def _status(method: str, path: str) -> int:
    request = urllib.request.Request(f"{URL}{path}", method=method)
    with urllib.request.urlopen(request, timeout=2) as answer:
        json.loads(answer.read() or b"{}")
        status: int = answer.status
        return status
