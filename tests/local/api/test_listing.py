from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from studiolo_local.api import resources
from studiolo_local.api.deletion import Options
from studiolo_local.api.entries import Key
from studiolo_local.api.listing import Page, page_of
from studiolo_local.api.queries import list_query, scope_of
from studiolo_local.api.status_errors import ApiError
from studiolo_local.api.store import Store

from tests.local.api.samples import cluster, config_map


def page(store: Store, **query: str) -> Page:
    scope = scope_of(resources.CONFIG_MAPS, "default", query)
    return page_of(store, list_query(scope, query))


def names(page: Page) -> str:
    return "".join(entry.key.name for entry in page.entries)


def five(history: int = 5000) -> Any:
    store, operations = cluster(Store(history=history))
    for name in "abcde":
        operations.create(resources.CONFIG_MAPS, "default", config_map(name))
    return store, operations


def test_pages_follow_each_other_and_count_what_is_left() -> None:
    store, _ = five()
    first = page(store, limit="2")
    second = page(store, limit="2", **{"continue": first.continuation})
    third = page(store, limit="2", **{"continue": second.continuation})
    assert [names(each) for each in (first, second, third)] == ["ab", "cd", "e"]
    assert [each.remaining for each in (first, second, third)] == [3, 1, None]
    assert third.continuation == ""
    assert {each.version for each in (first, second, third)} == {store.version}


def test_all_pages_show_one_moment() -> None:
    store, operations = five()
    first = page(store, limit="2")
    operations.delete(resources.CONFIG_MAPS, Key("default", "d"), Options())
    operations.create(resources.CONFIG_MAPS, "default", config_map("cc"))
    operations.replace(resources.CONFIG_MAPS, Key("default", "e"), config_map("e", new="1"))
    second = page(store, limit="9", **{"continue": first.continuation})
    assert names(second) == "cde"
    assert b"new" not in second.entries[-1].body
    assert second.version == first.version


def test_a_continuation_that_history_does_not_reach_is_expired() -> None:
    store, operations = five(history=3)
    first = page(store, limit="2")
    for count in range(9):
        operations.replace(
            resources.CONFIG_MAPS, Key("default", "a"), config_map("a", count=str(count))
        )
    with pytest.raises(ApiError, match="continue parameter is too old") as caught:
        page(store, **{"continue": first.continuation})
    assert (caught.value.code, caught.value.reason) == (410, "Expired")


def test_an_earlier_version_can_be_had_exactly() -> None:
    store, operations = five()
    version = str(store.version)
    operations.delete(resources.CONFIG_MAPS, Key("default", "a"), Options())
    exact = page(store, resourceVersion=version, resourceVersionMatch="Exact")
    assert (names(exact), str(exact.version)) == ("abcde", version)
    newer = page(store, resourceVersion=version, resourceVersionMatch="NotOlderThan")
    assert (names(newer), newer.version) == ("bcde", store.version)


def test_the_future_is_told_to_try_again() -> None:
    store, _ = five()
    with pytest.raises(ApiError, match="Too large resource version: 999999, current:") as caught:
        page(store, resourceVersion="999999", resourceVersionMatch="NotOlderThan")
    assert (caught.value.code, caught.value.retry_after) == (504, 1)


def test_a_selected_page_does_not_count_what_is_left() -> None:
    store, _ = five()
    selected = page(store, limit="1", fieldSelector="metadata.name!=a")
    assert (names(selected), selected.remaining) == ("b", None)


@pytest.mark.parametrize(
    "token",
    ["x", "eyJ9", base64.b64encode(b'{"rv":1}').decode(), base64.b64encode(b"[1]").decode()],
)
def test_a_made_up_continuation_is_refused(token: str) -> None:
    store, _ = five()
    with pytest.raises(ApiError, match="continue key is not valid"):
        page(store, **{"continue": token})


def test_items_carry_no_kind_and_the_list_does() -> None:
    store, _ = five()
    document = json.loads(page(store, limit="1").document(resources.CONFIG_MAPS))
    assert (document["kind"], document["apiVersion"]) == ("ConfigMapList", "v1")
    assert "kind" not in document["items"][0]
