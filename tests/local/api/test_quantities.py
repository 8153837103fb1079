from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.api.quantities import (
    Quantity,
    QuantityError,
    parse_quantity,
    total,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        (".5", "500m"),
        ("0.5", "500m"),
        ("5.", "5"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.1", "100m"),
        ("100u", "100u"),
        ("0.0000000001", "1n"),
        ("1000", "1k"),
        ("1000k", "1M"),
        ("1500k", "1500k"),
        ("1024Ki", "1Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("1000Mi", "1000Mi"),
        ("0.5Ki", "512"),
        ("32Gi", "32Gi"),
        ("1e3", "1e3"),
        ("12e2", "1200"),
        ("1E", "1E"),
        ("128974848", "128974848"),
    ],
)
def test_quantities_have_one_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_quantity(text)) == canonical


@pytest.mark.parametrize(
    ("value", "amount"), [(2, 2), (0.25, Fraction(1, 4)), ("2k", 2000), ("2Ki", 2048)]
)
def test_numbers_are_quantities_too(value: object, amount: Fraction) -> None:
    assert parse_quantity(value).amount == amount


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "1 Gi",
        "Gi",
        "1gb",
        "1GiB",
        "one",
        "1e",
        "--1",
        "1.2.3",
        "٣",
        True,
        None,
        [],
        "9" * 65,
    ],
)
def test_what_is_no_quantity_is_refused(value: object) -> None:
    with pytest.raises(QuantityError, match="must match the regular expression"):
        parse_quantity(value)


def test_a_sum_keeps_the_form_of_its_first_part() -> None:
    assert str(total(map(parse_quantity, ["0", "1Gi", "1G"]))) == str(
        Quantity(Fraction(2**30 + 10**9), "binary")
    )
    assert str(total([])) == "0"


_SUFFIXES = st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3"])


@given(number=st.integers(0, 10**6), suffix=_SUFFIXES)
def test_the_canonical_form_says_the_same_amount(number: int, suffix: str) -> None:
    quantity = parse_quantity(f"{number}{suffix}")
    again = parse_quantity(str(quantity))
    assert again.amount == quantity.amount
    assert str(again) == str(quantity)
