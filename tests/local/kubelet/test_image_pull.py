"""Pulling from a registry: what is kept, and what is said when it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from studiolo_local.kubelet.image_pull import Credentials, ImagePuller, PullError, name_problem
from studiolo_local.kubelet.image_store import ImageStore
from studiolo_local.registry.access import Access
from studiolo_local.registry.blobs import digest_of
from studiolo_local.registry.demo_images import put_image
from studiolo_local.registry.oci_image import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    BuiltImage,
    ImageFile,
    ImageRecipe,
    build_image,
    build_index,
)
from studiolo_local.registry.server import LocalRegistry
from studiolo_spawner.pull_texts import cause_of_pull_text

HOST = "registry.studiolo.test"
IMAGE = build_image(ImageRecipe({"bin/sh": ImageFile(executable=True)}, command=["sh"]))
FOREIGN = build_image(ImageRecipe({}, architecture="arm64"))
USER = Credentials("ada", "s3cret")


class Stage:
    """A registry with faults to order, and a puller."""

    def __init__(self, registry: LocalRegistry, puller: ImagePuller, store: ImageStore) -> None:
        self.registry, self.puller, self.store = registry, puller, store
        self.asked: list[str] = []
        self.fault: int | None = None
        self.corrupt = False

    async def failure(self, name: str, credentials: dict[str, Credentials] | None = None) -> str:
        with pytest.raises(PullError) as caught:
            await self.puller.pull(f"{HOST}/{name}", credentials or {})
        return str(caught.value)


@pytest.fixture
def access() -> Access:
    return Access()


@pytest.fixture
async def stage(tmp_path: Path, access: Access) -> AsyncIterator[Stage]:
    @web.middleware
    async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        found.asked.append(f"{request.method} {request.path}")
        if found.fault is not None:
            return web.Response(status=found.fault)
        if found.corrupt and "/blobs/" in request.path:
            return web.Response(body=b"something else")
        return await handler(request)

    registry = LocalRegistry(tmp_path / "registry", access=access, middlewares=[faults])
    put_image(registry.store, "team/lab", "1", IMAGE)
    await registry.start()
    store = ImageStore(tmp_path / "store")
    async with aiohttp.ClientSession() as http:
        found = Stage(registry, ImagePuller(store, {HOST: registry.url}, http), store)
        yield found
    await registry.stop()


async def test_an_image_is_kept(stage: Stage) -> None:
    image = await stage.puller.pull(f"{HOST}/team/lab:1", {})
    assert image.image_id == f"{HOST}/team/lab@{IMAGE.digest}"
    assert image.size == sum(map(len, IMAGE.blobs))
    assert stage.store.config(image)["config"]["Cmd"] == ["sh"]
    assert stage.store.root(image).entries["/bin/sh"].executable


async def test_blobs_are_fetched_once(stage: Stage) -> None:
    await stage.puller.pull(f"{HOST}/team/lab:1", {})
    stage.asked.clear()
    await stage.puller.pull(f"{HOST}/team/lab:1", {})
    assert stage.asked == ["GET /v2/team/lab/manifests/1"]


async def test_the_list_is_there_after_a_restart(stage: Stage, tmp_path: Path) -> None:
    image = await stage.puller.pull(f"{HOST}/team/lab:1", {})
    again = ImageStore(tmp_path / "store")
    assert again.find(f"{HOST}/team/lab:1") == image
    assert again.root(image).entries == stage.store.root(image).entries


async def test_images_that_are_pulled_at_the_same_time_are_all_listed(
    stage: Stage, tmp_path: Path
) -> None:
    names = [f"{HOST}/team/lab-{number}:1" for number in range(20)]
    for number in range(20):
        files = {"etc/number": ImageFile(b"%d" % number)}
        put_image(stage.registry.store, f"team/lab-{number}", "1", build_image(ImageRecipe(files)))
    await asyncio.gather(*(stage.puller.pull(name, {}) for name in names))
    again = ImageStore(tmp_path / "store")
    assert {name for name, _ in again.all()} >= set(names)


async def test_an_index_gives_the_image_for_the_platform(stage: Stage) -> None:
    store = stage.registry.store
    for built in (IMAGE, FOREIGN):
        put_image(store, "team/both", digest_of(built.manifest), built)
    index = build_index({"arm64": FOREIGN, "amd64": IMAGE})
    store.put_manifest("team/both", "1", INDEX_TYPE, index)
    image = await stage.puller.pull(f"{HOST}/team/both:1", {})
    assert image.digest == digest_of(index)
    assert image.config_digest == digest_of(IMAGE.blobs[0])


async def test_by_digest(stage: Stage) -> None:
    image = await stage.puller.pull(f"{HOST}/team/lab@{IMAGE.digest}", {})
    assert image.digest == IMAGE.digest


async def test_a_tag_that_is_missing(stage: Stage) -> None:
    reference = f"{HOST}/team/lab:2"
    message = await stage.failure("team/lab:2")
    assert message == (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{reference}": '
        f'failed to resolve reference "{reference}": {reference}: not found'
    )
    assert cause_of_pull_text(message, reference).reason == "image_missing"


@pytest.mark.parametrize("in_index", [False, True], ids=["image", "index"])
async def test_another_platform(stage: Stage, in_index: bool) -> None:
    store = stage.registry.store
    put_image(store, "team/arm", "1", FOREIGN)
    if in_index:
        store.put_manifest("team/arm", "1", INDEX_TYPE, build_index({"arm64": FOREIGN}))
    message = await stage.failure("team/arm:1")
    assert "no match for platform in manifest" in message
    assert cause_of_pull_text(message).reason == "wrong_platform"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "image_forbidden"), (429, "registry_busy"), (500, "registry_away")],
)
async def test_a_registry_that_refuses(stage: Stage, status: int, reason: str) -> None:
    stage.fault = status
    message = await stage.failure("team/lab:1")
    assert f"unexpected status from HEAD request to {stage.registry.url}" in message
    assert cause_of_pull_text(message).reason == reason


async def test_a_registry_that_is_away(stage: Stage) -> None:
    await stage.registry.stop()
    message = await stage.failure("team/lab:1")
    assert message.endswith(f"127.0.0.1:{stage.registry.port}: connect: connection refused")
    assert cause_of_pull_text(message).reason == "registry_away"


async def test_a_registry_that_nobody_mapped(stage: Stage) -> None:
    with pytest.raises(PullError, match=r"dial tcp: lookup ghcr.io: no such host"):
        await stage.puller.pull("ghcr.io/team/lab:1", {})


async def test_content_that_is_not_its_digest_is_not_kept(stage: Stage, tmp_path: Path) -> None:
    stage.corrupt = True
    message = await stage.failure("team/lab:1")
    assert "unexpected commit digest" in message
    assert cause_of_pull_text(message).reason == "image_damaged"
    assert list((tmp_path / "store" / "blobs").iterdir()) == []


@pytest.mark.parametrize(
    ("manifest", "media_type", "text"),
    [
        (b"{}", "application/vnd.docker.distribution.manifest.v1+json", "no longer supported"),
        (b"[]", MANIFEST_TYPE, "unmarshal manifest"),
    ],
    ids=["old", "no manifest"],
)
async def test_a_manifest_of_another_kind(
    stage: Stage, manifest: bytes, media_type: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stage.registry.store
    monkeypatch.setattr(store, "_check_parts", lambda *_: None)
    store.put_manifest("team/odd", "1", media_type, manifest)
    assert text in await stage.failure("team/odd:1")


async def test_a_layer_that_is_no_archive(stage: Stage) -> None:
    document = json.loads(IMAGE.manifest)
    broken = b"this is no archive"
    document["layers"] = [
        {**document["layers"][0], "digest": digest_of(broken), "size": len(broken)}
    ]
    built = BuiltImage((IMAGE.blobs[0], broken), json.dumps(document).encode())
    put_image(stage.registry.store, "team/torn", "1", built)
    assert "invalid tar header" in await stage.failure("team/torn:1")


@pytest.mark.parametrize(
    "access",
    [
        Access({"ada": "s3cret"}, pull_is_open=False),
        Access({"ada": "s3cret"}, pull_is_open=False, scheme="token"),
    ],
    ids=["basic", "token"],
)
async def test_credentials(stage: Stage) -> None:
    image = await stage.puller.pull(f"{HOST}/team/lab:1", {HOST: USER})
    assert image.digest == IMAGE.digest


@pytest.mark.parametrize("access", [Access({"ada": "other"}, pull_is_open=False)], ids=[""])
@pytest.mark.parametrize("known", [{}, {HOST: USER}, {"elsewhere.test": USER}])
async def test_without_the_right_credentials(stage: Stage, known: dict[str, Credentials]) -> None:
    message = await stage.failure("team/lab:1", known)
    assert "pull access denied" in message
    assert USER.password not in message
    assert cause_of_pull_text(message).reason == "image_forbidden"


async def test_a_password_does_not_go_to_a_realm_elsewhere(stage: Stage) -> None:
    asked: list[str] = []

    async def realm(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        return web.json_response({"token": "x"})

    thief = web.Application()
    thief.router.add_get("/token", realm)
    runner = web.AppRunner(thief)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/token"

    @web.middleware
    async def lure(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="{address}"'})

    registry = LocalRegistry(stage.store.blob("x").parent.parent / "r", middlewares=[lure])
    await registry.start()
    async with aiohttp.ClientSession() as http:
        puller = ImagePuller(stage.store, {HOST: registry.url}, http)
        with pytest.raises(PullError, match="not the registry's own"):
            await puller.pull(f"{HOST}/team/lab:1", {HOST: USER})
    await registry.stop()
    await runner.cleanup()
    assert asked == []


@pytest.mark.parametrize("name", ["UPPER/x:1", "a b", "http://x/y", "x:", ""])
def test_what_is_no_reference(name: str) -> None:
    assert name_problem(name) == (
        f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": '
        "invalid reference format"
    )
