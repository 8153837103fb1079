"""Sentences with what they were made of."""

from __future__ import annotations

import json

import pytest
from jupyterlab_studiolo.said import Said, Value, with_parts

HOT = Said("slowed down: too hot")


@pytest.mark.parametrize(
    ("template", "values", "english"),
    [
        pytest.param("Nothing to fill in.", (), "Nothing to fill in.", id="no values"),
        pytest.param("%1 is %1, %2 % full.", ("a", 96), "a is a, 96 % full.", id="places"),
        pytest.param("%1 GiB", (4.0,), "4 GiB", id="a whole number"),
        pytest.param("%1 GiB", (4.25,), "4.2 GiB", id="one decimal"),
        pytest.param("GPU %1 is %2.", (1, HOT), "GPU 1 is slowed down: too hot.", id="a part"),
        pytest.param("%2 before %1", ("%2", "b"), "b before %2", id="a value like a place"),
        pytest.param("%10%1", tuple("abcdefghij"), "ja", id="ten values"),
    ],
)
def test_is_its_english(template: str, values: tuple[Value, ...], english: str) -> None:
    said = Said(template, *values)
    assert said == english
    assert json.dumps({"message": said}) == json.dumps({"message": english})


def test_has_its_parts_beside_it_on_the_wire() -> None:
    answer = {
        "plain": "",
        "many": [{"text": Said("GPU %1 is %2.", 1, HOT)}, 2, None],
        "hint": HOT,
    }
    hot = {"template": "slowed down: too hot", "values": []}
    assert with_parts(answer) == {
        "plain": "",
        "many": [
            {
                "text": "GPU 1 is slowed down: too hot.",
                "text_said": {"template": "GPU %1 is %2.", "values": [1, hot]},
            },
            2,
            None,
        ],
        "hint": "slowed down: too hot",
        "hint_said": hot,
    }
