"""What the administrators' documentation shows can be used as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from studiolo_hub.settings_namespaces import UserNamespaces
from studiolo_spawner.catalogue import Profile, parse_catalogue
from studiolo_spawner.spawner import WorkspaceSpawner
from traitlets.config import Config

from tests.helm.test_chart_reference import SCHEMA

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("installation", "operations", "gpus")),
    ROOT / "helm" / "README.md",
]


def blocks(page: Path) -> Iterator[Any]:
    """The YAML that a page shows, parsed."""
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        yield from yaml.safe_load_all(text)


def shown(kind: str) -> list[Any]:
    """The values, or the profiles, of all pages, with where they stand."""
    found = []
    for page in PAGES:
        for number, block in enumerate(blocks(page)):
            place = f"{page.name}-{number}"
            if isinstance(block, list):
                profiles = [each for each in block if "id" in each]
                found += [pytest.param(each, id=place) for each in profiles if kind == "profile"]
            elif "profiles" in block:
                found += [
                    pytest.param(each, id=place) for each in block["profiles"] if kind == "profile"
                ]
            elif not {"kind", "version", "tolerations"} & block.keys() and kind == "values":
                found.append(pytest.param(block, id=place))
    return found


@pytest.mark.parametrize("values", shown("values"))
def test_values_are_what_the_chart_knows(values: dict[str, Any]) -> None:
    jsonschema.validate(values, SCHEMA)
    if (catalogue := values.get("catalogue")) is not None and catalogue:
        parse_catalogue(yaml.safe_dump(catalogue).encode(), source="the page")


@pytest.mark.parametrize("profile", shown("profile"))
def test_profiles_are_what_the_catalogue_knows(profile: dict[str, Any]) -> None:
    Profile.model_validate(profile)


def test_something_is_shown() -> None:
    assert len(shown("values")) >= 6
    assert len(shown("profile")) >= 5


def test_what_goes_into_another_hubs_configuration_is_configuration() -> None:
    (values, *_) = blocks(ROOT / "docs" / "zero-to-jupyterhub.md")
    c = Config()
    exec(values["hub"]["extraConfig"]["studiolo"], {"c": c})
    assert c.JupyterHub.spawner_class == (
        f"{WorkspaceSpawner.__module__}.{WorkspaceSpawner.__qualname__}"
    )
    known = WorkspaceSpawner.class_traits(config=True).keys()
    assert c.WorkspaceSpawner.keys() - known == set()


def test_the_default_prefix_is_one() -> None:
    assert UserNamespaces().prefix == "studiolo-"
