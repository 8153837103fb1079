"""Trying an installation: what is told when all is well, and of each thing that can be wrong.

The site is a stand-in at HTTP level; the real one is tried by `helm test` on a real cluster.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from studiolo_hub.cli import main
from studiolo_hub.tryout import Person, TryFailed, password_form, try_out

URL = "https://studiolo.example.org/lab"
ANA = Person("ana@example.org", "right")
FORM = """
<form method="post" action="/lab/dex/auth/local/login?state=s&amp;back=">
  <input type="hidden" name="req" value="7"><input type="text" name="login">
  <input type="password" name="password"><button type="submit">Login</button></form>
"""
CONNECTORS = '<a href="/lab/dex/auth/github?s=1">G</a><a href="/lab/dex/auth/local?s=1">Email</a>'


class Site:
    """A hub, a Dex and a workspace behind one proxy."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.health = 200
        self.provider = "/lab/dex/auth"
        self.several_ways = False
        self.start: tuple[int, dict[str, Any]] = (202, {})
        self.events: list[dict[str, Any]] = [{"message": "Checked"}, {"ready": True}]
        self.workspace = 200
        self.after_password = 302
        self.inside = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Host"] == "studiolo.example.org"
        assert request.headers["X-Forwarded-Proto"] == "https"
        path = request.path.removeprefix("/lab")
        self.asked.append(f"{request.method} {path}")
        match request.method, path:
            case _, "/hub/health":
                return web.Response(status=self.health)
            case _, "/hub/oauth_login":
                raise web.HTTPFound(self.provider)
            case _, "/dex/auth":
                return html(CONNECTORS if self.several_ways else FORM)
            case "GET", "/dex/auth/local":
                return html(FORM)
            case "POST", "/dex/auth/local/login":
                form = await request.post()
                if (form["login"], form["password"], form["req"]) != (*vars(ANA).values(), "7"):
                    return html(f"Invalid {FORM}")
                if self.after_password != 302:
                    return web.Response(
                        status=self.after_password, text="<h1>Not <script>x</script>you</h1>"
                    )
                answer = web.HTTPFound("/lab/hub/home")
                answer.set_cookie("_xsrf", "token", path="/lab/hub/", secure=True)
                raise answer
            case _, "/hub/home":
                return html("home")
            case _, "/hub/api/user":
                return web.json_response({"name": "ana@example.org"})
            case "POST", "/hub/api/users/ana@example.org/server":
                assert request.headers["X-XSRFToken"] == "token"
                assert await request.json() == {}
                return web.json_response(self.start[1], status=self.start[0])
            case _, "/hub/api/users/ana@example.org/server/progress":
                text = "".join(f"data: {json.dumps(each)}\n\n" for each in self.events)
                return web.Response(text=text, content_type="text/event-stream")
            case _, "/user/ana@example.org/":
                raise web.HTTPFound("/lab/user/ana@example.org/lab")
            case _, "/user/ana@example.org/lab":
                text = '<script id="jupyter-config-data"></script>'
                return web.Response(text=text, status=self.workspace, content_type="text/html")
            case "DELETE", _:
                return web.Response(status=204)
        raise web.HTTPNotFound


def html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.inside = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


async def tried(site: Site, person: Person | None = ANA) -> list[str]:
    told: list[str] = []
    await try_out(URL, site.inside, person, tell=told.append)
    return told


DELETED = "DELETE /hub/api/users/ana@example.org/server"


@pytest.mark.parametrize("several_ways", [False, True])
async def test_all_is_well(site: Site, several_ways: bool) -> None:
    site.several_ways = several_ways
    assert await tried(site) == [
        "ok    the hub answers",
        "ok    signing in leads to Dex's form",
        "ok    signed in as ana@example.org",
        "      Checked",
        "ok    the workspace started",
        "ok    it answers through the proxy",
        "ok    and was stopped; its home volume is kept",
    ]
    assert site.asked[-1] == DELETED


async def test_another_provider_is_told_and_is_no_failure(site: Site) -> None:
    site.provider = "https://id.example.org/authorize"
    told = await tried(site)
    assert told[-1].startswith("left  signing in leads to id.example.org: only a person")
    assert not any("server" in each for each in site.asked)


async def test_without_a_person_the_form_is_all(site: Site) -> None:
    told = await tried(site, None)
    assert told[-1].startswith("left  no account to sign in with: set test.account to true")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"health": 503}, "The hub's health answers 503"),
        ({"provider": "/lab/hub/oauth_login"}, "leads round in circles"),
        ({"provider": "/lab/hub/home"}, "no form for a password, where Dex's was expected"),
        ({"after_password": 403}, "After the password /lab/dex/auth/local/login answers 403: Not"),
        ({"start": (400, {"message": "ana already has a server"})}, "has a workspace already"),
        ({"start": (403, {"message": "No image."})}, "The start was refused (403): No image."),
        ({"events": [{"failed": True, "message": "No GPU is free."}]}, "No GPU is free."),
        ({"events": []}, "The hub stopped telling of the start"),
        ({"workspace": 502}, "The workspace answers 502"),
    ],
)
async def test_what_is_wrong_is_told_with_where_to_look(
    site: Site, changes: dict[str, Any], said: str
) -> None:
    for name, value in changes.items():
        setattr(site, name, value)
    with pytest.raises(TryFailed) as failed:
        await tried(site)
    assert said in str(failed.value)
    begun = "POST /hub/api/users/ana@example.org/server" in site.asked and "start" not in changes
    assert (site.asked[-1] == DELETED) is begun, "what was begun is stopped"


async def test_a_wrong_password_is_told(site: Site) -> None:
    with pytest.raises(TryFailed, match="Dex does not take the password of ana@"):
        await tried(site, Person("ana@example.org", "wrong"))


def test_nobody_who_answers_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "http://127.0.0.1:9"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("BAD   http://127.0.0.1:9 does not answer")
    assert "network policies" in told


@pytest.mark.parametrize(
    "text", ["", "<form>", '<form><input type="password" name="p">', "<input>"]
)
def test_what_is_no_form_for_a_password(text: str) -> None:
    assert password_form(text) is None
