"""The images of the demo catalogue, and what is put into the registry at its start.

Pure but for `seed`. They are valid images that the check and the kubelet treat as any other, but
hold no framework: their programs are empty files that stand for this machine's own, and each says
so in a label and a README. Some are broken on purpose, to try out what happens then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from studiolo_local.registry.blobs import BlobStore, Refused
from studiolo_local.registry.oci_image import (
    MANIFEST_TYPE,
    BuiltImage,
    ImageFile,
    ImageRecipe,
    build_image,
)

REGISTRY_HOST: Final = "registry.studiolo.test"
HOME: Final = "/home/jovyan"
_PATH: Final = "/opt/conda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_START: Final = "/usr/local/bin/start-workspace"
_README: Final = """\
This image is simulated. It belongs to Studiolo's embedded cluster, for a first look, development
and tests. It names what a real image of this kind would hold, but holds none of it: a workspace
that is started from it runs the JupyterLab of the machine that the embedded cluster runs on.
"""
_STAND_INS: Final = (
    "bin/bash", "bin/cat", "bin/ls", "bin/sh", "bin/sleep", "usr/bin/env", "usr/bin/git",
    "usr/local/bin/pip", "usr/local/bin/python", "usr/local/bin/python3",
)  # fmt: skip
_JUPYTER: Final = ("opt/conda/bin/jupyter", "opt/conda/bin/jupyterhub-singleuser")


@dataclass(frozen=True, slots=True)
class DemoImage:
    """One image: its repository and tag, what it claims to provide, and how it starts."""

    repository: str
    tag: str
    tools: tuple[str, ...] = ("jupyterlab",)
    frameworks: tuple[tuple[str, str], ...] = ()
    cuda: str = ""
    python: str = "3.12"
    start: str = 'exec "$@"\n'
    """What the entrypoint does; without one the container's arguments are the command."""
    has_jupyter: bool = True

    @property
    def reference(self) -> str:
        """The image as it stands in a catalogue."""
        return f"{REGISTRY_HOST}/{self.repository}:{self.tag}"


_LAB: Final = ("jupyterlab", "tensorboard")
WORKING: Final = (
    DemoImage(
        "pytorch", "2.9.1-cuda12.8", _LAB,
        (("pytorch", "2.9.1"), ("torchvision", "0.24.1")), "12.8",
    ),
    DemoImage(
        "pytorch", "2.8.0-cuda12.6", _LAB,
        (("pytorch", "2.8.0"), ("torchvision", "0.23.0")), "12.6",
    ),
    DemoImage(
        "tensorflow", "2.20.0", _LAB,
        (("keras", "3.12.0"), ("tensorflow", "2.20.0")), "12.5",
    ),
    DemoImage("python", "3.13", python="3.13"),
    DemoImage(
        "data-science", "2026.1",
        frameworks=(("pandas", "2.3.3"), ("polars", "1.35.2"), ("scikit-learn", "1.7.2")),
    ),
)  # fmt: skip

MISSING_REFERENCE: Final = f"{REGISTRY_HOST}/pytorch:nightly"
"""Named by the demo catalogue, and never in the registry."""

CRASHING: Final = DemoImage(
    "pytorch", "2.9.1-rc1", _LAB, (("pytorch", "2.9.1"),), "12.8",
    start=(
        'echo "ImportError: libcudart.so.12: cannot open shared object file" >&2\n'
        'echo "This image is broken on purpose: its start script gives up." >&2\n'
        "exit 1\n"
    ),
)  # fmt: skip
WITHOUT_JUPYTER: Final = DemoImage(
    "pytorch", "2.9.1-bare", _LAB, (("pytorch", "2.9.1"),), "12.8", start="", has_jupyter=False
)
SILENT: Final = DemoImage(
    "tensorflow", "2.21.0-preview", _LAB, (("tensorflow", "2.21.0"),), "12.8",
    start='echo "Broken on purpose: this runs and never serves."\nexec sleep 1000000\n',
)  # fmt: skip
BROKEN: Final = (CRASHING, WITHOUT_JUPYTER, SILENT)


def recipe_of(image: DemoImage) -> ImageRecipe:
    """The files, settings and labels of a demo image."""
    names = (*_STAND_INS, *(_JUPYTER if image.has_jupyter else ()))
    files = {name: ImageFile(executable=True) for name in names}
    files["README"] = ImageFile(_README.encode())
    recipe = ImageRecipe(
        files,
        environment={"PATH": _PATH, "HOME": HOME, "NB_USER": "jovyan", "LANG": "C.UTF-8"},
        labels=dict(_labels(image)),
        working_dir=HOME,
        user="1000",
    )
    if not image.start:
        return recipe
    script = ImageFile(f"#!/bin/sh\n{image.start}".encode(), executable=True)
    return replace(recipe, files={**files, _START.lstrip("/"): script}, entrypoint=(_START,))


def _labels(image: DemoImage) -> Iterator[tuple[str, str]]:
    yield "dev.studiolo.contract", "1"
    yield "dev.studiolo.simulated", "true"
    yield "dev.studiolo.provides.tools", ",".join(image.tools)
    yield "dev.studiolo.provides.python", image.python
    if image.frameworks:
        versions = (f"{name}={version}" for name, version in image.frameworks)
        yield "dev.studiolo.provides.frameworks", ",".join(versions)
    if image.cuda:
        yield "dev.studiolo.provides.cuda", image.cuda
    yield "org.opencontainers.image.title", f"{image.repository} {image.tag} (simulated)"


def build_demo_images() -> Mapping[DemoImage, BuiltImage]:
    """All demo images; the same bytes each time."""
    return {image: build_image(recipe_of(image)) for image in (*WORKING, *BROKEN)}


def put_image(store: BlobStore, repository: str, tag: str, built: BuiltImage) -> None:
    """Put one image under one tag. I/O."""
    for blob in built.blobs:
        store.put_blob(blob)
    store.put_manifest(repository, tag, MANIFEST_TYPE, built.manifest)


def seed(store: BlobStore) -> None:
    """Put the demo images where they are missing; a tag that somebody moved stays. I/O."""
    for image, built in build_demo_images().items():
        try:
            store.manifest(image.repository, image.tag)
        except Refused:
            put_image(store, image.repository, image.tag, built)
