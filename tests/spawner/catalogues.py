"""Catalogues for the tests of everything that reads one."""

from importlib.resources import files
from typing import Any

from studiolo_spawner.catalogue import Catalogue, parse_catalogue

DATA = files("studiolo_spawner").joinpath("data")
EXAMPLE = DATA.joinpath("example-catalogue.yaml").read_text(encoding="utf-8")


def example() -> Catalogue:
    """The catalogue that is shipped."""
    return parse_catalogue(EXAMPLE)


def image(image_id: str, **fields: Any) -> dict[str, Any]:
    """An image as plain data; only what a test is about needs to be said."""
    return {
        "id": image_id,
        "display_name": f"The {image_id}",
        "reference": f"ghcr.io/your-lab/{image_id}:1",
        **fields,
    }


def profile(profile_id: str = "cpu", **fields: Any) -> dict[str, Any]:
    """A profile as plain data."""
    return {
        "id": profile_id,
        "display_name": f"The {profile_id}",
        "cpu": 4,
        "memory": "16Gi",
        **fields,
    }


def gpu_profile(profile_id: str = "gpu", **fields: Any) -> dict[str, Any]:
    """A profile with one GPU as plain data."""
    return profile(profile_id, resource="nvidia.com/gpu", count=1, **fields)


def pytorch(version: str, **fields: Any) -> dict[str, Any]:
    """A PyTorch image as plain data."""
    provides = {
        "tools": ["jupyterlab", "tensorboard"],
        "frameworks": {"pytorch": version},
        "cuda": "12.8",
    }
    return image(f"pytorch-{version}", **{"provides": provides, "tasks": ["train"], **fields})


def catalogue(
    images: list[dict[str, Any]] | None = None,
    profiles: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> Catalogue:
    """A catalogue of plain data, checked by the models alone."""
    return Catalogue.model_validate(
        {
            "version": 1,
            "images": images or [image("python")],
            "profiles": profiles or [profile()],
            **fields,
        }
    )
