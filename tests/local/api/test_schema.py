from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from studiolo_local.api.schema import ShapeError, tidy

from tests.local.api.samples import pod

SCRIPT = Path(__file__).parents[3] / "scripts" / "write_api_schema.py"


def test_the_schema_is_that_of_the_installed_client() -> None:
    spec = importlib.util.spec_from_file_location("write_api_schema", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TARGET.read_text() == script.rendered(), "run scripts/write_api_schema.py"


def container(**fields: Any) -> dict[str, Any]:
    content = pod()
    content["spec"]["containers"][0] |= fields
    return content


def test_unknown_fields_are_dropped_and_named() -> None:
    content = container(bogus=1, env=[{"name": "A", "valeu": "1"}])
    content["extra"] = {}
    assert tidy("Pod", content) == [
        "spec.containers[0].bogus",
        "spec.containers[0].env[0].valeu",
        "extra",
    ]
    assert content == container(env=[{"name": "A"}])


def test_null_is_the_same_as_nothing() -> None:
    content = container(env=None, args=["a"], resources={"limits": {"cpu": None, "memory": "1"}})
    content["metadata"]["labels"] = None
    assert tidy("Pod", content) == []
    assert content == container(args=["a"], resources={"limits": {"memory": "1"}})


def test_nothing_within_is_the_same_as_nothing() -> None:
    content = container(args=[], resources={"limits": {}})
    content["metadata"]["labels"] = {}
    content["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    assert tidy("Pod", content) == []
    expected = container(resources={})
    expected["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    assert content == expected


def test_bytes_are_base64() -> None:
    assert tidy("Secret", {"metadata": {}, "data": {"k": "dg=="}}) == []
    for text, place in (("!!", 0), ("dg==x", 2), ("d", 1)):
        with pytest.raises(ShapeError, match=f"illegal base64 data at input byte {place}"):
            tidy("Secret", {"metadata": {}, "data": {"k": text}})


def test_quantities_become_canonical() -> None:
    content = container(resources={"limits": {"cpu": 0.5, "memory": "1024Mi"}})
    tidy("Pod", content)
    limits = content["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "500m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            container(env=[{"name": "A", "value": 5}]),
            "json: cannot unmarshal number into Go struct field "
            "EnvVar.spec.containers.env.value of type string",
            id="number for text",
        ),
        pytest.param(
            container(ports=[{"containerPort": "80"}]),
            "json: cannot unmarshal string into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32",
            id="text for number",
        ),
        pytest.param(container(stdin=1), "of type bool", id="number for truth"),
        pytest.param(container(args="a"), r"of type \[\]string", id="text for list"),
        pytest.param(container(resources=[]), "of type v1.ResourceRequirements", id="list for map"),
        pytest.param(
            {"metadata": {"labels": {"a": 1}}}, r"of type string", id="number for a label"
        ),
        pytest.param({"metadata": {"labels": []}}, r"of type map\[string\]string", id="list"),
        pytest.param({"metadata": {"name": True}}, "cannot unmarshal bool", id="truth for text"),
        pytest.param(
            container(resources={"limits": {"memory": "1 GB"}}),
            "quantities must match the regular expression",
            id="no quantity",
        ),
        pytest.param(
            {"metadata": {"deletionTimestamp": "yesterday"}}, "parsing time", id="no time"
        ),
        pytest.param(
            {"metadata": {"creationTimestamp": "2026-02-30T00:00:00Z"}},
            "parsing time",
            id="no such day",
        ),
    ],
)
def test_a_value_of_a_wrong_type_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        tidy("Pod", content)
