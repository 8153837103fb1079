"""The registry over HTTP: what the distribution specification promises to who pulls and pushes."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from studiolo_local.registry.access import Access
from studiolo_local.registry.blobs import digest_of
from studiolo_local.registry.demo_images import put_image, seed
from studiolo_local.registry.oci_image import (
    MANIFEST_TYPE,
    ImageFile,
    ImageRecipe,
    build_image,
)
from studiolo_local.registry.server import LocalRegistry

USERS = {"demo": "pass:word"}
BASIC = "Basic " + base64.b64encode(b"demo:pass:word").decode()
IMAGE = build_image(ImageRecipe({"README": ImageFile(b"hello")}))


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[LocalRegistry]:
    registry = LocalRegistry(tmp_path, access=Access(USERS))
    put_image(registry.store, "team/image", "1.0", IMAGE)
    await registry.start()
    yield registry
    await registry.stop()


@pytest.fixture
async def http(registry: LocalRegistry) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(registry.url) as session:
        yield session


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("reference", ["1.0", IMAGE.digest], ids=["tag", "digest"])
async def test_a_manifest(http: aiohttp.ClientSession, method: str, reference: str) -> None:
    async with http.request(method, f"/v2/team/image/manifests/{reference}") as answer:
        assert answer.status == 200
        assert answer.headers["Docker-Content-Digest"] == IMAGE.digest
        assert answer.headers["Content-Type"] == MANIFEST_TYPE
        assert int(answer.headers["Content-Length"]) == len(IMAGE.manifest)
        assert await answer.read() == (IMAGE.manifest if method == "GET" else b"")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v2/team/image/manifests/2.0", 404, "MANIFEST_UNKNOWN"),
        ("/v2/team/none/manifests/1.0", 404, "MANIFEST_UNKNOWN"),
        ("/v2/team/image/manifests/sha256:" + "0" * 64, 404, "MANIFEST_UNKNOWN"),
        ("/v2/team/image/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN"),
        ("/v2/team/image/blobs/sha256:short", 400, "DIGEST_INVALID"),
        ("/v2/none/tags/list", 404, "NAME_UNKNOWN"),
        ("/v2/team/..%2f..%2fetc/tags/list", 404, "NAME_UNKNOWN"),
        ("/v2/team/.hidden/tags/list", 400, "NAME_INVALID"),
        ("/v2/Team/tags/list", 404, "NAME_UNKNOWN"),
        ("/v2/_catalog?n=x", 400, "PAGINATION_NUMBER_INVALID"),
    ],
    ids=[
        "tag",
        "repository",
        "digest",
        "blob",
        "bad digest",
        "tags",
        "dots",
        "hidden",
        "capitals",
        "n",
    ],
)
async def test_what_is_not_there(
    http: aiohttp.ClientSession, path: str, status: int, code: str
) -> None:
    async with http.get(path) as answer:
        assert answer.status == status
        assert (await answer.json())["errors"][0]["code"] == code


async def test_a_blob_whole_and_in_part(http: aiohttp.ClientSession) -> None:
    path = f"/v2/team/image/blobs/{digest_of(IMAGE.blobs[0])}"
    async with http.get(path) as answer:
        assert await answer.read() == IMAGE.blobs[0]
    async with http.get(path, headers={"Range": "bytes=2-5"}) as answer:
        assert answer.status == 206
        assert await answer.read() == IMAGE.blobs[0][2:6]


async def test_lists_come_in_pages(registry: LocalRegistry, http: aiohttp.ClientSession) -> None:
    seed(registry.store)
    async with http.get("/v2/_catalog?n=2") as answer:
        assert (await answer.json())["repositories"] == ["data-science", "python"]
        link = answer.links["next"]["url"]
    async with http.get(link) as answer:
        assert (await answer.json())["repositories"] == ["pytorch", "team/image"]
    async with http.get("/v2/team/image/tags/list") as answer:
        assert await answer.json() == {"name": "team/image", "tags": ["1.0"]}


async def test_a_push_in_parts(http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": BASIC}
    for blob in IMAGE.blobs:
        async with http.post("/v2/new/blobs/uploads/", headers=headers) as answer:
            assert answer.status == 202
            where = answer.headers["Location"]
        async with http.patch(where, data=blob[:10], headers=headers) as answer:
            assert (answer.status, answer.headers["Range"]) == (202, "0-9")
        wrong = {**headers, "Content-Range": "3-9"}
        async with http.patch(where, data=blob[10:], headers=wrong) as answer:
            assert answer.status == 416
        query = {"digest": digest_of(blob)}
        async with http.put(where, data=blob[10:], headers=headers, params=query) as answer:
            assert answer.status == 201
    typed = {**headers, "Content-Type": MANIFEST_TYPE}
    async with http.put("/v2/new/manifests/7", data=IMAGE.manifest, headers=typed) as answer:
        assert answer.status == 201
        assert answer.headers["Docker-Content-Digest"] == IMAGE.digest
    async with http.delete("/v2/new/manifests/7", headers=headers) as answer:
        assert answer.status == 202
    async with http.get("/v2/new/manifests/7") as answer:
        assert answer.status == 404


async def test_a_blob_that_is_not_its_digest_is_refused(http: aiohttp.ClientSession) -> None:
    query = {"digest": digest_of(b"something else")}
    async with http.post(
        "/v2/new/blobs/uploads/", data=b"this", params=query, headers={"Authorization": BASIC}
    ) as answer:
        assert answer.status == 400
        assert (await answer.json())["errors"][0]["code"] == "DIGEST_INVALID"


async def test_a_manifest_without_its_parts_is_refused(http: aiohttp.ClientSession) -> None:
    other = build_image(ImageRecipe({"README": ImageFile(b"never pushed")}))
    headers = {"Authorization": BASIC, "Content-Type": MANIFEST_TYPE}
    async with http.put("/v2/new/manifests/1", data=other.manifest, headers=headers) as answer:
        assert (await answer.json())["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic !", "Basic " + base64.b64encode(b"demo:wrong").decode(), "Bearer demo"],
    ids=["none", "garbage", "wrong", "other scheme"],
)
async def test_a_push_needs_the_password(http: aiohttp.ClientSession, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with http.post("/v2/new/blobs/uploads/", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


async def test_a_token_is_exchanged_for_the_password(tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path, access=Access(USERS, pull_is_open=False, scheme="token"))
    put_image(registry.store, "private", "1", IMAGE)
    await registry.start()
    try:
        async with aiohttp.ClientSession() as http:
            path = f"{registry.url}/v2/private/manifests/1"
            async with http.get(path) as answer:
                assert answer.status == 401
                assert f'realm="{registry.url}/token"' in answer.headers["WWW-Authenticate"]
            async with http.get(f"{registry.url}/token") as answer:
                assert answer.status == 401
            async with http.get(
                f"{registry.url}/token", headers={"Authorization": BASIC}
            ) as answer:
                token = (await answer.json())["token"]
            async with http.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.status == 200
    finally:
        await registry.stop()


async def test_another_host_name_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.get("/v2/", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
