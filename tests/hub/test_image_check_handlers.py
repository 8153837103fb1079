"""An image of one's own in a real hub, with a registry over HTTP: typed, checked, run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.embedded import running_api
from tests.fakes import pod_driver
from tests.fakes.canary import Canary
from tests.fakes.hub_process import AnswersForPods, HubProcess, xsrf_of
from tests.fakes.pod_driver import PodDriver
from tests.fakes.registry import FakeRegistry

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]

CONTRACT = json.loads((Path(__file__).parents[1] / "contract" / "image_check.json").read_text())
TYPED = "registry.example/team/train:7"
LABELS = {
    "dev.studiolo.provides.tools": "jupyterlab",
    "dev.studiolo.provides.frameworks": "pytorch=2.9.1",
}
CATALOGUE = """
version: 1
images:
- {{id: good, display_name: Good, reference: "registry.example/good:1",
   provides: {{tools: [jupyterlab], frameworks: {{pytorch: "2.9.0"}}}}}}
profiles:
- {{id: small, display_name: Small, cpu: 1, memory: 1Gi}}
- {{id: large, display_name: Large, cpu: 8, memory: 16Gi}}
custom_images:
  patterns: [registry.example/team/*, "127.0.0.1:{canary}/team/*x"]
  profiles: [small]
"""
CONFIG = """
from studiolo_hub.image_check_handlers import image_check_handlers
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.JupyterHub.extra_handlers = image_check_handlers()
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.namespace = "studiolo"
c.WorkspaceSpawner.port = {port}
c.WorkspaceSpawner.image_check_period = 0
c.WorkspaceSpawner.registries = {{
    "registry.example": {{"endpoint": "{registry}", "insecure": True, "allow_private": True}},
}}
"""


@dataclass
class Lab:
    hub: HubProcess
    registry: FakeRegistry
    canary: Canary
    kubelet: PodDriver
    digest: str

    async def check(self, who: aiohttp.ClientSession, **body: Any) -> tuple[int, Any]:
        headers = {"X-XSRFToken": xsrf_of(who)}
        url = f"{self.hub.url}/studiolo/image-check"
        async with who.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def send(self, who: aiohttp.ClientSession, **form: str) -> tuple[int, str]:
        data = {"_xsrf": xsrf_of(who), **form}
        async with who.post(f"{self.hub.url}/spawn", data=data, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def ready(self, name: str) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                _, user = await self.hub.rest("GET", f"/users/{name}")
                server: dict[str, Any] = user["servers"].get("", {})
                if server.get("ready"):
                    return server
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("hub")
    answers = AnswersForPods()
    await answers.start()
    async with FakeRegistry() as registry, Canary() as canary, running_api(folder) as api:
        digest = registry.image("team/train", "7", labels=LABELS)
        registry.image("good", "1")
        catalogue = folder / "catalogue.yaml"
        catalogue.write_text(CATALOGUE.format(canary=canary.port))
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        kubelet = PodDriver(api.url, api.token, pod_driver.ready_after(0.1))
        await kubelet.start()
        config = CONFIG.format(catalogue=catalogue, port=answers.port, registry=registry.url)
        try:
            async with HubProcess(folder, api.kubeconfig, config) as hub:
                yield Lab(hub, registry, canary, kubelet, digest)
        finally:
            await kubelet.stop()
            await answers.stop()


async def test_image_that_is_there(lab: Lab) -> None:
    ana = await lab.hub.browser("ana")
    async with ana:
        status, told = await lab.check(ana, reference=TYPED, profile="small")
    assert status == 200
    assert (told["version"], told["decision"], told["reason"]) == (1, "accepted", "found")
    assert (told["reference"], told["digest"]) == (TYPED, lab.digest)
    assert told["size"] > 3000
    assert told["provides"]["frameworks"] == {"pytorch": "2.9.1"}
    assert "PyTorch 2.9.1" in told["facts"]
    assert told["instead"] == ["Good"]


async def test_answers_are_those_of_the_contract(lab: Lab) -> None:
    who = await lab.hub.browser("reader")
    async with who:
        _, found = await lab.check(who, **CONTRACT["question"])
        question = {**CONTRACT["question"], "reference": "evil.example/team/train:7"}
        _, refused = await lab.check(who, **question)
    # What depends on the bytes of the test's image is not the contract's to say.
    assert found["digest"].startswith("sha256:")
    found |= {name: CONTRACT["accepted"][name] for name in ("digest", "size")}
    found["facts"][0] = CONTRACT["accepted"]["facts"][0]
    assert found == CONTRACT["accepted"]
    patterns = f"registry.example/team/* or 127.0.0.1:{lab.canary.port}/team/*x"
    expected = CONTRACT["refuse"] | {"hint": f"Allowed is {patterns}."}
    assert refused == expected


ASKED = {
    "missing": ({"reference": "registry.example/team/train:8"}, "fall_back", "does not exist"),
    "not finished": ({"reference": "registry.example/team/"}, "refuse", "not an image reference"),
    "no tag": ({"reference": "registry.example/team/train"}, "refuse", "neither tag nor digest"),
    "not allowed": ({"reference": "evil.example/team/train:7"}, "refuse", "not among the images"),
    "nothing": ({}, "refuse", "empty"),
    "null": ({"reference": None}, "refuse", "empty"),
    "a list": ({"reference": ["x"]}, "refuse", "must be text"),
    "another profile": ({"reference": TYPED, "profile": "large"}, "refuse", "cannot be combined"),
    "no such profile": ({"reference": TYPED, "profile": "x"}, "refuse", "no GPU profile"),
    "a profile that is none": ({"reference": TYPED, "profile": 7}, "refuse", "must be text"),
    "line ends": ({"reference": f"{TYPED}\r\nX-Evil: 1"}, "refuse", "not an image reference"),
}


@pytest.mark.parametrize(("body", "decision", "word"), ASKED.values(), ids=ASKED)
async def test_what_is_told(lab: Lab, body: dict[str, Any], decision: str, word: str) -> None:
    who = await lab.hub.browser("asker")
    async with who:
        status, told = await lab.check(who, **{"profile": "small", **body})
    assert (status, told["decision"]) == (200, decision)
    assert word in f"{told['message']} {told['hint']}"
    if decision == "refuse":
        assert told["digest"] is None


async def test_what_is_not_allowed_says_what_is(lab: Lab) -> None:
    who = await lab.hub.browser("learner")
    async with who:
        _, told = await lab.check(who, reference="evil.example/team/train:7", profile="small")
    assert "registry.example/team/*" in told["hint"]


async def test_address_in_the_own_network_is_not_talked_to(lab: Lab) -> None:
    # Its pattern is allowed, but nobody listed the registry as one with a private address.
    reference = f"127.0.0.1:{lab.canary.port}/team/x:1"
    who = await lab.hub.browser("prober")
    async with who:
        status, told = await lab.check(who, reference=reference, profile="small")
    assert (status, told["decision"]) == (200, "unknown")
    assert lab.canary.connections == 0


async def test_no_text_makes_a_request_to_a_host_outside_the_list(lab: Lab) -> None:
    port = lab.canary.port
    tricks = [
        f"127.0.0.1:{port}/other/x:1",
        f"localhost:{port}/team/x:1",
        f"registry.example@127.0.0.1:{port}/team/x:1",
        f"registry.example/team/x:1@127.0.0.1:{port}",
        f"127.0.0.1:{port}#registry.example/team/x:1",
        f"http://127.0.0.1:{port}/team/x:1",
        f"[::ffff:127.0.0.1]:{port}/team/x:1",
        f"2130706433:{port}/team/x:1",
        f"127.1:{port}/team/x:1",
    ]
    who = await lab.hub.browser("trickster")
    asked_before = len(lab.registry.requests)
    async with who:
        for trick in tricks:
            status, told = await lab.check(who, reference=trick, profile="small")
            assert (status, told["decision"]) == (200, "refuse"), trick
            status, page = await lab.send(who, image="custom-image", custom_image=trick)
            assert status == 400, trick
            assert "spawn-error-msg" in page
            options = {"custom_image": trick, "profile": "small"}
            status, _ = await lab.hub.rest("POST", "/users/trickster/server", options)
            assert status == 400, trick
    assert lab.canary.connections == 0
    assert len(lab.registry.requests) == asked_before
    assert "Traceback" not in lab.hub.log


async def test_who_is_not_signed_in_or_comes_from_elsewhere_is_refused(lab: Lab) -> None:
    url = f"{lab.hub.url}/studiolo/image-check"
    async with aiohttp.ClientSession() as stranger, stranger.post(url, json={}) as answer:
        assert answer.status == 403
    ana = await lab.hub.browser("ana")
    async with ana:
        async with ana.post(url, json={"reference": TYPED}) as answer:
            assert answer.status == 403
        async with ana.get(url) as answer:
            assert answer.status == 405


async def test_token_needs_the_right_to_start_workspaces(lab: Lab) -> None:
    await (await lab.hub.browser("tina")).close()
    url = f"{lab.hub.url}/studiolo/image-check"
    for scopes, status in ((["start:servers!user=tina"], 200), (["read:users!user=tina"], 403)):
        body = {"scopes": scopes}
        _, made = await lab.hub.rest("POST", "/users/tina/tokens", body)
        headers = {"Authorization": f"token {made['token']}"}
        async with (
            aiohttp.ClientSession(headers=headers) as program,
            program.post(url, json={"reference": TYPED, "profile": "small"}) as answer,
        ):
            assert answer.status == status, await answer.text()


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'"x"', b'{"colour": "blue"}', b"{" * 70_000],
    ids=["a list", "not JSON", "text", "another field", "too large"],
)
async def test_other_bodies_are_refused(lab: Lab, body: bytes) -> None:
    who = await lab.hub.browser("body")
    headers = {"X-XSRFToken": xsrf_of(who), "Content-Type": "application/json"}
    url = f"{lab.hub.url}/studiolo/image-check"
    async with who, who.post(url, data=body, headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["message"]


async def test_nobody_asks_more_often_than_anybody_types(lab: Lab) -> None:
    eager = await lab.hub.browser("eager")
    async with eager:
        answers = [await lab.check(eager, reference=TYPED, profile="small") for _ in range(30)]
        refused = [told for status, told in answers if status == 429]
        assert 0 < len(refused) <= 10
        assert refused[0]["reason"] == "too_many"
    other = await lab.hub.browser("calm")
    async with other:
        assert (await lab.check(other, reference=TYPED, profile="small"))[0] == 200


async def test_one_line_of_log_for_one_question(lab: Lab) -> None:
    who = await lab.hub.browser("logger")
    async with who:
        await lab.check(who, reference="evil\r\n[C 2026] forged canary-81", profile="small")
    assert "canary-81" in lab.hub.log
    assert not [line for line in lab.hub.log.splitlines() if line.startswith("[C 2026] forged")]


async def test_form_runs_the_digest_that_was_checked(lab: Lab) -> None:
    ben = await lab.hub.browser("ben")
    async with ben:
        form = {"image": "custom-image", "custom_image": f" {TYPED} ", "profile": "small"}
        status, page = await lab.send(ben, **form)
        assert status == 302, page
        server = await lab.ready("ben")
    assert server["user_options"] == {"custom_image": TYPED, "profile": "small"}
    pod = lab.kubelet.created[-1]
    assert pod["spec"]["containers"][0]["image"] == f"{TYPED}@{lab.digest}"
    assert pod["metadata"]["labels"]["studiolo.dev/image"] == "custom-image"


async def test_link_fills_the_field_in_and_starts_nothing(lab: Lab) -> None:
    ella = await lab.hub.browser("ella")
    async with ella, ella.get(f"{lab.hub.url}/spawn?opt-custom_image={TYPED}") as menu:
        page = await menu.text()
        assert menu.status == 200
    assert f'value="{TYPED}"' in page
    _, user = await lab.hub.rest("GET", "/users/ella")
    assert not user["servers"]


async def test_form_with_a_bad_image_comes_back_with_what_was_typed(lab: Lab) -> None:
    cora = await lab.hub.browser("cora")
    typed = "registry.example/team/train:nosuch"
    async with cora:
        form = {"image": "custom-image", "custom_image": typed, "profile": "small"}
        status, page = await lab.send(cora, **form)
    assert status == 400
    assert "does not exist in the registry" in page
    assert f'value="{typed}"' in page
    made = [pod["metadata"]["annotations"] for pod in lab.kubelet.created]
    assert "cora" not in str(made)


async def test_rest_falls_back_to_what_the_labels_say(lab: Lab) -> None:
    # The image is there when its labels are read, and cannot be pulled when its pod is made.
    lab.registry.image("team/gone", "1", labels={**LABELS, "dev.studiolo.jupyterhub": "3.0.0"})
    await (await lab.hub.browser("dora")).close()
    options = {"custom_image": "registry.example/team/gone:1", "profile": "small"}
    status, _ = await lab.hub.rest("POST", "/users/dora/server", options)
    assert status in {201, 202}
    server = await lab.ready("dora")
    assert server["state"]
    pod = lab.kubelet.created[-1]
    assert pod["metadata"]["labels"]["studiolo.dev/image"] == "good"
    assert "registry.example/team/gone:1" in str(pod["spec"]["containers"][0]["env"])
