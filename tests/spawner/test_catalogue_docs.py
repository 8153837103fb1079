"""The catalogue's reference in docs/: every field of every model, and no other."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from studiolo_spawner import catalogue_menu, catalogue_model
from studiolo_spawner.catalogue import Catalogue, parse_catalogue

DOCS = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text(encoding="utf-8")
MODELS = {
    name: model
    for name, model in (vars(catalogue_menu) | vars(catalogue_model)).items()
    if isinstance(model, type) and issubclass(model, BaseModel) and not name.startswith("_")
    if model.__module__.startswith("studiolo_spawner.catalogue_")
}


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL)
    assert found, f"docs/catalogue.md has no section {title}"
    return found[1]


@pytest.mark.parametrize("name", MODELS)
def test_every_field_is_documented_and_none_is_made_up(name: str) -> None:
    text = section("Top level" if MODELS[name] is Catalogue else name)
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == list(MODELS[name].model_fields)


def test_what_must_be_given_is_told() -> None:
    for name, model in MODELS.items():
        text = section("Top level" if model is Catalogue else name)
        for key, field in model.model_fields.items():
            row = re.search(rf"^\| `{key}` \|[^|]*\|([^|]*)\|", text, re.MULTILINE)
            assert row
            assert (row[1].strip() == "required") is field.is_required(), f"{name}.{key}"


def test_links_lead_somewhere() -> None:
    titles = {title.lower() for title in re.findall(r"^## (.+)$", DOCS, re.MULTILINE)}
    assert set(re.findall(r"\(#([\w-]+)\)", DOCS)) <= titles


def test_the_shortest_catalogue_is_one() -> None:
    text, *_ = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    assert parse_catalogue(text).images[0].id == "python"
