from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.api.json_patch import (
    PatchError,
    PatchMismatchError,
    json_patch,
    merge_patch,
)

DOCUMENT = {"a": {"b": [1, 2, 3]}, "x~y/z": 1, "none": None}


@pytest.mark.parametrize(
    ("operation", "path", "expected"),
    [
        ({"op": "add", "path": "/a/c", "value": 4}, ("a", "c"), 4),
        ({"op": "add", "path": "/a/b/0", "value": 0}, ("a", "b"), [0, 1, 2, 3]),
        ({"op": "add", "path": "/a/b/-", "value": 4}, ("a", "b"), [1, 2, 3, 4]),
        ({"op": "add", "path": "/a/b/3", "value": 4}, ("a", "b"), [1, 2, 3, 4]),
        ({"op": "replace", "path": "/a/b/1", "value": 9}, ("a", "b"), [1, 9, 3]),
        ({"op": "replace", "path": "/x~0y~1z", "value": 2}, ("x~y/z",), 2),
        ({"op": "remove", "path": "/a/b/0"}, ("a", "b"), [2, 3]),
        ({"op": "move", "from": "/a/b/0", "path": "/a/b/2"}, ("a", "b"), [2, 3, 1]),
        ({"op": "move", "from": "/a/b", "path": "/moved"}, ("moved",), [1, 2, 3]),
        ({"op": "copy", "from": "/a/b", "path": "/copied"}, ("copied",), [1, 2, 3]),
        ({"op": "test", "path": "/a/b", "value": [1, 2, 3]}, ("a", "b"), [1, 2, 3]),
        ({"op": "test", "path": "/absent", "value": None}, ("a", "b"), [1, 2, 3]),
    ],
)
def test_each_operation_does_what_rfc_6902_says(
    operation: dict[str, Any], path: tuple[str, ...], expected: object
) -> None:
    before = copy.deepcopy(DOCUMENT)
    result = json_patch(DOCUMENT, [operation])
    for step in path:
        result = result[step]
    assert result == expected
    assert before == DOCUMENT


def test_the_whole_document_can_be_replaced() -> None:
    assert json_patch(DOCUMENT, [{"op": "add", "path": "", "value": {"new": 1}}]) == {"new": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/absent"},
        {"op": "replace", "path": "/absent", "value": 1},
        {"op": "add", "path": "/absent/deeper", "value": 1},
        {"op": "add", "path": "/a/b/4", "value": 1},
        {"op": "add", "path": "/a/b/01", "value": 1},
        {"op": "add", "path": "/a/b/-1", "value": 1},
        {"op": "remove", "path": "/a/b/-"},
        {"op": "remove", "path": ""},
        {"op": "test", "path": "/a/b/0", "value": True},
        {"op": "test", "path": "/a/b", "value": [3, 2, 1]},
        {"op": "move", "from": "/absent", "path": "/a"},
        {"op": "add", "path": "/none/x", "value": 1},
    ],
    ids=str,
)
def test_an_operation_that_does_not_fit_changes_nothing(operation: dict[str, Any]) -> None:
    with pytest.raises(PatchMismatchError):
        json_patch(DOCUMENT, [{"op": "add", "path": "/first", "value": 1}, operation])
    assert "first" not in DOCUMENT


@pytest.mark.parametrize(
    "patch",
    [
        {},
        "text",
        [1],
        [{"op": "frobnicate", "path": "/a"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "value": 1}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "move", "path": "/a"}],
        [{"op": "move", "from": "/a", "path": "/a/b"}],
        [{"op": "test", "path": "/a", "value": 1}] * 10_001,
    ],
    ids=lambda patch: str(patch)[:40],
)
def test_a_malformed_patch_is_refused(patch: Any) -> None:
    with pytest.raises(PatchError):
        json_patch(DOCUMENT, patch)


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
    ids=str,
)
def test_merge_patch_does_what_rfc_7396_says(
    document: object, patch: object, expected: object
) -> None:
    before = copy.deepcopy(document)
    assert merge_patch(document, patch) == expected
    assert document == before


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(document=_JSON, patch=_JSON)
def test_a_merge_is_finished_after_one_time(document: object, patch: object) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@given(document=_JSON, patch=_JSON)
def test_any_json_is_a_patch_or_refused_as_one(document: object, patch: object) -> None:
    with suppress(PatchError):
        json_patch(document, patch)
