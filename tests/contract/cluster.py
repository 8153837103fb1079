"""The cluster that the contract tests talk to, whichever it is, and small words to talk in."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes_asyncio import config
from kubernetes_asyncio.client import Configuration

KUBECTL = Path(sys.executable).with_name("kubectl")

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

PATIENCE = 20.0
"""Seconds that a cluster is given to do what it does by itself."""


@dataclass(frozen=True)
class Outcome:
    """The answer to one request."""

    code: int
    body: Any
    headers: Any

    @property
    def reason(self) -> str:
        """Return the reason of a `Status`."""
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        """Return the message of a `Status`."""
        return str(self.body.get("message", ""))

    @property
    def version(self) -> str:
        """Return the resourceVersion of the object or list."""
        return str(self.body["metadata"]["resourceVersion"])


@dataclass(frozen=True)
class Cluster:
    """A real API server or the embedded one, and a namespace of the test's own in it."""

    session: aiohttp.ClientSession
    kubeconfig: Path
    namespace: str
    node: str
    """The name of a node that nothing runs on, for pods that must be scheduled; see `add_node`."""

    def path(self, plural: str, name: str = "", part: str = "") -> str:
        """Return the path of objects in the test's namespace."""
        parts = [f"/api/v1/namespaces/{self.namespace}/{plural}", name, part]
        return "/".join(each for each in parts if each)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        media_type: str = "application/json",
        accept: str = "application/json",
        **query: str,
    ) -> Outcome:
        """Make one request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": media_type, "Accept": accept}
        async with self.session.request(
            method, path, data=data, params=query, headers=headers
        ) as response:
            return Outcome(response.status, await response.json(), response.headers)

    async def expect(self, method: str, path: str, body: Any = None, **options: str) -> Outcome:
        """Make one request that must succeed."""
        outcome = await self.call(method, path, body, **options)
        assert outcome.code < 400, outcome.body
        return outcome

    async def create(self, plural: str, body: Any, **query: str) -> Any:
        """Make an object in the test's namespace."""
        return (await self.expect("POST", self.path(plural), body, **query)).body

    async def add_node(self) -> None:
        """Make the node; the fixture removes it."""
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.node}}
        await self.expect("POST", "/api/v1/nodes", body)

    async def bound_pod(self, name: str, **spec: Any) -> Any:
        """Make a pod that is scheduled to the node, where no kubelet ever ends it."""
        await self.create("pods", pod(name, **spec))
        binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": self.node}}
        await self.expect("POST", self.path("pods", name, "binding"), binding)
        return (await self.expect("GET", self.path("pods", name))).body

    @asynccontextmanager
    async def watch(self, plural: str, **query: str) -> AsyncIterator[Watch]:
        """Watch objects of the test's namespace."""
        params = {"watch": "true", **query}
        async with self.session.get(self.path(plural), params=params) as response:
            assert response.status == 200, await response.text()
            yield Watch(response)

    async def remembers_the_beginning(self) -> bool:
        """Return whether version 1 can still be had: a young real cluster has not compacted it."""
        query = {"resourceVersion": "1", "resourceVersionMatch": "Exact", "limit": "1"}
        return (await self.call("GET", self.path("pods"), **query)).code == 200

    async def until(self, path: str, wanted: Any) -> Any:
        """Read an object until it is as wanted (or gone, for None); fails after a while."""
        async with asyncio.timeout(PATIENCE):
            while True:
                outcome = await self.call("GET", path)
                if wanted is None and outcome.code == 404:
                    return None
                if wanted is not None and outcome.code == 200 and wanted(outcome.body):
                    return outcome.body
                await asyncio.sleep(0.02)

    async def kubectl(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Run kubectl in the test's namespace; returns what it printed."""
        process = await self.start_kubectl(*arguments)
        output, _ = await process.communicate(stdin.encode())
        text = output.decode()
        assert process.returncode == code, text
        return text

    async def start_kubectl(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start kubectl in the test's namespace."""
        return await asyncio.create_subprocess_exec(
            str(KUBECTL),
            f"--namespace={self.namespace}",
            f"--cache-dir={self.kubeconfig.parent / 'kubectl-cache'}",
            *arguments,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


class Watch:
    """The events of one watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content

    async def next(self) -> tuple[str, Any]:
        """Return the next event's type and object."""
        async with asyncio.timeout(PATIENCE):
            event = json.loads(await self._content.readline())
        return event["type"], event["object"]

    async def brief(self, count: int) -> list[str]:
        """Return the next events in short: `ADDED name`."""
        events = [await self.next() for _ in range(count)]
        return [f"{kind} {item['metadata']['name']}" for kind, item in events]

    async def rest(self) -> list[tuple[str, Any]]:
        """Return all events until the server ends the watch."""
        async with asyncio.timeout(PATIENCE):
            lines = (await self._content.read()).splitlines()
        return [(event["type"], event["object"]) for event in map(json.loads, lines)]


@dataclass(frozen=True)
class Access:
    """How to reach a cluster, as its kubeconfig says."""

    host: str
    headers: dict[str, str]
    tls: ssl.SSLContext | bool

    @classmethod
    async def of(cls, kubeconfig: Path) -> Self:
        """Read a kubeconfig as KubeSpawner's client does."""
        settings = Configuration()
        await config.load_kube_config(str(kubeconfig), client_configuration=settings)
        tls = ssl.create_default_context(cafile=settings.ssl_ca_cert)
        if settings.cert_file:
            tls.load_cert_chain(settings.cert_file, settings.key_file)
        token = settings.api_key.get("BearerToken")
        return cls(settings.host, {"Authorization": token} if token else {}, tls)


def pod(name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a pod that no scheduler takes."""
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"schedulerName": "nobody", "containers": [container], **spec},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """Return a config map."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
