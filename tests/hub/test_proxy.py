"""The proxy's routes as the Hub is told of them, from a fake of configurable-http-proxy's API."""

from aiohttp import web
from aiohttp.test_utils import TestServer
from jupyterhub.app import JupyterHub
from studiolo_hub.proxy import WorkspaceProxy
from traitlets.config import Config

ROUTES = {
    "/": {"jupyterhub": True, "hub": True, "target": "http://127.0.0.1:8081"},
    "/user/ana": {
        "jupyterhub": True,
        "user": "ana",
        "server_name": "",
        "target": "http://127.77.0.1:8888",
        "last_activity": "2026-03-01T12:00:00.000Z",
    },
    "/other": {"target": "http://127.0.0.1:1", "last_activity": "2026-03-01T12:00:00.000Z"},
}


async def test_traffic_is_no_activity_and_the_routes_stay() -> None:
    async def routes(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "token secret"
        return web.json_response(ROUTES)

    application = web.Application()
    application.router.add_get("/api/routes{tail:/?}", routes)
    server = TestServer(application)
    await server.start_server()
    proxy = WorkspaceProxy(
        config=Config(), api_url=str(server.make_url("/")).rstrip("/"), auth_token="secret"
    )
    try:
        found = await proxy.get_all_routes()
    finally:
        await server.close()
    assert found["/user/ana/"]["target"] == "http://127.77.0.1:8888"
    assert found["/user/ana/"]["data"] == {"user": "ana", "server_name": ""}
    assert set(found) == {"/", "/user/ana/"}


def test_it_is_a_proxy_that_the_hub_takes() -> None:
    JupyterHub(proxy_class="studiolo_hub.proxy.WorkspaceProxy")
