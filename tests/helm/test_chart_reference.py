"""The chart's schema and reference say what its values file says."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    path = ROOT / "scripts" / "write_chart_reference.py"
    spec = importlib.util.spec_from_file_location("write_chart_reference", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


writer = _load()
SCHEMA = json.loads(writer.SCHEMA.read_text())
CATALOGUE = yaml.safe_load(
    (ROOT / "spawner/studiolo_spawner/data/example-catalogue.yaml").read_text()
)


def test_both_files_are_fresh() -> None:
    values = writer.read_values(writer.VALUES.read_text())
    again = "run: python scripts/write_chart_reference.py"
    assert json.dumps(writer.schema_of(values), indent=2) + "\n" == writer.SCHEMA.read_text(), again
    assert writer.reference_of(values) == writer.REFERENCE.read_text(), again


def test_the_defaults_are_what_the_schema_allows() -> None:
    jsonschema.validate(yaml.safe_load(writer.VALUES.read_text()), SCHEMA)


def test_the_example_catalogue_is_allowed() -> None:
    jsonschema.validate({"catalogue": CATALOGUE}, SCHEMA)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"colour": "blue"}, id="unknown value"),
        pytest.param({"hub": {"databse": {}}}, id="mistyped part"),
        pytest.param({"networkPolicies": {"enabled": "yes"}}, id="a text for true or false"),
        pytest.param({"hub": {"database": {"kind": "memory"}}}, id="no such choice"),
        pytest.param({"proxy": {"nodePort": -1}}, id="negative number"),
        pytest.param({"catalogue": {"version": 2}}, id="another catalogue format"),
        pytest.param({"catalogue": {**CATALOGUE, "imagse": []}}, id="mistyped catalogue"),
        pytest.param({"signIn": {"allowedGroups": "ml"}}, id="a text for a list of groups"),
    ],
)
def test_what_is_mistyped_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, SCHEMA)


def test_a_value_that_nobody_explains_is_refused() -> None:
    with pytest.raises(writer.BadValues, match=r"values.yaml:3: hub.secret is not explained"):
        writer.read_values("# The hub.\nhub:\n  secret: ''\n")
