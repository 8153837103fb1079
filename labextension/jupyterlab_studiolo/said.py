"""Sentences for people, kept so that they can be said in other languages. Pure.

A language belongs to a person's browser, and one server may have viewers in several. So what this
server says is English, and what it was made of stands beside it on the wire: the front end looks
the template up in its catalogue and fills the values in. The places are those of JupyterLab's own
`trans.__`: %1 is the first value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self, Union

Value = Union[str, int, float, "Said"]
"""A name, which is the same in every language; a number; or a sentence or a part of one."""

_PLACE: Final = re.compile(r"%(\d+)")


class Said(str):
    """What is said in English, with its template and its values."""

    __slots__ = ("template", "values")

    template: str
    values: tuple[Value, ...]

    def __new__(cls, template: str, *values: Value) -> Self:
        """`template` must be written out, so that it is found for the catalogues."""
        said = super().__new__(cls, _PLACE.sub(lambda place: _word(values, place), template))
        said.template, said.values = template, values
        return said

    def parts(self) -> dict[str, Any]:
        """The wire format: `Said` in openapi.json."""
        values = [value.parts() if isinstance(value, Said) else value for value in self.values]
        return {"template": self.template, "values": values}


def with_parts(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The same for JSON, with each sentence's parts beside it, under its own key and `_said`."""
    told = dict(answer)
    for key, value in answer.items():
        # By the very type: this sees every figure of every device, each second.
        kind = type(value)
        if kind is dict:
            told[key] = with_parts(value)
        elif kind is list:
            told[key] = [with_parts(item) if type(item) is dict else item for item in value]
        elif kind is Said:
            told[f"{key}_said"] = value.parts()
    return told


def _word(values: tuple[Value, ...], place: re.Match[str]) -> str:
    value = values[int(place[1]) - 1]
    # As the front end writes numbers: one decimal at most, and none where it says nothing.
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
