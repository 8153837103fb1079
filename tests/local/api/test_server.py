"""The API as its clients meet it: over HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from studiolo_local.api import ApiServer, Store
from studiolo_local.api.handlers import BODY_LIMIT

from tests.embedded import EmbeddedApi, running_api
from tests.local.api.samples import binding, config_map, labelled, pod

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"


async def test_a_pod_is_made_bound_run_and_deleted_as_kubernetes_does(
    embedded_api: EmbeddedApi,
) -> None:
    api = embedded_api
    made = await api.expect("POST", PODS, pod("one"))
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    await api.expect("POST", f"{PODS}/one/binding", binding("n1"))
    status = {"status": {"phase": "Running", "podIP": "127.77.0.1"}}
    merge = "application/strategic-merge-patch+json"
    running = await api.expect("PATCH", f"{PODS}/one/status", status, media_type=merge)
    assert (running["spec"]["nodeName"], running["status"]["phase"]) == ("n1", "Running")
    going = await api.expect("DELETE", f"{PODS}/one", gracePeriodSeconds="5")
    assert going["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await api.expect("GET", f"{PODS}/one"))["metadata"]["deletionTimestamp"]
    await api.expect("DELETE", f"{PODS}/one", gracePeriodSeconds="0")
    code, answer = await api.call("GET", f"{PODS}/one")
    assert (code, answer["reason"]) == (404, "NotFound")


async def test_a_watch_sees_each_change_at_once(embedded_api: EmbeddedApi) -> None:
    api = embedded_api
    listed = await api.expect("GET", PODS)
    version = listed["metadata"]["resourceVersion"]
    query = {"watch": "1", "resourceVersion": version, "labelSelector": "a=b"}
    async with api.session.get(PODS, params=query) as watch:
        await api.expect("POST", PODS, labelled("one", a="b"))
        await api.expect("POST", PODS, labelled("two", a="c"))
        await api.expect("DELETE", f"{PODS}/one")
        seen: list[tuple[str, str]] = []
        async with asyncio.timeout(5):
            while len(seen) < 3:
                event = json.loads(await watch.content.readline())
                seen.append((event["type"], event["object"]["metadata"]["name"]))
    assert seen == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic {token}"}, 401),
        ({"Authorization": "Bearer tökén"}, 401),
        ({"Authorization": "Bearer {token}", "Host": "evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Authorization": "bearer {token}", "Host": "localhost:1"}, 200),
    ],
    ids=str,
)
async def test_only_this_machine_with_the_token_is_let_in(
    embedded_api: EmbeddedApi, headers: dict[str, str], code: int
) -> None:
    filled = {key: value.replace("{token}", embedded_api.token) for key, value in headers.items()}
    async with aiohttp.ClientSession() as stranger:
        for path in ("/version", PODS, "/openapi/v3", "/nothing/here"):
            wanted = 404 if code == 200 and "nothing" in path else code
            async with stranger.get(embedded_api.url + path, headers=filled) as answer:
                body = await answer.json()
                assert answer.status == wanted
                assert code == 200 or body["kind"] == "Status"
                assert embedded_api.token not in str(body)
                assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health_is_told_without_a_token(embedded_api: EmbeddedApi, path: str) -> None:
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(embedded_api.url + path) as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        async with stranger.get(embedded_api.url + path, headers={"Host": "a.b"}) as answer:
            assert answer.status == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "options", "code", "reason"),
    [
        pytest.param("GET", "/apis/apps/v1/deployments", None, {}, 404, "NotFound", id="kind"),
        pytest.param("GET", f"{PODS}/none", None, {}, 404, "NotFound", id="object"),
        pytest.param("POST", "/api/v1/pods", {}, {}, 405, "MethodNotAllowed", id="verb"),
        pytest.param("PUT", PODS, {}, {}, 405, "MethodNotAllowed", id="collection"),
        pytest.param("DELETE", f"{PODS}/p/status", None, {}, 405, "MethodNotAllowed", id="part"),
        pytest.param("POST", "/version", {}, {}, 405, "MethodNotAllowed", id="document"),
        pytest.param("POST", PODS, [], {}, 400, "BadRequest", id="list"),
        pytest.param(
            "POST", PODS, {}, {"media_type": "text/plain"}, 415, "UnsupportedMediaType", id="type"
        ),
        pytest.param("PATCH", PODS + "/p", {}, {}, 415, "UnsupportedMediaType", id="patch"),
        pytest.param("POST", PODS, {}, {"dryRun": "Some"}, 400, "BadRequest", id="dry run"),
        pytest.param(
            "DELETE", PODS + "/p", None, {"gracePeriodSeconds": "x"}, 400, "BadRequest", id="grace"
        ),
        pytest.param("DELETE", PODS + "/p", {"preconditions": 1}, {}, 400, "BadRequest", id="opts"),
    ],
)  # fmt: skip
async def test_every_refusal_is_a_status(
    embedded_api: EmbeddedApi,
    method: str,
    path: str,
    body: Any,
    options: dict[str, str],
    code: int,
    reason: str,
) -> None:
    answer_code, status = await embedded_api.call(method, path, body, **options)
    assert (answer_code, status["code"], status["reason"]) == (code, code, reason)
    assert (status["kind"], status["status"]) == ("Status", "Failure")


async def test_a_body_that_is_too_large_is_refused(embedded_api: EmbeddedApi) -> None:
    data = io.BytesIO(json.dumps(config_map("a", x="x" * BODY_LIMIT)).encode())
    async with embedded_api.session.post(MAPS, data=data) as answer:
        assert answer.status == 413
        assert (await answer.json())["reason"] == "RequestEntityTooLarge"


async def test_a_refused_representation_writes_nothing(embedded_api: EmbeddedApi) -> None:
    api = embedded_api
    async with api.session.post(MAPS, json=config_map("a"), headers={"Accept": "a/b"}) as answer:
        assert answer.status == 406
    assert (await api.expect("GET", MAPS))["items"] == []


async def test_warnings_travel_in_headers(embedded_api: EmbeddedApi) -> None:
    body = {"metadata": {"name": "a"}, "dätä": {}}
    async with embedded_api.session.post(MAPS, json=body) as answer:
        assert answer.status == 201
        assert answer.headers["Warning"] == '299 - "unknown field \\"d\\u00e4t\\u00e4\\""'


async def test_a_fault_of_the_server_tells_nothing_of_its_inside(
    embedded_api: EmbeddedApi, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("secret-inside")

    leave = embedded_api.store.subscribe(broken)
    code, status = await embedded_api.call("POST", MAPS, config_map("a"))
    leave()
    assert (code, status["reason"]) == (500, "InternalError")
    assert "secret-inside" not in json.dumps(status)
    assert "secret-inside" in caplog.text


async def test_a_change_that_cannot_be_saved_is_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    async with running_api(tmp_path, store) as api:
        database = store._journal._file  # type: ignore[attr-defined]
        (pages,) = database.execute("pragma page_count").fetchone()
        database.execute(f"pragma max_page_count = {pages}")
        code, status = await api.call("POST", MAPS, config_map("a", x="x" * 99_999))
        assert (code, status["reason"]) == (500, "InternalError")
        assert str(tmp_path) not in json.dumps(status)
        assert (await api.expect("GET", MAPS))["items"] == []


async def test_a_cluster_goes_on_where_it_was(tmp_path: Path) -> None:
    async with running_api(tmp_path, Store(tmp_path / "s.sqlite")) as api:
        made = await api.expect("POST", PODS, pod())
    async with running_api(tmp_path, Store(tmp_path / "s.sqlite")) as api:
        assert await api.expect("GET", f"{PODS}/one") == made
        namespaces = await api.expect("GET", "/api/v1/namespaces")
        assert len(namespaces["items"]) == 2


async def test_stopping_ends_watches_and_frees_the_port(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        watch = await api.session.get(PODS, params={"watch": "true"})
        await api.server.stop()
        assert await watch.content.read() == b""
        port = int(api.url.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_watch_whose_client_has_gone_is_forgotten(tmp_path: Path) -> None:
    store = Store()
    server = ApiServer(store, token="t" * 20)
    await server.start()
    headers = {"Authorization": "Bearer " + "t" * 20}
    async with aiohttp.ClientSession(headers=headers) as session:
        watch = await session.get(server.url + PODS, params={"watch": "true"})
        assert len(server._watches._waiting) == 1
        watch.close()
        async with asyncio.timeout(5):
            while server._watches._waiting:
                await asyncio.sleep(0.01)
    await server.stop()
    store.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"host": "0.0.0.0"}, "no loopback address"), ({"token": "short"}, "16 characters")],
    ids=["host", "token"],
)
def test_an_open_server_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ApiServer(Store(), **{"token": "t" * 20, **options})


async def test_kinds_are_discovered(embedded_api: EmbeddedApi) -> None:
    listed = await embedded_api.expect("GET", "/api/v1")
    names = {each["name"] for each in listed["resources"]}
    assert {"pods", "pods/status", "pods/binding", "pods/log", "nodes", "resourcequotas"} <= names
    groups = (await embedded_api.expect("GET", "/apis"))["groups"]
    assert [each["name"] for each in groups] == ["networking.k8s.io", "rbac.authorization.k8s.io"]
    assert (await embedded_api.expect("GET", "/version"))["gitVersion"].endswith("studiolo.local")


async def test_a_collection_is_deleted_by_selection(embedded_api: EmbeddedApi) -> None:
    for name, team in (("a", "x"), ("b", "x"), ("c", "y")):
        await embedded_api.expect("POST", PODS, labelled(name, team=team))
    deleted = await embedded_api.expect("DELETE", PODS, labelSelector="team=x")
    assert [each["metadata"]["name"] for each in deleted["items"]] == ["a", "b"]
    left = await embedded_api.expect("GET", PODS)
    assert [each["metadata"]["name"] for each in left["items"]] == ["c"]


async def test_an_eviction_is_a_delete(embedded_api: EmbeddedApi) -> None:
    await embedded_api.expect("POST", PODS, pod())
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "one"}}
    await embedded_api.expect("POST", f"{PODS}/one/eviction", eviction)
    assert (await embedded_api.expect("GET", PODS))["items"] == []
