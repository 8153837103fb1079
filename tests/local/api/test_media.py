from __future__ import annotations

import pytest
from studiolo_local.api.media import LIST_SHAPES, OBJECT_SHAPES, best_accepted, decoded
from studiolo_local.api.status_errors import ApiError

KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("header", "shape"),
    [
        ("", ""),
        ("*/*", ""),
        ("application/json, */*", ""),
        ("application/vnd.kubernetes.protobuf,application/json", ""),
        (KUBECTL, "Table"),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "PartialObjectMetadata"),
        ("application/json;as=Unheard;g=meta.k8s.io;v=v1,application/json", ""),
        ("application/json;as=Table;g=other;v=v1,application/json", ""),
    ],
)
def test_the_first_representation_that_can_be_had_is_given(header: str, shape: str) -> None:
    assert best_accepted(header, OBJECT_SHAPES).shape == shape


def test_lists_have_shapes_of_their_own() -> None:
    header = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert best_accepted(header, LIST_SHAPES).shape == "PartialObjectMetadataList"
    with pytest.raises(ApiError) as caught:
        best_accepted(header, OBJECT_SHAPES)
    assert caught.value.code == 406


def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        best_accepted("text/html", OBJECT_SHAPES)
    assert caught.value.code == 406


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/json; charset=utf-8", b"[]", []),
        ("", b"1", 1),
        ("application/merge-patch+json", b"{}", {}),
        ("application/yaml", b"a: 2026-01-01\nb: [1]", {"a": "2026-01-01", "b": [1]}),
        ("application/apply-patch+yaml", b'{"a": 1}', {"a": 1}),
        ("application/json", rb'{"a": "\ud800x\ud83d\ude00"}', {"a": "\ufffdx\U0001f600"}),
        ("application/yaml", b"1: 2", {"1": 2}),
    ],
)
def test_bodies_are_read_by_their_content_type(
    content_type: str, body: bytes, expected: object
) -> None:
    assert decoded(content_type, body) == expected


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/yaml", b"a: &x 1\nb: *x", 400),
        ("application/yaml", b"!!python/object:os.system {}", 400),
        ("application/json", b"[NaN]", 400),
        ("application/json", b"[1e999]", 400),
        ("application/yaml", b"[.inf]", 400),
        ("application/yaml", b"!!set {a, b}", 400),
        ("application/yaml", b"!!binary aaaa", 400),
        ("application/vnd.kubernetes.protobuf", b"{}", 400),
        ("text/plain", b"{}", 415),
        ("application/cbor", b"", 415),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_cannot_be_read_is_refused(content_type: str, body: bytes, code: int) -> None:
    with pytest.raises(ApiError) as caught:
        decoded(content_type, body)
    assert caught.value.code == code
