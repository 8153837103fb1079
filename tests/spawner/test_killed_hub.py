"""A hub that ends at every point where a start waits, and the next one that goes on.

Many people's starts (and a stop, and a workspace that runs) are each brought to one point and held
there; then the hub's process ends, another one begins, and everything must agree: the hub's
servers, the cluster's pods, services and homes, the routes, the tokens.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.embedded import EmbeddedApi, running_api
from tests.fakes import pod_driver
from tests.fakes.faulty_proxy import FaultyProxy, Held
from tests.fakes.hub_process import ADMIN_TOKEN, HubProcess
from tests.fakes.pod_driver import Json, PodDriver
from tests.fakes.registry import FakeRegistry

pytestmark = pytest.mark.cluster

HERE = "/api/v1/namespaces/studiolo"
CLAIMS = "persistentvolumeclaims"

CATALOGUE = """
version: 1
defaults: {image: good, profile: small, fallback: {max_attempts: 2}}
images:
- {id: good, display_name: Good, reference: "images.example/good:1"}
- {id: slow, display_name: Slow, reference: "images.example/slow:1", fallback_allowed: false}
- {id: bad, display_name: Bad, reference: "images.example/bad:1", fallback: [second]}
- {id: second, display_name: Second, reference: "images.example/second:1"}
- {id: alone, display_name: Alone, reference: "images.example/alone:1", fallback_allowed: false}
profiles: [{id: small, display_name: Small, cpu: 1, memory: 1Gi}]
"""

CONFIG = """
import asyncio
from pathlib import Path
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.JupyterHub.init_spawners_timeout = 1
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.namespace = "studiolo"
c.WorkspaceSpawner.port = {port}
c.WorkspaceSpawner.services_enabled = True
c.WorkspaceSpawner.dns_name_template = "127.0.0.1"
c.WorkspaceSpawner.image_check_period = 0
c.WorkspaceSpawner.registries = {{
    "images.example": {{"endpoint": "{registry}", "insecure": True, "allow_private": True}}
}}

FLAG = Path("{flag}")

async def hold(spawner):
    if spawner.user.name == "before" and not FLAG.exists():
        FLAG.touch()
        await asyncio.sleep(3600)

def stays(spawner, pod):
    if spawner.user.name == "going" and pod.metadata.labels["studiolo.dev/image"] == "bad":
        pod.metadata.finalizers = ["tests.example/held"]
    return pod

c.WorkspaceSpawner.pre_spawn_hook = hold
c.WorkspaceSpawner.modify_pod_hook = stays
"""

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: here}}}}]
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
users: [{{name: here, user: {{token: "{token}"}}}}]
"""


class Answers:
    """Answers for every workspace; for some people only when they are told to."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.silent: set[str] = set()

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        person = request.path.split("/")[2]
        self.asked.add(person)
        while person in self.silent:
            await asyncio.sleep(0.05)
        return web.json_response({"version": "2"}, headers={"X-JupyterHub-Version": "6.1.1"})


class Kubelet(PodDriver):
    """Runs good images at once, but some people's pods only when they are told to."""

    def __init__(self, api: EmbeddedApi) -> None:
        super().__init__(api.url, api.token, lambda _pod: [])
        self.waiting: set[str] = set()

    async def _play(self, pod: Json) -> None:
        person, image = _person(pod), pod["metadata"]["labels"]["studiolo.dev/image"]
        if image in {"bad", "alone"}:
            await self.set_status(pod, pod_driver.waiting("ErrImagePull", "manifest unknown"))
            return
        if person == "refused":
            await self.set_status(pod, {"phase": "Failed", "reason": "Evicted"})
            return
        await self.set_status(pod, pod_driver.waiting("ContainerCreating"))
        while person in self.waiting:
            await asyncio.sleep(0.05)
        await self.set_status(pod, pod_driver.running(ready=True))


def _person(pod: Json) -> str:
    person: str = pod["metadata"]["annotations"]["hub.jupyter.org/username"]
    return person


@dataclass
class Scene:
    """A cluster, the way to it, a registry, workspaces' answers and a hub."""

    api: EmbeddedApi
    proxy: FaultyProxy
    kubelet: Kubelet
    registry: FakeRegistry
    answers: Answers
    hub: HubProcess
    held: dict[str, Held] = field(default_factory=dict)
    asking: list[asyncio.Task[Any]] = field(default_factory=list)

    async def start(self, person: str, image: str = "good") -> None:
        """Ask for a workspace, and wait for no answer."""
        assert (await self.hub.rest("POST", f"/users/{person}"))[0] == 201
        asking = self.hub.rest("POST", f"/users/{person}/server", {"image": image})
        self.asking.append(asyncio.create_task(asking))

    def hold(self, person: str, method: str, kind: str, *texts: str, **how: bool) -> None:
        """Hold this person's next such request; ``kind`` of object, ``texts`` in its body."""
        path, texts = f"{HERE}/{kind}", (*texts, f'-{person}"')
        if method == "DELETE":
            path, texts = f"{path}/jupyter-{person}", ()
        self.held[person] = Held(**how)
        self.proxy.spoil(f"{method} {path}", self.held[person], times=1000, holding=texts)

    async def pods(self) -> dict[str, Json]:
        """The one pod of each person."""
        items = (await self.api.expect("GET", f"{HERE}/pods"))["items"]
        found = {_person(pod): pod for pod in items}
        assert len(found) == len(items)
        return found

    async def servers(self) -> dict[str, Json]:
        """Everybody's server as the hub knows it."""
        _, people = await self.hub.rest("GET", "/users")
        return {p["name"]: p["servers"][""] for p in people if p["servers"].get("")}

    async def routes(self) -> set[str]:
        _, routes = await self.hub.rest("GET", "/proxy")
        return {spec.strip("/").removeprefix("user/") for spec in routes if "/user/" in spec}

    async def names(self, plural: str) -> list[str]:
        items = (await self.api.expect("GET", f"{HERE}/{plural}"))["items"]
        return sorted(item["metadata"]["name"] for item in items)

    async def tokens(self, person: str) -> list[str]:
        """The notes of the tokens that belong to the person's server."""
        _, found = await self.hub.rest("GET", f"/users/{person}/tokens")
        return [t["note"] for t in found["api_tokens"] if t["note"].startswith("Server at")]

    async def who_am_i(self, pod: Json) -> str:
        """Whom the hub takes a workspace for."""
        variables = {v["name"]: v.get("value") for v in pod["spec"]["containers"][0]["env"]}
        headers = {"Authorization": f"token {variables['JUPYTERHUB_API_TOKEN']}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.hub.url}/api/user") as answer,
        ):
            return str((await answer.json()).get("name"))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    async with AsyncExitStack() as stack:
        answers = Answers()
        await answers.start()
        stack.push_async_callback(answers.stop)
        registry = await stack.enter_async_context(FakeRegistry())
        for image in ("good", "slow", "bad", "second", "alone"):
            registry.image(image, "1", labels={"name": image})
        api = await stack.enter_async_context(running_api(tmp_path))
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        proxy = FaultyProxy(api.url)
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        kubelet = Kubelet(api)
        await kubelet.start()
        stack.push_async_callback(kubelet.stop)
        kubeconfig = tmp_path / "through-the-proxy"
        there = KUBECONFIG.format(url=proxy.url, token=api.token)
        kubeconfig.write_text(there)
        config = CONFIG.format(
            catalogue=catalogue,
            port=answers.port,
            registry=registry.url,
            flag=tmp_path / "held",
        )
        hub = await stack.enter_async_context(HubProcess(tmp_path, kubeconfig, config))
        yield Scene(api, proxy, kubelet, registry, answers, hub)


async def until(what: Callable[[], bool]) -> None:
    while not what():
        await asyncio.sleep(0.02)


#: Where the hub ends, and what becomes of the start: the same pod goes on, another one is made, or
#: it is undone with a cause that the page tells.
SAME, ANOTHER, UNDONE, GONE = "same pod", "another pod", "undone", "gone"
OUTCOMES = {
    "before": UNDONE,
    "home": ANOTHER,
    "home-made": ANOTHER,
    "check": ANOTHER,
    "create": ANOTHER,
    "create-soon": SAME,
    "create-late": ANOTHER,
    "create-crossing": SAME,
    "created": SAME,
    "service": SAME,
    "service-made": SAME,
    "pending": SAME,
    "delete": ANOTHER,
    "deleting": ANOTHER,
    "going": ANOTHER,
    "next": ANOTHER,
    "next-made": SAME,
    "answering": SAME,
    "refused": UNDONE,
    "nothing-left": UNDONE,
    "cancelled": GONE,
    "stopping": GONE,
    "stopping-sent": GONE,
    "running": SAME,
}


async def _bring_everybody_to_their_point(scene: Scene) -> None:
    """Return when each start waits where it is to wait."""
    for person in ("stopping", "stopping-sent", "running"):
        await scene.start(person)
    await asyncio.gather(*scene.asking)
    scene.hold("home", "POST", CLAIMS)
    scene.hold("home-made", "POST", CLAIMS, done=True)
    scene.hold("create", "POST", "pods")
    for person in ("create-soon", "create-late", "create-crossing"):
        scene.hold(person, "POST", "pods", late=True)
    scene.hold("created", "POST", "pods", done=True)
    scene.hold("service", "POST", "services")
    scene.hold("service-made", "POST", "services", done=True)
    for person in ("delete", "refused", "nothing-left", "stopping", "cancelled"):
        scene.hold(person, "DELETE", "pods")
    for person in ("deleting", "stopping-sent"):
        scene.hold(person, "DELETE", "pods", done=True)
    scene.hold("next", "POST", "pods", "images.example/second")
    scene.kubelet.waiting |= {"pending", "cancelled", "next-made"}
    scene.answers.silent |= {"answering"}
    images = {"check": "slow", "nothing-left": "alone"}
    images |= dict.fromkeys(("delete", "deleting", "going", "next", "next-made"), "bad")
    for person in OUTCOMES:
        if person not in {"stopping", "stopping-sent", "running", "check"}:
            await scene.start(person, images.get(person, "good"))
    scene.registry.fault("/slow/manifests/", scene.registry.hang)
    await scene.start("check", "slow")
    for person in ("stopping", "stopping-sent"):
        stop = scene.hub.rest("DELETE", f"/users/{person}/server")
        scene.asking.append(asyncio.create_task(stop))
    await until(lambda: {"pending", "cancelled"} <= set(map(_person, scene.kubelet.created)))
    cancel = scene.hub.rest("DELETE", "/users/cancelled/server")
    scene.asking.append(asyncio.create_task(cancel))
    created = scene.kubelet.created
    await until(lambda: [_person(pod) for pod in created].count("next-made") == 2)
    await until(lambda: "answering" in scene.answers.asked)
    await until(lambda: any("slow" in path for path in scene.registry.paths()))
    while not (await scene.pods())["going"]["metadata"].get("deletionTimestamp"):
        await asyncio.sleep(0.05)
    for held in scene.held.values():
        await held.reached.wait()


async def _let_everybody_go_on(scene: Scene) -> None:
    """Hold nothing any more, after the next hub has begun."""
    scene.kubelet.waiting.clear()
    scene.answers.silent.clear()
    scene.held["create-late"].let_go.set()
    path = f"{HERE}/pods/jupyter-going"
    patch = {"metadata": {"finalizers": None}}
    await scene.api.expect("PATCH", path, patch, media_type="application/merge-patch+json")


async def _story(scene: Scene, person: str) -> list[str]:
    """What the waiting page is told once the start goes on."""
    told: list[str] = []
    headers = {"Authorization": f"token {ADMIN_TOKEN}"}
    url = f"{scene.hub.url}/api/users/{person}/server/progress"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as stream:
        async for line in stream.content:
            if line.startswith(b"data:"):
                told.append(json.loads(line[5:])["message"])
            if "restarted meanwhile" in "".join(told[-1:]):
                return told
    raise AssertionError(f"the start of {person} did not go on: {told}")


async def _settled(scene: Scene) -> dict[str, Json]:
    """The servers, once nothing is pending."""
    while True:
        servers = await scene.servers()
        if all(server["ready"] and not server["pending"] for server in servers.values()):
            return servers
        await asyncio.sleep(0.1)


async def _told(scene: Scene, person: str) -> str:
    """What the waiting page is told of a start that is over."""
    _, text = await scene.hub.rest("GET", f"/users/{person}/server/progress")
    events = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
    return "\n".join(event["message"] for event in events)


def _crossing(scene: Scene) -> None:
    """Have an old hub's request carried out while the new hub's is on its way."""

    async def first_the_old_one(request: web.BaseRequest, proxy: FaultyProxy) -> web.StreamResponse:
        await request.read()
        scene.held["create-crossing"].let_go.set()
        await scene.held["create-crossing"].over.wait()
        return await proxy.forward(request)

    scene.proxy.spoil(f"POST {HERE}/pods", first_the_old_one, holding=('-create-crossing"',))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
async def test_the_next_hub_goes_on(scene: Scene, how: signal.Signals) -> None:
    async with asyncio.timeout(60):
        await _bring_everybody_to_their_point(scene)
    before = await scene.pods()
    await scene.hub.stop(how)
    scene.proxy.mend()
    _crossing(scene)
    scene.held["create-soon"].let_go.set()
    await scene.held["create-soon"].over.wait()
    scene.registry.heal()
    seen = len(scene.hub.log)
    await scene.hub.start()
    story = "\n".join(await _story(scene, "next-made"))
    assert "“Bad” could not be used. The image does not exist in the registry." in story
    assert "Trying “Second” instead." in story
    await _let_everybody_go_on(scene)
    async with asyncio.timeout(60):
        servers = await _settled(scene)

    going_on = {person for person, outcome in OUTCOMES.items() if outcome in {SAME, ANOTHER}}
    pods = await scene.pods()
    assert set(servers) == set(pods) == await scene.routes() == going_on
    assert await scene.names("services") == sorted(f"jupyter-{person}" for person in going_on)
    assert await scene.names(CLAIMS) == sorted(f"home-{p}" for p in OUTCOMES if p != "before")
    uids = {person: pod["metadata"]["uid"] for person, pod in pods.items()}
    same = {p for p in before if p in uids and uids[p] == before[p]["metadata"]["uid"]}
    assert same | {"create-soon", "create-crossing"} == {
        person for person, outcome in OUTCOMES.items() if outcome == SAME
    }
    for person, pod in pods.items():
        assert (person, await scene.who_am_i(pod)) == (person, person)
    for person in OUTCOMES:
        tokens = await scene.tokens(person)
        assert (person, len(tokens)) == (person, int(person in going_on))
    assert "restarted before the start" in await _told(scene, "before")
    assert "ran short of memory or disk" in await _told(scene, "refused")
    assert "“Alone” could not be used" in await _told(scene, "nothing-left")
    assert "Traceback" not in scene.hub.log[seen:]
    await asyncio.gather(*scene.asking, return_exceptions=True)
