"""Contract tests of a Kubernetes API server: the same tests for the embedded one and a real one.

By default they run against the embedded server. To run them against a real cluster, name a
kubeconfig whose user may do everything: `STUDIOLO_CONTRACT_KUBECONFIG=~/.kube/kind pytest
tests/contract`. Each test has a namespace of its own, which is removed afterwards.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.contract.cluster import Access, Cluster
from tests.embedded import running_api

REAL = os.environ.get("STUDIOLO_CONTRACT_KUBECONFIG")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster with a namespace for this test."""
    async with AsyncExitStack() as stack:
        if REAL:
            kubeconfig = Path(REAL).expanduser()
        else:
            kubeconfig = (await stack.enter_async_context(running_api(tmp_path))).kubeconfig
        access = await Access.of(kubeconfig)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                base_url=access.host,
                headers=access.headers,
                connector=aiohttp.TCPConnector(ssl=access.tls),
                read_bufsize=2**20,
            )
        )
        name = f"contract-{secrets.token_hex(4)}"
        cluster = Cluster(session, kubeconfig, namespace=name, node=name)
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await cluster.expect("POST", "/api/v1/namespaces", body)
        # Pods are refused until their service account is there.
        await cluster.until(cluster.path("serviceaccounts", "default"), lambda _: True)
        try:
            yield cluster
        finally:
            await cluster.call("DELETE", cluster.path("pods"), gracePeriodSeconds="0")
            await cluster.call("DELETE", f"/api/v1/namespaces/{name}")
            await cluster.call("DELETE", f"/api/v1/nodes/{name}")
