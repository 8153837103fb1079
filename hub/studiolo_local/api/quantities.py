"""Kubernetes quantities such as `500m`, `1.5Gi` and `2e3`. Pure and exact.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Literal

_BINARY = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_FORM = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_LONGEST = 64
_SMALLEST = Fraction(1, 10**9)

Form = Literal["binary", "decimal", "exponent"]


class QuantityError(ValueError):
    """A text that is no quantity."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount, and the family of suffixes it is written in."""

    amount: Fraction
    form: Form = "decimal"

    def __str__(self) -> str:
        """Return the canonical text: a whole number with the largest suffix that loses nothing."""
        if self.amount == 0:
            return "0"
        if self.form == "binary" and abs(self.amount) >= 1 and self.amount.denominator == 1:
            whole = int(self.amount)
            suffix = next(s for s, p in reversed(_BINARY.items()) if whole % (1 << p) == 0)
            return f"{whole >> _BINARY[suffix]}{suffix}"
        # Finer than a billionth is rounded up: a request is never taken for less than it is.
        billionths = ceil(abs(self.amount) / _SMALLEST)
        sign = "-" if self.amount < 0 else ""
        suffix = next(s for s, p in reversed(_DECIMAL.items()) if billionths % 10 ** (p + 9) == 0)
        power = _DECIMAL[suffix]
        text = f"{sign}{billionths // 10 ** (power + 9)}"
        if self.form == "exponent":
            return f"{text}e{power}" if power else text
        return text + suffix

    def __add__(self, other: Quantity) -> Quantity:
        form = self.form if self.amount else other.form
        return Quantity(self.amount + other.amount, form)


ZERO = Quantity(Fraction(0))


def parse_quantity(value: object) -> Quantity:
    """Return the quantity that a string or number stands for; raises QuantityError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise QuantityError(RULE)
    text = str(value)
    if len(text) > _LONGEST:
        raise QuantityError(RULE)
    return _parsed(text)


@lru_cache(maxsize=4096)  # A cluster says the same few quantities over and over.
def _parsed(text: str) -> Quantity:
    match = _FORM.fullmatch(text)
    if match is None:
        raise QuantityError(RULE)
    number = Fraction(match["number"])
    suffix = match["suffix"] or ""
    if match["exponent"] is not None:
        return Quantity(number * Fraction(10) ** int(match["exponent"]), "exponent")
    if suffix.endswith("i"):
        return Quantity(number * (1 << _BINARY[suffix]), "binary")
    return Quantity(number * Fraction(10) ** _DECIMAL[suffix])


def total(quantities: Iterable[Quantity]) -> Quantity:
    """Return the sum, in the form of the first that is not zero."""
    result = ZERO
    for quantity in quantities:
        result += quantity
    return result
