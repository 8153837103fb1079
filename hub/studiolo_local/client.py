"""A small client of the Kubernetes API for the cluster's own parts. I/O: HTTP over aiohttp.

The kubelet, the scheduler and the volume provisioner come in by the same door as everybody else. An
answer that is not a success becomes an ApiError with the API's own reason; a connection that fails
becomes one with status 0. Objects are plain dictionaries, as the API gives them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

JsonObject = dict[str, Any]

_MERGE_PATCH: Final = "application/merge-patch+json"
_CALL_SECONDS: Final = 30.0
_WATCH_SECONDS: Final = 300
_MAX_LINE: Final = 16 * 1024 * 1024


class ApiError(Exception):
    """The API refused or could not be reached (status 0)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason

    @property
    def gone(self) -> bool:
        """A watch that is too old to be resumed."""
        return self.status == 410

    @property
    def missing(self) -> bool:
        """No such object."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """It exists already, or has changed since it was read."""
        return self.status == 409


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    item: JsonObject


def api_path(resource: str, namespace: str | None = None, name: str = "", sub: str = "") -> str:
    """The path of a resource of the core group; `namespace` None is the whole cluster."""
    parts = ["/api/v1"]
    if namespace is not None:
        parts += ["namespaces", namespace]
    parts.append(resource)
    parts += [part for part in (name, sub) if part]
    return "/".join(parts)


class ApiClient:
    """Calls one API server with one token. Use as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS),
            read_bufsize=1024 * 1024,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        """One call; the answer's object."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": content_type}
        try:
            async with self._open().request(
                method, self._url + path, data=data, headers=headers, params=params
            ) as answer:
                return await _read(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "Unreachable", f"{method} {path}: {error}") from error

    async def get(self, resource: str, namespace: str | None, name: str) -> JsonObject:
        """Read one object."""
        return await self.call("GET", api_path(resource, namespace, name))

    async def list(
        self, resource: str, namespace: str | None = None, **params: str
    ) -> tuple[list[JsonObject], str]:
        """All objects and the resource version to watch from."""
        answer = await self.call("GET", api_path(resource, namespace), params=params)
        items: list[JsonObject] = answer.get("items") or []
        return items, str(answer.get("metadata", {}).get("resourceVersion", ""))

    async def create(
        self, resource: str, namespace: str | None, body: Mapping[str, Any]
    ) -> JsonObject:
        """Create an object."""
        return await self.call("POST", api_path(resource, namespace), body)

    async def replace(
        self, resource: str, namespace: str | None, body: Mapping[str, Any]
    ) -> JsonObject:
        """Write a whole object back; a conflict when it has changed since it was read."""
        name = str(body["metadata"]["name"])
        return await self.call("PUT", api_path(resource, namespace, name), body)

    async def patch(
        self,
        resource: str,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        sub: str = "",
    ) -> JsonObject:
        """Change parts of an object by a merge patch; `sub` may be "status"."""
        path = api_path(resource, namespace, name, sub)
        return await self.call("PATCH", path, body, content_type=_MERGE_PATCH)

    async def delete(
        self, resource: str, namespace: str | None, name: str, *, uid: str, grace: int | None = None
    ) -> None:
        """Delete the object with this uid; one that is gone already is fine."""
        options: JsonObject = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": uid},
        }
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            await self.call("DELETE", api_path(resource, namespace, name), options)
        except ApiError as error:
            # Another object under the same name is none of the caller's business either
            if not (error.missing or error.conflict):
                raise

    async def bind(self, pod: Mapping[str, Any], node: str) -> None:
        """Put a pod on a node through the binding subresource."""
        metadata = pod["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"], "uid": metadata["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        path = api_path("pods", metadata["namespace"], metadata["name"], "binding")
        await self.call("POST", path, body)

    async def watch(
        self, resource: str, version: str, namespace: str | None = None, **params: str
    ) -> AsyncIterator[Change]:
        """Changes after `version` until the server ends the watch; ApiError 410 when too old."""
        asked = {
            **params,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=_WATCH_SECONDS + 30)
        try:
            async with self._open().get(
                self._url + api_path(resource, namespace), params=asked, timeout=timeout
            ) as answer:
                if answer.status != 200:
                    await _read(answer)
                async for line in _lines(answer.content):
                    yield _change(line)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "Unreachable", f"watch of {resource}: {error}") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The client is used outside of its context.")
        return self._session


async def _read(answer: aiohttp.ClientResponse) -> JsonObject:
    """The answer's object; raises ApiError for anything but a success."""
    text = await answer.text()
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        body = {"message": text[:200]}
    if not isinstance(body, dict):
        body = {"message": "The answer is not an object."}
    if answer.status >= 400:
        reason = str(body.get("reason") or answer.reason or "")
        raise ApiError(answer.status, reason, str(body.get("message", "")))
    return body


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines of any length up to a bound (the stream's own readline has a small one)."""
    rest = b""
    async for data in stream.iter_any():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > _MAX_LINE:
            raise ApiError(0, "TooLong", "A line of the watch is too long.")


def _change(line: bytes) -> Change:
    words = json.loads(line)
    kind, item = str(words["type"]), words["object"]
    if kind == "ERROR":
        raise ApiError(int(item.get("code", 500)), item.get("reason", ""), item.get("message", ""))
    return Change(kind, item)


async def wait_for_api(client: ApiClient, *, seconds: float = 30.0) -> None:
    """Wait until the API answers; ApiError when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            await client.call("GET", "/api/v1")
        except ApiError as error:
            if error.status != 0 or loop.time() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return
