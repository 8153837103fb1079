"""Try an installation as a person would: sign in, start a workspace, see it answer, stop it. I/O.

What `helm test` runs. Every step is told in one line; the first that fails ends it with what was
seen and what to look at. A password is typed only into the form of the Dex that belongs to the
installation; where signing in leads elsewhere, that is told, and all that can be tried without a
person is tried.

Everything goes by one way in (`inside`, such as the proxy's service), whatever the address that
people use: names and certificates of the outside are not tried.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

MAX_REDIRECTS = 20
MAX_PAGE = 2_000_000
STEP_SECONDS = 30
"""What one answer may take."""

Told = Callable[[str], None]


class TryFailed(Exception):  # noqa: N818 - said to an administrator
    """What did not work, and where to look."""


class SignInElsewhere(Exception):  # noqa: N818 - no failure
    """Signing in leads to a provider that programs cannot sign in at."""


@dataclass(frozen=True)
class Person:
    """Who signs in, by the name and password of Dex's own form."""

    login: str
    password: str


@dataclass(frozen=True)
class Page:
    """An answer: where it came from as people would see it, and what it says."""

    url: str
    status: int
    text: str
    headers: Mapping[str, str]


class Visitor:
    """A browser without a screen: cookies, redirects, forms."""

    def __init__(self, url: str, inside: str, session: aiohttp.ClientSession) -> None:
        self.url = url.rstrip("/")
        self._inside = inside.rstrip("/")
        self._session = session
        parts = urlsplit(self.url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"Host": parts.netloc, "X-Forwarded-Proto": parts.scheme}

    async def get(self, address: str) -> Page:
        """Open an address, relative to the installation's own."""
        return await self._follow("GET", address, None)

    async def post(self, address: str, form: Mapping[str, str]) -> Page:
        """Send a form."""
        return await self._follow("POST", address, urlencode(form))

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the hub's API as the page that is open would."""
        headers = {**self._headers, "X-XSRFToken": self._cookie("_xsrf", "/hub/")}
        address = self._way(f"{self.url}/hub/api/{path}")
        limit = aiohttp.ClientTimeout(total=STEP_SECONDS)
        async with self._session.request(
            method, address, json=body, headers=headers, timeout=limit
        ) as answer:
            text = await answer.text()
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, None

    def events(self, path: str) -> Any:
        """Open a stream of events of the hub's API."""
        limit = aiohttp.ClientTimeout(total=None, sock_read=STEP_SECONDS * 4)
        address = self._way(f"{self.url}/hub/api/{path}")
        return self._session.get(address, headers=self._headers, timeout=limit)

    async def _follow(self, method: str, address: str, data: str | None) -> Page:
        url = urljoin(f"{self.url}/", address)
        for _ in range(MAX_REDIRECTS):
            headers = dict(self._headers)
            if data is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            async with self._session.request(
                method,
                self._way(url),
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=STEP_SECONDS),
            ) as answer:
                text = (await answer.content.read(MAX_PAGE)).decode(errors="replace")
                page = Page(url, answer.status, text, answer.headers)
            if page.status not in {301, 302, 303, 307, 308}:
                return page
            url = urljoin(url, page.headers.get("Location", ""))
            if page.status < 307:
                method, data = "GET", None
        raise TryFailed(f"{address} leads round in circles: {MAX_REDIRECTS} redirects")

    def _way(self, url: str) -> URL:
        if not url.startswith(f"{self._origin}/"):
            raise SignInElsewhere(urlsplit(url).netloc or url)
        return URL(self._inside + url.removeprefix(self._origin), encoded=True)

    def _cookie(self, name: str, below: str) -> str:
        found = self._session.cookie_jar.filter_cookies(self._way(f"{self.url}{below}"))
        return found[name].value if name in found else ""


async def try_out(
    url: str, inside: str, person: Person | None, *, patience: float = 600, tell: Told = print
) -> None:
    """Try it; raises TryFailed. `patience`: seconds that a workspace may take to start."""
    inside_origin = f"{urlsplit(inside).scheme}://{urlsplit(inside).netloc}"
    # Marked for TLS where people use it; inside the cluster there is none.
    jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=[URL(inside_origin)])
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        visitor = Visitor(url, inside, session)
        try:
            await _try(visitor, person, patience, tell)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            raise TryFailed(
                f"{inside} does not answer ({told}). Look at the proxy's and the hub's pods, and "
                "at the network policies between them and this one."
            ) from None


async def _try(visitor: Visitor, person: Person | None, patience: float, tell: Told) -> None:
    page = await visitor.get("hub/health")
    _require(page.status == 200, f"The hub's health answers {page.status}. Look at its log.")
    tell("ok    the hub answers")
    try:
        signed_in = await _sign_in(visitor, person, tell)
    except SignInElsewhere as elsewhere:
        tell(
            f"left  signing in leads to {elsewhere}: only a person with a browser can do that, "
            "so no workspace was started"
        )
        return
    if signed_in is None:
        return
    await _workspace(visitor, signed_in, patience, tell)


async def _sign_in(visitor: Visitor, person: Person | None, tell: Told) -> str | None:
    page = await visitor.get("hub/oauth_login?next=%2Fhub%2Fhome")
    if 'type="password"' not in page.text and (link := _local_connector(page.text)):
        page = await visitor.get(urljoin(page.url, link))
    form = password_form(page.text)
    if form is None:
        raise TryFailed(
            f"{_path(page.url)} answers {page.status} and no form for a password, where Dex's was "
            "expected. Look at Dex's log."
        )
    tell("ok    signing in leads to Dex's form")
    if person is None:
        tell(
            "left  no account to sign in with: set test.account to true for one, so that a "
            "workspace is started, too"
        )
        return None
    answers = {**form.hidden, form.login: person.login, form.password: person.password}
    page = await visitor.post(urljoin(page.url, form.action), answers)
    if password_form(page.text) is not None:
        raise TryFailed(
            f"Dex does not take the password of {person.login}. Was the account changed without "
            "a helm upgrade?"
        )
    if page.status != 200 or not page.url.endswith("/hub/home"):
        raise TryFailed(
            f"After the password {_path(page.url)} answers {page.status}: {_gist(page.text)}. "
            "Look at the hub's log."
        )
    status, user = await visitor.api("GET", "user")
    _require(status == 200, f"The hub does not say who signed in ({status}).")
    name = str(user["name"])
    tell(f"ok    signed in as {name}")
    return name


async def _workspace(visitor: Visitor, name: str, patience: float, tell: Told) -> None:
    server = f"users/{URL.build(path=name).raw_path}/server"
    status, told = await visitor.api("POST", server, {})
    if status == 400 and "already" in str((told or {}).get("message")):
        raise TryFailed(f"{name} has a workspace already: stop it and try again.")
    if status not in {201, 202}:
        raise TryFailed(f"The start was refused ({status}): {(told or {}).get('message', '')}")
    try:
        if status == 202:
            async with asyncio.timeout(patience):
                await _until_ready(visitor, server, tell)
        tell("ok    the workspace started")
        # A page, which signs in at the hub on its way; an API would only say no.
        page = await visitor.get(f"user/{URL.build(path=name).raw_path}/")
        _require(
            page.status == 200 and "jupyter-config-data" in page.text,
            f"The workspace answers {page.status} at {_path(page.url)}: {_gist(page.text)}",
        )
        tell("ok    it answers through the proxy")
    except TimeoutError:
        raise TryFailed(f"The workspace was not ready within {patience:.0f} seconds.") from None
    finally:
        await _stop(visitor, server)
    tell("ok    and was stopped; its home volume is kept")


async def _until_ready(visitor: Visitor, server: str, tell: Told) -> None:
    async with visitor.events(f"{server}/progress") as stream:
        async for line in stream.content:
            if not line.startswith(b"data:"):
                continue
            event = json.loads(line.removeprefix(b"data:"))
            if event.get("ready"):
                return
            if message := event.get("message"):
                tell(f"      {message}")
            if event.get("failed"):
                raise TryFailed(f"The workspace did not start: {message or 'no reason was given'}")
    raise TryFailed("The hub stopped telling of the start. Look at its log.")


async def _stop(visitor: Visitor, server: str) -> None:
    for _ in range(60):
        status, _told = await visitor.api("DELETE", server)
        if status in {204, 404}:
            return
        # 202: being stopped; 400: still starting or stopping.
        await asyncio.sleep(1)
    raise TryFailed(f"The workspace is not stopped a minute after that was asked for ({status}).")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TryFailed(otherwise)


def _path(url: str) -> str:
    return urlsplit(url).path


def _gist(text: str) -> str:
    """The words of a page, for one line."""
    words = _Words()
    words.feed(text)
    return " ".join(" ".join(words.found).split())[:300]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


@dataclass(frozen=True)
class PasswordForm:
    """A form that asks for a name and a password: where it goes, and its fields' names."""

    action: str
    login: str
    password: str
    hidden: Mapping[str, str]


def password_form(text: str) -> PasswordForm | None:
    """The first form with a password field."""
    forms = _Forms()
    forms.feed(text)
    for action, fields in forms.found:
        passwords = [name for kind, name, _ in fields if kind == "password"]
        logins = [name for kind, name, _ in fields if kind in {"text", "email"}]
        if passwords and logins:
            hidden = {name: value for kind, name, value in fields if kind == "hidden"}
            return PasswordForm(action, logins[0], passwords[0], hidden)
    return None


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str, str]]]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append((has.get("action", ""), []))
        elif tag == "input" and self.found and has.get("name"):
            field = (has.get("type", "text"), has["name"], has.get("value", ""))
            self.found[-1][1].append(field)
        elif tag == "a" and has.get("href"):
            self.links.append(has["href"])


def _local_connector(text: str) -> str | None:
    """Dex's own list of people, on the page where it asks for one of several ways."""
    forms = _Forms()
    forms.feed(text)
    return next((link for link in forms.links if "/auth/local" in link), None)
