"""Demo images: valid, the same each time, and honest about being simulated."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from studiolo_local.registry import demo_images
from studiolo_local.registry.blobs import BlobStore, Refused
from studiolo_local.registry.demo_images import BROKEN, WORKING, DemoImage, build_demo_images, seed
from studiolo_local.registry.oci_image import (
    BuiltImage,
    ImageFile,
    ImageRecipe,
    build_image,
    build_index,
)

EVERY = (*WORKING, *BROKEN)


def files_of(built: BuiltImage) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(built.blobs[1]))) as archive:
        return {member.name: member for member in archive.getmembers()}


def config_of(built: BuiltImage) -> dict[str, dict[str, object]]:
    config: dict[str, dict[str, object]] = json.loads(built.blobs[0])
    return config


def test_the_same_bytes_each_time() -> None:
    first = {image: built.digest for image, built in build_demo_images().items()}
    assert first == {image: built.digest for image, built in build_demo_images().items()}
    assert len(set(first.values())) == len(EVERY)


@pytest.mark.parametrize("image", EVERY, ids=lambda image: image.reference)
def test_an_image_is_valid_and_says_that_it_is_simulated(image: DemoImage) -> None:
    built = build_demo_images()[image]
    manifest, config = json.loads(built.manifest), config_of(built)
    described = [manifest["config"], *manifest["layers"]]
    for descriptor, blob in zip(described, built.blobs, strict=True):
        assert descriptor["digest"] == "sha256:" + hashlib.sha256(blob).hexdigest()
        assert descriptor["size"] == len(blob)
    layer = gzip.decompress(built.blobs[1])
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
    labels = config["config"]["Labels"]
    assert isinstance(labels, dict)
    assert labels["dev.studiolo.simulated"] == "true"
    assert labels["dev.studiolo.provides.tools"].startswith("jupyterlab")
    assert "README" in files_of(built)


def test_only_the_bare_image_lacks_jupyter() -> None:
    lacking = [
        image
        for image, built in build_demo_images().items()
        if "opt/conda/bin/jupyterhub-singleuser" not in files_of(built)
    ]
    assert lacking == [demo_images.WITHOUT_JUPYTER]


def test_the_missing_image_is_missing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    seed(store)
    _, _, tag = demo_images.MISSING_REFERENCE.rpartition(":")
    assert store.repositories() == ["data-science", "python", "pytorch", "tensorflow"]
    with pytest.raises(Refused, match="no manifest"):
        store.manifest("pytorch", tag)


def test_seeding_again_leaves_a_moved_tag_alone(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    seed(store)
    other = build_image(ImageRecipe({"README": ImageFile(b"mine")}))
    demo_images.put_image(store, "python", "3.13", other)
    seed(store)
    assert store.manifest("python", "3.13").digest == other.digest


def test_an_index_names_the_platforms() -> None:
    image = build_image(ImageRecipe({}, architecture="arm64"))
    index = json.loads(build_index({"arm64": image}))
    assert index["manifests"][0]["platform"] == {"architecture": "arm64", "os": "linux"}
    assert index["manifests"][0]["digest"] == image.digest
