from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.api.selectors import (
    Requirement,
    Selector,
    SelectorError,
    parse_field_selector,
    parse_label_selector,
)

LABELS = {"app": "hub", "tier": "gpu", "empty": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("   ", True),
        ("app=hub", True),
        ("app==hub", True),
        ("app = hub", True),
        ("app=proxy", False),
        ("app!=proxy", True),
        ("app!=hub", False),
        ("absent!=hub", True),
        ("absent=hub", False),
        ("empty=", True),
        ("absent=", False),
        ("app", True),
        ("absent", False),
        ("!absent", True),
        ("! absent", True),
        ("!app", False),
        ("app in (hub,proxy)", True),
        ("app in ( hub , proxy )", True),
        ("app in (proxy)", False),
        ("app notin (proxy)", True),
        ("absent notin (proxy)", True),
        ("app notin (hub)", False),
        ("app=hub,tier in (cpu,gpu),!absent", True),
        ("app=hub,tier in (cpu)", False),
    ],
)
def test_label_selectors_take_what_kubernetes_takes(text: str, expected: bool) -> None:
    assert parse_label_selector(text).matches(LABELS) is expected


@pytest.mark.parametrize(
    "text",
    [
        "app=hub,,tier=gpu",
        "=hub",
        "app in hub",
        "app in (hub",
        "app=a b",
        "app===hub",
        "-app=hub",
        "app=-hub",
        "a/b/c=d",
        "app=" + "x" * 64,
        "app in (a,b))",
    ],
)
def test_a_label_selector_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SelectorError, match="unable to parse requirement"):
        parse_label_selector(text)


FIELDS = {"metadata.name": "one", "status.phase": "Pending", "spec.nodeName": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("metadata.name=one", True),
        ("metadata.name==one", True),
        ("metadata.name=two", False),
        ("status.phase!=Running,status.phase!=Failed", True),
        ("spec.nodeName=", True),
        ("spec.nodeName!=", False),
        ("metadata.name=one,status.phase=Running", False),
    ],
)
def test_field_selectors_take_what_kubernetes_takes(text: str, expected: bool) -> None:
    assert parse_field_selector(text, FIELDS).matches(FIELDS) is expected


def test_a_field_that_cannot_be_selected_by_is_named() -> None:
    with pytest.raises(SelectorError, match=r"field label not supported: spec\.image"):
        parse_field_selector("spec.image=x", FIELDS)


@pytest.mark.parametrize("text", ["metadata.name", "=one", "metadata.name>one"])
def test_a_field_selector_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_field_selector(text, FIELDS)


_WORDS = st.sampled_from(["a", "b", "c"])


@given(
    attributes=st.dictionaries(_WORDS, _WORDS),
    key=_WORDS,
    values=st.frozensets(_WORDS, min_size=1),
)
def test_a_condition_and_its_negation_share_out_all_objects(
    attributes: dict[str, str], key: str, values: frozenset[str]
) -> None:
    taken = Selector((Requirement(key, values),)).matches(attributes)
    left = Selector((Requirement(key, values, negated=True),)).matches(attributes)
    assert taken is not left


@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_refused_as_one(text: str) -> None:
    with suppress(SelectorError):
        assert parse_label_selector(text).matches({}) in {True, False}
