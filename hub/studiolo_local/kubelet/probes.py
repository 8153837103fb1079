"""Asks a container whether it has started, is ready, is alive, as a kubelet does. I/O: HTTP, TCP.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

import aiohttp

ProbeKind = Literal["Startup", "Readiness", "Liveness"]
Runner = Callable[[list[str], float], Awaitable[tuple[int, str]]]
"""Runs a command in the container, for so many seconds at most: exit code and output."""

_MAX_OUTPUT: Final = 10 * 1024
_MAX_REDIRECTS: Final = 10
_USER_AGENT: Final = "kube-probe/1.34"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one probe said."""

    good: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe of a container, with Kubernetes' defaults filled in."""

    kind: ProbeKind
    action: Mapping[str, Any]
    delay: float
    period: float
    timeout: float
    successes: int
    failures: int
    grace: int | None = None

    @classmethod
    def read(cls, kind: ProbeKind, spec: Mapping[str, Any] | None) -> Probe | None:
        """The probe that a container's specification holds, if it does."""
        if not spec:
            return None
        return cls(
            kind,
            spec,
            delay=float(spec.get("initialDelaySeconds") or 0),
            period=float(spec.get("periodSeconds") or 10),
            timeout=float(spec.get("timeoutSeconds") or 1),
            successes=int(spec.get("successThreshold") or 1),
            failures=int(spec.get("failureThreshold") or 3),
            grace=spec.get("terminationGracePeriodSeconds"),
        )


class Prober:
    """Asks the containers of one pod."""

    def __init__(self, http: aiohttp.ClientSession, address: str, run: Runner) -> None:
        self._http = http
        self._address = address
        self._run = run

    async def ask(self, probe: Probe, ports: Mapping[str, int]) -> Answer:
        """One question; `ports` are the container's named ports."""
        action = probe.action
        try:
            async with asyncio.timeout(probe.timeout):
                if "httpGet" in action:
                    return await self._http_get(action["httpGet"], ports)
                if "tcpSocket" in action:
                    return await self._tcp(action["tcpSocket"], ports)
                if "exec" in action:
                    return await self._exec(action["exec"], probe.timeout)
        except TimeoutError:
            return Answer(False, _timed_out(action, self._address, ports, probe.timeout))
        return Answer(False, "the embedded cluster has no probe of this kind")

    async def _http_get(self, action: Mapping[str, Any], ports: Mapping[str, int]) -> Answer:
        url = _url(action, self._address, ports)
        headers = {"User-Agent": _USER_AGENT, "Accept": "*/*", "Connection": "close"}
        headers |= {each["name"]: each["value"] for each in action.get("httpHeaders") or ()}
        # As the kubelet: the certificate of a container is nobody's business but its own
        tls = ssl._create_unverified_context() if url.startswith("https") else True  # noqa: S323, SLF001
        target = url
        try:
            for _ in range(_MAX_REDIRECTS):
                async with self._http.get(
                    target, headers=headers, ssl=tls, allow_redirects=False
                ) as answer:
                    body = (await answer.content.read(_MAX_OUTPUT)).decode("utf-8", "replace")
                    if answer.status not in {301, 302, 303, 307, 308}:
                        break
                    target = urljoin(target, answer.headers.get("Location", ""))
                    # Elsewhere it is not the container that is asked: a redirect counts as alive
                    if urlsplit(target).hostname != urlsplit(url).hostname:
                        return Answer(True, "Probe terminated redirects")
            else:
                return Answer(False, f'Get "{url}": stopped after {_MAX_REDIRECTS} redirects')
        except (aiohttp.ClientError, OSError) as error:
            return Answer(False, f'Get "{url}": {_go_words(error)}')
        if 200 <= answer.status < 400:
            return Answer(True, body)
        return Answer(False, f"HTTP probe failed with statuscode: {answer.status}")

    async def _tcp(self, action: Mapping[str, Any], ports: Mapping[str, int]) -> Answer:
        host, port = action.get("host") or self._address, _port(action["port"], ports)
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            return Answer(False, f"dial tcp {host}:{port}: connect: connection refused")
        writer.close()
        return Answer(True)

    async def _exec(self, action: Mapping[str, Any], timeout: float) -> Answer:
        code, output = await self._run(list(action.get("command") or ()), timeout)
        return Answer(code == 0, output[:_MAX_OUTPUT])


def _url(action: Mapping[str, Any], address: str, ports: Mapping[str, int]) -> str:
    scheme = str(action.get("scheme") or "HTTP").lower()
    path = str(action.get("path") or "/")
    host = action.get("host") or address
    return f"{scheme}://{host}:{_port(action['port'], ports)}/{path.removeprefix('/')}"


def _port(value: str | int, ports: Mapping[str, int]) -> int:
    return value if isinstance(value, int) else ports.get(value, 0) or int(value)


def _timed_out(
    action: Mapping[str, Any], address: str, ports: Mapping[str, int], seconds: float
) -> str:
    if "httpGet" in action:
        url = _url(action["httpGet"], address, ports)
        waited = "Client.Timeout exceeded while awaiting headers"
        return f'Get "{url}": context deadline exceeded ({waited})'
    if "tcpSocket" in action:
        return f"dial tcp {address}:{_port(action['tcpSocket']['port'], ports)}: i/o timeout"
    return f"command timed out after {seconds:g}s"


def _go_words(error: Exception) -> str:
    """A failed connection as Go's net/http tells it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"dial tcp {error.host}:{error.port}: connect: connection refused"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    if isinstance(error, ConnectionResetError | aiohttp.ClientOSError):
        return "read: connection reset by peer"
    return "net/http: HTTP/1.x transport connection broken"
