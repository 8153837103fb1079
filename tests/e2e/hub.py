"""The hub as an administrator's program asks it: by its REST API with a token. I/O."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page

from tests.e2e.people import browsing, sign_in
from tests.e2e.release import URL

SECONDS = 30
START_SECONDS = 240
Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the hub said to one question."""

    status: int
    content: Any


@dataclass(frozen=True)
class Ending:
    """What came of a start."""

    ready: bool
    told: Sequence[str]
    """Sentences of the waiting page, in order."""
    error: str = ""


class Hub:
    """The hub behind its proxy, asked with an administrator's token."""

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Ask below /hub, or another absolute path of the proxy; any status is an answer."""
        try:
            with self._open(method, path, body, SECONDS) as answer:
                return Answer(answer.status, _content(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _content(error.read()))

    def must(self, method: str, path: str, body: object = None) -> Any:
        """Ask what cannot be refused; its content."""
        answer = self.ask(method, path, body)
        assert answer.status < 400, f"{method} {path}: {answer}"
        return answer.content

    def add(self, person: str) -> str:
        """Have the hub know someone, as administrators add people; the user's name."""
        name = f"{person}@example.org"
        answer = self.ask("POST", f"api/users/{quote(name)}")
        assert answer.status in {201, 409}, answer
        return name

    def begin(self, name: str, choice: Mapping[str, object], workspace: str = "") -> Answer:
        """Ask for a workspace; does not wait."""
        return self.ask("POST", server_path(name, workspace), choice)

    def follow(self, name: str, workspace: str = "") -> Iterator[Object]:
        """What the waiting page is told, as it is told, until the start ends."""
        with self._open(
            "GET", f"{server_path(name, workspace)}/progress", None, START_SECONDS
        ) as answer:
            for line in answer:
                if line.startswith(b"data:"):
                    yield json.loads(line.removeprefix(b"data:"))

    def ending(self, name: str, workspace: str = "") -> Ending:
        """Wait until a start has ended, and say how."""
        told: list[str] = []
        for event in self.follow(name, workspace):
            if event.get("ready"):
                return Ending(True, told)
            if event.get("failed"):
                return Ending(False, told, event["message"])
            told.append(event["message"])
        raise AssertionError(f"The start of {name} did not end: {told}")

    def start(self, name: str, choice: Mapping[str, object], workspace: str = "") -> Ending:
        """Ask for a workspace and wait for how it ends."""
        answer = self.begin(name, choice, workspace)
        if answer.status >= 400:
            return Ending(False, [], answer.content["message"])
        return self.ending(name, workspace)

    def stop(self, name: str, workspace: str = "") -> None:
        """Stop a workspace, or cancel its start, and wait until the hub has nothing left of it."""
        answer = self.ask("DELETE", server_path(name, workspace))
        assert answer.status in {202, 204, 404}, answer
        self.at_rest(name)

    def at_rest(self, name: str) -> None:
        """Wait until nothing runs or is under way for someone."""
        deadline = time.monotonic() + 90
        while (servers := self.user(name)["servers"]) and any(
            server["ready"] or server["pending"] for server in servers.values()
        ):
            assert time.monotonic() < deadline, servers
            time.sleep(0.5)

    def user(self, name: str) -> Object:
        """What the hub says about someone."""
        found: Object = self.must("GET", f"api/users/{quote(name)}")
        return found

    def story(self, name: str) -> Object:
        """Which image was asked for, which runs, and what was tried."""
        found: Object = self.must("GET", f"studiolo/workspaces/{quote(name)}/story")
        return found

    def alarms(self) -> dict[str, Object]:
        """What the administrators' overview says is wrong."""
        found = self.must("GET", "studiolo/admin")["alarms"]
        return {alarm["id"]: alarm for alarm in found}

    def _open(self, method: str, path: str, body: object, seconds: float) -> HTTPResponse:
        request = urllib.request.Request(
            f"{URL}{path}" if path.startswith("/") else f"{URL}/hub/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**self._headers, "Accept": "application/json"},
        )
        opened: HTTPResponse = urllib.request.urlopen(request, timeout=seconds)
        return opened


def server_path(name: str, workspace: str = "") -> str:
    """The API's path of a workspace."""
    rest = f"servers/{quote(workspace)}" if workspace else "server"
    return f"api/users/{quote(name)}/{rest}"


def asked_by_an_administrator() -> Hub:
    """Sign in as an administrator, who makes a token for programs."""
    with browsing() as page:
        sign_in(page, "carla")
        return Hub(_new_token(page, "carla@example.org"))


def _new_token(page: Page, name: str) -> str:
    token: str = page.evaluate(
        """async (path) => {
          const xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
          const answer = await fetch(path, {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-XSRFToken": xsrf },
            body: JSON.stringify({ note: "tests", expires_in: 7200 }),
          });
          if (!answer.ok) throw new Error(await answer.text());
          return (await answer.json()).token;
        }""",
        f"/hub/api/users/{quote(name)}/tokens",
    )
    return token


def _content(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")
