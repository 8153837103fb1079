"""A stand-in for Kueue before the embedded API: webhook, Workloads, visibility API. Simulated.

It does what Kueue does for plain pods with a queue's label: a scheduling gate goes into the pod,
a Workload is made for it, the pending ones have places in line, and admission takes the gate away.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.faulty_proxy import FaultyProxy

QUEUE = "kueue.x-k8s.io/queue-name"
GATE = "kueue.x-k8s.io/admission"
FOREVER = 10**9
USED_UP = (
    "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in "
    "flavor a100, 1 more needed"
)


class FakeKueue:
    """Answers for Kueue's API groups at ``proxy`` and gates the pods that are made through it."""

    def __init__(self, proxy: FaultyProxy, token: str) -> None:
        self.workloads: list[dict[str, Any]] = []
        self.others_before = 0
        """Workloads of others that stand before ours in the queue."""
        self.status = 200
        """What its lists are answered with."""
        self.asked: list[str] = []
        self._proxy = proxy
        self._headers = {"Authorization": f"Bearer {token}"}
        proxy.spoil(r"GET /apis/(visibility\.)?kueue\.x-k8s\.io.*", self._answer, times=FOREVER)
        proxy.spoil(r"POST .*/pods", self._gate, times=FOREVER, holding=(QUEUE,))

    def say(self, message: str, reason: str = "Pending") -> None:
        """Have the newest Workload say why it waits."""
        condition = {
            "type": "QuotaReserved",
            "status": "False",
            "reason": reason,
            "message": message,
        }
        self.workloads[-1]["status"] = {"conditions": [condition]}

    async def admit(self, pod: str) -> None:
        """Take the gate away, as Kueue does when the quota allows."""
        url = f"{self._proxy.target}/api/v1/namespaces/studiolo/pods/{pod}"
        kind = {"Content-Type": "application/merge-patch+json"}
        body = json.dumps({"spec": {"schedulingGates": None}})
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.patch(url, data=body, headers=kind) as answer,
        ):
            assert answer.status == 200, await answer.text()
        self.workloads.clear()

    async def _gate(self, request: web.BaseRequest, _proxy: FaultyProxy) -> web.StreamResponse:
        pod = json.loads(await request.read())
        pod["spec"]["schedulingGates"] = [{"name": GATE}]
        url = self._proxy.target + request.path_qs
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.post(url, json=pod) as answer,
        ):
            made = await answer.json()
        uid = made["metadata"]["uid"]
        name = f"pod-{made['metadata']['name']}-5f3a1"
        labels = {"kueue.x-k8s.io/job-uid": uid}
        self.workloads.append({"metadata": {"name": name, "labels": labels}, "status": {}})
        self.say(USED_UP)
        return web.json_response(made, status=answer.status)

    async def _answer(self, request: web.BaseRequest, _proxy: FaultyProxy) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.status != 200:
            return web.json_response({"kind": "Status"}, status=self.status)
        if request.path.count("/") == 2:
            version = {"groupVersion": "x/v1beta2", "version": "v1beta2"}
            return web.json_response({"kind": "APIGroup", "preferredVersion": version})
        if request.path.endswith("/workloads"):
            return web.json_response({"items": self.workloads})
        return web.json_response({"items": self._pending()})

    def _pending(self) -> list[dict[str, Any]]:
        names = [f"pod-other-{number}" for number in range(self.others_before)]
        names += [each["metadata"]["name"] for each in self.workloads]
        return [
            {"metadata": {"name": name}, "positionInLocalQueue": place}
            for place, name in enumerate(names)
        ]
