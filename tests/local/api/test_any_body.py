"""Whatever a client sends, it is answered with an object or with a refusal: never with a fault."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from studiolo_local.api import resources
from studiolo_local.api.entries import JsonObject, Key
from studiolo_local.api.operations import Operations
from studiolo_local.api.patch import PATCHES
from studiolo_local.api.resources import RESOURCES, Resource
from studiolo_local.api.schema import types
from studiolo_local.api.status_errors import ApiError
from studiolo_local.api.terms import Terms, delete_options

from tests.local.api.samples import cluster, labelled

SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "a", "one", "default", "1Gi", "Always", "2026-01-01T00:00:00Z", "a b"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "name", "$patch"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def like(kind: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return objects that have some of a type's fields, mostly of the right types."""
    if depth > 5:
        return st.just({})
    fields = types()[kind]
    some = st.sets(st.sampled_from(sorted(fields)), max_size=4) if fields else st.just(set())
    return some.flatmap(
        lambda names: st.fixed_dictionaries(
            {name: st.one_of(_value(fields[name], depth), ANYTHING) for name in names}
        )
    )


def _value(written: str, depth: int) -> st.SearchStrategy[Any]:
    wrapper, _, inner = written.rpartition(":")
    value = like(inner, depth + 1) if inner in types() else SCALARS
    if wrapper == "list":
        return st.lists(value, max_size=2)
    if wrapper == "map":
        return st.dictionaries(st.sampled_from(["a", "cpu", "x/y", "B C"]), value, max_size=2)
    return value


def fresh() -> Operations:
    _, operations = cluster()
    operations.create(resources.PODS, "default", labelled("one", a="b"))
    return operations


def answered(action: Callable[[], Any]) -> Any:
    """Return what an action returns, or None when it is properly refused."""
    try:
        return action()
    except ApiError as error:
        if not 400 <= error.code < 500:
            raise
        return None


@st.composite
def bodies(draw: st.DrawFn) -> tuple[Resource, JsonObject]:
    resource = draw(st.sampled_from(RESOURCES))
    return resource, draw(like(resource.kind))


@settings(max_examples=150, deadline=None)
@given(bodies())
def test_create(sent: tuple[Resource, JsonObject]) -> None:
    resource, body = sent
    for named in (False, True):
        content = copy.deepcopy(body)
        if named and isinstance(content.get("metadata", {}), dict):
            content["metadata"] = {**content.get("metadata", {}), "name": "new"}
        namespace = "default" if resource.namespaced else ""
        made = answered(partial(fresh().create, resource, namespace, content))
        assert made is None or made.content()["metadata"]["name"]


@settings(max_examples=150, deadline=None)
@given(patch=like("Pod"), media_type=st.sampled_from(sorted(PATCHES)))
def test_patch(patch: JsonObject, media_type: str) -> None:
    operations = fresh()
    for subresource in ("", "status"):
        key = Key("default", "one")
        change = partial(operations.patch, resources.PODS, key, media_type, patch)
        answered(partial(change, subresource=subresource))


@settings(max_examples=100, deadline=None)
@given(like("Pod"))
def test_apply(body: JsonObject) -> None:
    terms = Terms(manager="tests", force=True)
    operations = fresh()
    for name in ("one", "new"):
        key = Key("default", name)
        answered(partial(operations.apply, resources.PODS, key, copy.deepcopy(body), terms))


@settings(max_examples=50, deadline=None)
@given(like("DeleteOptions"))
def test_delete(body: JsonObject) -> None:
    asked = answered(lambda: delete_options(body, {}))
    if asked is not None:
        answered(partial(fresh().delete, resources.PODS, Key("default", "one"), *asked))
