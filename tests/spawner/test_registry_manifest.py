"""Manifests, indexes and configurations read from bytes: what is taken and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.causes import REASONS
from studiolo_spawner.registry_manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    BadContent,
    Index,
    Manifest,
    choose,
    digest_of,
    read_config,
    read_manifest,
    verify,
)

AMD64 = ("linux", "amd64")
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
CHART_TYPE = "application/vnd.cncf.helm.config.v1+json"


def pointer(letter: str, size: int = 1, media_type: str = "", **more: object) -> dict[str, Any]:
    return {"digest": f"sha256:{letter * 64}", "size": size, "mediaType": media_type, **more}


def manifest(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "schemaVersion": 2,
        "config": pointer("c", 10, CONFIG_TYPE),
        "layers": [pointer("a", 100), pointer("b", 1000)],
        **changes,
    }
    return json.dumps({key: value for key, value in fields.items() if value is not None}).encode()


def index(*platforms: tuple[str, str], **changes: object) -> bytes:
    entries = [
        pointer(f"{n:x}", platform={"os": system, "architecture": machine})
        for n, (system, machine) in enumerate(platforms)
    ]
    return json.dumps({"schemaVersion": 2, "manifests": entries, **changes}).encode()


def test_size_is_what_there_is_to_fetch() -> None:
    assert read_manifest(manifest(), OCI_MANIFEST) == Manifest(
        config=read_manifest(manifest(), OCI_MANIFEST).config,  # type: ignore[union-attr]
        size=1110,
    )


@pytest.mark.parametrize("content_type", [OCI_INDEX, "application/json", ""])
def test_index_is_known_by_its_content_where_the_header_is_silent(content_type: str) -> None:
    found = read_manifest(index(AMD64), content_type)
    assert isinstance(found, Index)
    assert choose(found, AMD64).digest == f"sha256:{'0' * 64}"


def test_platforms_are_named_when_ours_is_missing() -> None:
    found = read_manifest(
        index(("linux", "arm64"), ("unknown", "unknown"), ("<b>", "\r\n")), OCI_INDEX
    )
    assert isinstance(found, Index)
    with pytest.raises(BadContent) as refused:
        choose(found, AMD64)
    assert refused.value.reason == "wrong_platform"
    assert "linux/arm64" in refused.value.detail
    assert "unknown" not in refused.value.detail
    assert "\n" not in refused.value.detail


IMAGE_CONFIG = pointer("c", 10, CONFIG_TYPE)
REFUSED = {
    "schema 1": (manifest(schemaVersion=1), "image_format"),
    "schema 3": (manifest(schemaVersion=3), "image_damaged"),
    "no schema": (manifest(schemaVersion=None), "image_damaged"),
    "no layers": (manifest(layers=None), "image_format"),
    "layers that are none": (manifest(layers="x"), "image_damaged"),
    "no configuration": (manifest(config=None), "image_damaged"),
    "chart": (manifest(config=pointer("c", 1, CHART_TYPE)), "image_format"),
    "negative size": (manifest(layers=[pointer("a", -1)]), "image_damaged"),
    "size that is true": (manifest(layers=[{**pointer("a"), "size": True}]), "image_damaged"),
    "digest that is none": (manifest(layers=[{"digest": "sha256:x", "size": 1}]), "image_damaged"),
    "digest with a path": (manifest(config={**IMAGE_CONFIG, "digest": "../x"}), "image_damaged"),
    "thousands of layers": (manifest(layers=[pointer("a")] * 1001), "image_damaged"),
    "list": (b"[]", "image_damaged"),
    "nothing": (b"", "image_damaged"),
    "not UTF-8": (b"\xff\xfe", "image_damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused(content: bytes, reason: str) -> None:
    with pytest.raises(BadContent) as refused:
        read_manifest(content, OCI_MANIFEST)
    assert refused.value.reason == reason


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "schemaVersion",
                        "mediaType",
                        "manifests",
                        "layers",
                        "config",
                        "digest",
                        "size",
                        "os",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    reasons = []
    for read in (lambda: read_manifest(content, ""), lambda: read_config(content, AMD64)):
        try:
            read()
        except BadContent as refused:
            reasons.append(refused.reason)
    assert set(reasons) <= REASONS


# --- configuration --------------------------------------------------------------------------------


def test_configuration() -> None:
    content = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {"Labels": {"a": "b", "n": 1}, "Env": ["A=1", "B=x=y", "A=2", "C", 7]},
        }
    ).encode()
    found = read_config(content, AMD64)
    assert found.labels == {"a": "b"}
    assert found.environment == {"A": "2", "B": "x=y", "C": ""}


@pytest.mark.parametrize("content", [b"{}", b'{"config": null}', b'{"config": {"Env": null}}'])
def test_configuration_of_an_old_tool(content: bytes) -> None:
    found = read_config(content, AMD64)
    assert (dict(found.labels), dict(found.environment)) == ({}, {})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T09:00:00Z", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("2026-03-01T09:00:00.123456789Z", datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T10:00:00+01:00", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("2026-03-01T09:00:00", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (7, None),
        (None, None),
    ],
)
def test_when_it_was_built(written: object, read: datetime | None) -> None:
    assert read_config(json.dumps({"created": written}).encode(), AMD64).created == read


def test_configuration_is_bounded() -> None:
    labels = {str(n): "x" * 10_000 for n in range(600)}
    found = read_config(json.dumps({"config": {"Labels": labels}}).encode(), AMD64)
    assert len(found.labels) == 500
    assert max(map(len, found.labels.values())) == 4096


def test_other_platform() -> None:
    with pytest.raises(BadContent) as refused:
        read_config(b'{"os": "linux", "architecture": "arm64"}', AMD64)
    assert refused.value.detail == "the image is built for linux/arm64, not for linux/amd64"


# --- digests --------------------------------------------------------------------------------------


@given(st.binary(), st.sampled_from(["sha256:", "sha512:"]))
def test_digest_is_over_the_bytes(content: bytes, algorithm: str) -> None:
    digest = digest_of(content, algorithm)
    verify(content, digest, "content")
    with pytest.raises(BadContent):
        verify(content + b" ", digest, "content")


@pytest.mark.parametrize("digest", ["", "sha256:", "md5:" + "0" * 32, "sha256:" + "A" * 64])
def test_digest_of_no_known_kind_is_refused(digest: str) -> None:
    with pytest.raises(BadContent):
        verify(b"", digest, "content")
