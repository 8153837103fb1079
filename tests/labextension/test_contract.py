"""The wire format: examples that both sides read, their description, and what our code writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jupyterlab_studiolo
import pytest
from jupyterlab_studiolo.devices import (
    Condition,
    Figures,
    GpuSample,
    Kind,
    Own,
    Sharing,
    State,
    Xid,
)
from jupyterlab_studiolo.nvml_figures import figures_of_card
from jupyterlab_studiolo.nvml_find import LOST
from jupyterlab_studiolo.nvml_words import xid_text
from jupyterlab_studiolo.routes import HANDLERS
from jupyterlab_studiolo.said import Said, with_parts

from tests.labextension.texts import texts

CONTRACT = Path(__file__).parent.parent / "contract"
OPENAPI: dict[str, Any] = json.loads(
    (Path(jupyterlab_studiolo.__file__).parent / "openapi.json").read_text("utf-8")
)
MIG_AND_LOST = "a MIG slice, a lost GPU, kept alive, near its longest run"
SHARED = "an idle notebook holds a shared GPU after a fallback, and the stop is near"
SCHEMAS = {
    "state": "State",
    "history": "History",
    "choices": "Choices",
}


def examples(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONTRACT / f"{name}.json").read_text("utf-8"))
    return found


def assert_is(schema: str, value: object) -> None:
    """Whether a value is what openapi.json calls by that name."""
    components = OPENAPI["components"]
    root = {**components["schemas"][schema], "components": components}
    jsonschema.Draft202012Validator(root).validate(value)


@pytest.mark.parametrize(
    ("file", "name"), [(file, name) for file in SCHEMAS for name in examples(file)]
)
def test_the_examples_are_as_described(file: str, name: str) -> None:
    assert_is(SCHEMAS[file], examples(file)[name])


def sentences(answer: Any) -> Iterator[tuple[str, Said]]:
    """Each sentence that has parts beside it, and what comes of the parts."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            if f"{key}_said" in answer:
                yield value, said(answer[f"{key}_said"])
            yield from sentences(value)
    elif isinstance(answer, list):
        for item in answer:
            yield from sentences(item)


def said(parts: dict[str, Any]) -> Said:
    values = [said(value) if isinstance(value, dict) else value for value in parts["values"]]
    return Said(parts["template"], *values)


@pytest.mark.parametrize("name", examples("state"))
def test_the_sentences_of_the_examples_are_what_their_parts_say(name: str) -> None:
    known = {message.id for message in texts() if message.id}
    found = list(sentences(examples("state")[name]))
    assert found
    for english, again in found:
        assert english == again
        assert again.template in known, "the server does not say this any more"


def test_a_wrong_answer_is_not() -> None:
    state = next(iter(examples("state").values()))
    with pytest.raises(jsonschema.ValidationError):
        assert_is("State", state | {"gpus": state["gpus"] | {"state": "fine"}})
    with pytest.raises(jsonschema.ValidationError):
        assert_is("State", state | {"more": 1})


def test_every_state_is_described() -> None:
    described = OPENAPI["components"]["schemas"]["Gpus"]["properties"]["state"]["enum"]
    assert sorted(described) == sorted(State)


def test_every_route_is_described_with_its_methods() -> None:
    known = {
        "/" + path.replace("\\", ""): {"get", "post"} & set(vars(handler))
        for path, handler in HANDLERS.items()
    }
    assert known == {path: set(entry) for path, entry in OPENAPI["paths"].items()}


def test_writes_a_slice_and_a_lost_gpu_as_in_the_examples() -> None:
    figures = Figures(
        memory_used_bytes=1073741824,
        memory_total_bytes=10334765056,
        temperature_celsius=44.0,
        power_watts=120.0,
        power_limit_watts=700.0,
        clock_sm_mhz=1755,
        clock_sm_max_mhz=1980,
        clock_memory_mhz=2619,
        clock_memory_max_mhz=2619,
        ecc_corrected=0,
        ecc_uncorrected=0,
    )
    name = "NVIDIA H100 80GB HBM3"
    lost = Xid(1772357374.0, 79, xid_text(79))
    of_card = [
        name
        for name in figures_of_card(mig=True, shared=False)
        if not name.startswith(("pcie", "nvlink"))
    ]
    written = [
        GpuSample(
            "MIG-77aa",
            "NVIDIA A100-SXM4-80GB MIG 1g.10gb",
            0,
            Kind.MIG,
            parent="GPU-9c01",
            figures=figures,
            of_card=tuple(of_card),
            throttle=(),
            xid=(),
        ),
        GpuSample(
            "GPU-dead",
            name,
            1,
            condition=Condition.LOST,
            problem=LOST,
            xid=(lost,),
        ),
    ]
    wanted = examples("state")[MIG_AND_LOST]["gpus"]["devices"]
    told = [with_parts(sample.to_json()) for sample in written]
    assert json.loads(json.dumps(told)) == wanted


def test_writes_a_shared_gpu_as_in_the_examples() -> None:
    wanted = examples("state")[SHARED]["gpus"]["devices"][0]
    sample = GpuSample(
        "GPU-5e1f",
        "NVIDIA A100-SXM4-80GB (simulated)",
        0,
        shared=True,
        sharing=Sharing.MPS,
        simulated=True,
        figures=Figures(**wanted["figures"]),
        of_card=figures_of_card(mig=False, shared=True),
        own=Own(0.0, 4294967296),
        throttle=(),
        xid=(),
    )
    assert json.loads(json.dumps(sample.to_json())) == wanted
