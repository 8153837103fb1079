"""Images of the catalogue that turn out to be bad, each in its own way, in the cluster's registry.

`empty` has no JupyterHub in it; `crash` ends at once; `silent` runs and never answers; of `gone`
the registry has the manifest and no longer the layer; `lost` is well until a test deletes it.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e import registry

SERVER = "jupyterhub-singleuser"
CRASH = {"CRASH": "ImportError: libcudart.so.12: cannot open shared object file"}


def push(program: Path) -> None:
    """Push all of them. `program`: one that runs and does nothing."""
    registry.push("empty", "1", registry.program_image(program, entrypoint=False))
    for name in ("crash", "silent", "gone", "lost"):
        image = registry.program_image(
            program,
            entrypoint=False,
            name=SERVER,
            environment=CRASH if name == "crash" else {},
            # So that no image has its layer in common with another.
            mark=name,
        )
        registry.push(name, "1", image)
        if name == "gone":
            for layer in json.loads(image.manifest)["layers"]:
                registry.delete_layer(name, layer["digest"])
