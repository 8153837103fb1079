"""Whose volumes are, and the list over HTTP from the embedded API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kubernetes_asyncio import client, config
from studiolo_hub import volumes
from studiolo_hub.volumes import as_json, claims_in, volume_rows

from tests.embedded import running_api

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OWNER = "hub.jupyter.org/username"


def claim(name: str, annotations: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "annotations": annotations or {},
            "creationTimestamp": "2026-02-01T08:00:00Z",
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
            "storageClassName": "standard",
        },
        "status": {"phase": "Bound", **status},
    }


@pytest.mark.parametrize(
    ("annotations", "owner", "whose"),
    [
        pytest.param({OWNER: "ana"}, "ana", "person", id="a-person"),
        pytest.param({OWNER: "gone"}, "gone", "gone", id="nobody-of-this-hub"),
        pytest.param({}, "", "unknown", id="does-not-say"),
        pytest.param({"owner": "ana"}, "", "unknown", id="another-annotation"),
    ],
)
def test_whose_a_volume_is(annotations: dict[str, str], owner: str, whose: str) -> None:
    (row,) = volume_rows([claim("home", annotations)], frozenset({"ana"}), NOW)
    assert (row.owner, row.whose, row.size, row.phase) == (owner, whose, "10Gi", "Bound")
    assert row.since_words == "28 days 4 hours"


def test_the_size_is_what_it_has() -> None:
    grown = claim("home", capacity={"storage": "20Gi"})
    assert [row.size for row in volume_rows([grown], frozenset(), NOW)] == ["20Gi"]


@pytest.mark.parametrize(
    ("size", "words"),
    [("20Gi", "20 GiB"), ("512Mi", "512 MiB"), ("1.5Ti", "1536 GiB"), ("1e9", "1e9"), ("", "")],
)
def test_the_size_in_words(size: str, words: str) -> None:
    (row,) = volume_rows([claim("home", capacity={"storage": size})], frozenset(), NOW)
    assert row.size_words == (words or "10 GiB")


def test_those_without_a_known_owner_stand_first() -> None:
    items = [claim("b", {OWNER: "ana"}), claim("a", {OWNER: "ben"}), claim("z"), claim("y")]
    rows = volume_rows(items, frozenset({"ana", "ben"}), NOW)
    assert [row.name for row in rows] == ["y", "z", "b", "a"]
    assert [each["whose"] for each in as_json(rows)] == ["unknown", "unknown", "person", "person"]


@pytest.mark.parametrize("item", [{}, {"metadata": None, "spec": [], "status": "x"}])
def test_what_makes_no_sense_is_a_volume_that_says_nothing(item: dict[str, Any]) -> None:
    (row,) = volume_rows([item], frozenset({""}), NOW)
    assert (row.name, row.owner, row.whose, row.since) == ("", "", "unknown", None)


async def test_the_list_is_read_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "PAGE", 2)
    async with running_api(tmp_path) as api:
        path = "/api/v1/namespaces/default/persistentvolumeclaims"
        for number in range(5):
            await api.expect("POST", path, claim(f"home-{number}"))
        settings = client.Configuration()
        await config.load_kube_config(str(api.kubeconfig), client_configuration=settings)
        async with client.ApiClient(settings) as link:
            core = client.CoreV1Api(link)
            found = await claims_in(core, "default")
            assert sorted(item["metadata"]["name"] for item in found.items) == [
                f"home-{number}" for number in range(5)
            ]
            assert (found.trouble, found.cut) == ("", False)
            monkeypatch.setattr(volumes, "MAX_PAGES", 1)
            assert (await claims_in(core, "default")).cut


async def test_of_peoples_own_namespaces_only_this_hubs_are_listed(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        for namespace in ("lab-ana", "lab-ben", "other-ana"):
            await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
            await api.expect("POST", path, claim("home"))
        settings = client.Configuration()
        await config.load_kube_config(str(api.kubeconfig), client_configuration=settings)
        async with client.ApiClient(settings) as link:
            found = await claims_in(client.CoreV1Api(link), None, begin="lab-")
    rows = as_json(volume_rows(found.items, frozenset(), NOW))
    assert sorted(str(row["namespace"]) for row in rows) == ["lab-ana", "lab-ben"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(403, "grant its service account `list`", id="forbidden"),
        pytest.param(500, "refused the list (500)", id="broken"),
        pytest.param(0, "does not answer now", id="away"),
    ],
)
async def test_trouble_is_told_and_not_raised(status: int, words: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"message": "canary system:serviceaccount:x"}, status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    if not status:
        await runner.cleanup()
    async with client.ApiClient(client.Configuration(host=f"http://{host}:{port}")) as link:
        found = await claims_in(client.CoreV1Api(link), "default")
    await runner.cleanup()
    assert words in found.trouble
    assert "canary" not in found.trouble
    assert found.items == ()
