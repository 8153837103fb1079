"""A catalogue of ten images of which four are broken, each in another way, and their registry.

The images that work start a small web server instead of JupyterLab, so that many of them fit on a
small machine: what is tried with them is the start, not the Lab.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import yaml
from studiolo_local.registry.blobs import BlobStore
from studiolo_local.registry.demo_images import REGISTRY_HOST, DemoImage, put_image, recipe_of
from studiolo_local.registry.oci_image import ImageFile, build_image

Fault = Literal["missing", "gone", "crashes", "silent"]

#: What has to stand in the sentence about an attempt.
CAUSES: Mapping[Fault, str] = {
    "missing": "The image does not exist in the registry",
    "gone": "The image does not exist in the registry",
    "crashes": "The image started and then stopped",
    "silent": "The image runs, but its server does not answer",
}

_SERVER = """\
exec python -c '
import http.server, os, urllib.parse
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *words):
        pass
port = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
http.server.ThreadingHTTPServer((os.environ["POD_IP"], port), Answer).serve_forever()
'
"""
_CRASH = 'echo "ImportError: libcudart.so.12" >&2\nexit 1\n'
_SLEEP = "exec sleep 1000000\n"


@dataclass(frozen=True)
class Entry:
    """One image of the catalogue."""

    id: str
    tools: Sequence[str]
    tasks: Sequence[str]
    frameworks: Mapping[str, str]
    fault: Fault | None = None
    fallback: Sequence[str] = ()
    groups: Sequence[str] = ()

    @property
    def image(self) -> DemoImage:
        """What the registry holds."""
        start = {"crashes": _CRASH, "silent": _SLEEP}.get(self.fault or "", _SERVER)
        tag = self.id.replace(".", "-")
        return DemoImage("ten", tag, tuple(self.tools), tuple(self.frameworks.items()), start=start)


LAB = ("jupyterlab",)
BOARD = ("jupyterlab", "tensorboard")
IMAGES: Sequence[Entry] = (
    Entry("pytorch-2.9", BOARD, ("explore", "train"), {"pytorch": "2.9.1"}),
    Entry("pytorch-2.8", BOARD, ("explore", "train"), {"pytorch": "2.8.0"}),
    Entry("pytorch-nightly", BOARD, ("explore", "train"), {"pytorch": "2.10.0"}, "missing"),
    Entry(
        "pytorch-rc", BOARD, ("explore", "train"), {"pytorch": "2.9.1"}, "crashes", ("pytorch-2.8",)
    ),
    Entry("tensorflow-2.20", BOARD, ("explore", "train"), {"tensorflow": "2.20.0"}),
    # Nothing else has what these two have: whoever asks for it gets the causes and no workspace.
    Entry("jax-0.8", (*BOARD, "xprof"), ("train",), {"jax": "0.8.0"}, "silent"),
    Entry("jax-0.7", (*BOARD, "xprof"), ("train",), {"jax": "0.7.0"}, "gone"),
    Entry("python", LAB, ("explore", "teach"), {}),
    Entry("data-science", LAB, ("explore", "teach"), {"pandas": "2.3.3"}),
    Entry("research-only", BOARD, ("train",), {"pytorch": "2.9.1"}, groups=("research",)),
)

_PROFILES = [
    {"id": "cpu", "display_name": "CPU", "cpu": 1, "memory": "1Gi"},
    {
        "id": "gpu",
        "display_name": "One GPU",
        "cpu": 1,
        "memory": "1Gi",
        "resource": "nvidia.com/gpu",
        "count": 1,
        "gpu": {"model": "NVIDIA A100", "memory_gib": 80, "simulated": True},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    },
]


def catalogue_text(*, start_deadline: str) -> str:
    """The catalogue as an administrator would write it."""
    images = [
        {
            "id": entry.id,
            "display_name": entry.id.title(),
            "reference": entry.image.reference,
            "provides": {"tools": list(entry.tools), "frameworks": dict(entry.frameworks)},
            "tasks": list(entry.tasks),
            "fallback": list(entry.fallback),
            "groups": list(entry.groups),
        }
        for entry in IMAGES
    ]
    defaults = {
        "image": "pytorch-2.9",
        "profile": "cpu",
        "start_deadline": start_deadline,
        "spawn_timeout": "3m",
    }
    catalogue = {"version": 1, "defaults": defaults, "images": images, "profiles": _PROFILES}
    return yaml.safe_dump(catalogue, sort_keys=False)


def fill_registry(store: BlobStore) -> None:
    """Put in what is there; of the image that is `gone` the manifest stayed and a layer went."""
    for entry in IMAGES:
        if entry.fault == "missing":
            continue
        recipe = recipe_of(entry.image)
        # A file of its own, so that no image shares its layer with another.
        files = {**recipe.files, "etc/image": ImageFile(entry.id.encode())}
        built = build_image(replace(recipe, files=files))
        put_image(store, entry.image.repository, entry.image.tag, built)
        if entry.fault == "gone":
            for layer in json.loads(built.manifest)["layers"]:
                store.blob(layer["digest"]).unlink()


def registries(url: str) -> dict[str, dict[str, object]]:
    """The registry's settings for the hub."""
    return {REGISTRY_HOST: {"endpoint": url, "insecure": True, "allow_private": True}}
