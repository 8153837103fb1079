from __future__ import annotations

import pytest
from studiolo_local.api import resources
from studiolo_local.api.queries import flag, list_query, scope_of, watch_query
from studiolo_local.api.status_errors import ApiError


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"labelSelector": "a in b"}, 400),
        ({"fieldSelector": "spec.image=x"}, 400),
        ({"resourceVersion": "abc"}, 400),
        ({"resourceVersion": "-1"}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "Roughly", "resourceVersion": "1"}, 422),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422),
        ({"continue": "x", "resourceVersion": "5"}, 400),
        ({"limit": "many"}, 400),
    ],
    ids=str,
)
def test_a_list_that_makes_no_sense_is_refused(query: dict[str, str], code: int) -> None:
    with pytest.raises(ApiError) as caught:
        list_query(scope_of(resources.PODS, None, query), query)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "query",
    [
        {"sendInitialEvents": "true"},
        {"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"},
    ],
    ids=str,
)
def test_a_watch_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ApiError) as caught:
        watch_query(scope_of(resources.PODS, None, query), query)
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("True", True), ("1", True), ("", True), ("false", False), ("0", False)],
)
def test_a_flag_is_read_as_kubernetes_reads_it(value: str, expected: bool) -> None:
    assert flag({"watch": value}, "watch") is expected
    assert flag({}, "watch") is False
