"""The menu: how long it takes to render, to serve, to use in a browser, and with a crowd before it.

Ours has 100 images and 20 profiles, unmodified KubeSpawner 100 profiles with two options of four
choices each, made by a function as where profiles depend on the person. Both hubs are real
processes without a proxy and with their database in memory.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import yaml
from kubespawner import KubeSpawner
from playwright.async_api import async_playwright
from studiolo_spawner.capacity import Free
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.choice import Choice
from studiolo_spawner.menu import build_menu
from studiolo_spawner.menu_page import render_menu
from studiolo_spawner.offer import Person

from tests.bench.crowd import HERE
from tests.bench.measures import Figures, Goal, measure
from tests.bench.processes import Cluster, cluster
from tests.chromium import FLAGS, chromium_path
from tests.fakes import hub_parts
from tests.fakes.hub_process import HubProcess
from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, RunningHub, hub_settings, running_hub

IMAGES, PROFILES, PEERS_PROFILES = 100, 20, 100
RENDERINGS = 60
READERS = 8
READ_SECONDS = 6.0
BROWSERS = 200
CROWD_SECONDS = 30.0
RELOAD_SECONDS = 10.0


def catalogue_text() -> str:
    """100 images in ten lines of versions, 20 profiles."""
    images = [
        {
            "id": f"pytorch-{number}",
            "display_name": f"PyTorch 2.{number % 10} of team {number // 10}",
            "description": "The current PyTorch, with torchvision and TensorBoard.",
            "reference": f"registry.bench.test/workspace-{number}:1",
            "provides": {
                "tools": ["jupyterlab", "tensorboard", "vscode"],
                "frameworks": {
                    "pytorch": f"2.{number % 10}.1",
                    "torchvision": f"0.{14 + number % 10}.1",
                },
                "cuda": "12.8",
                "python": "3.12",
            },
            "tasks": ["train", "fine-tune", "explore"][: 1 + number % 3],
        }
        for number in range(IMAGES)
    ]
    profiles = [
        {
            "id": f"gpu-{number}",
            "display_name": f"{1 + number % 4} GPUs of kind {number // 4}",
            "description": "For training.",
            "resource": "nvidia.com/gpu",
            "count": 1 + number % 4,
            "gpu": {"model": "NVIDIA A100", "memory_gib": 80},
            "cpu": 8,
            "memory": "64Gi",
            "idle": {"timeout": "1h"},
            "max_lifetime": "3d",
            "price_per_hour": 1.2 * (1 + number % 4),
            "tasks": ["train"],
            "node_selector": {"kind": str(number // 4)},
        }
        for number in range(PROFILES)
    ]
    return yaml.safe_dump({"version": 1, "images": images, "profiles": profiles})


def peers_profiles(_spawner: object = None) -> list[dict[str, Any]]:
    """What KubeSpawner is given."""
    return [
        {
            "display_name": f"Profile {number}",
            "slug": f"profile-{number}",
            "description": "The current PyTorch, with torchvision and TensorBoard.",
            "profile_options": {
                option: {
                    "display_name": option.title(),
                    "choices": {
                        f"choice-{choice}": {
                            "display_name": f"Choice {choice}",
                            "kubespawner_override": {"image": f"registry.bench.test/x:{choice}"},
                        }
                        for choice in range(4)
                    },
                }
                for option in ("image", "machine")
            },
        }
        for number in range(PEERS_PROFILES)
    ]


# -- rendering ---------------------------------------------------------------------------------


def _our_renderings() -> list[float]:
    """Seconds of each menu: for changing people, choices and figures of what is free."""
    catalogue = parse_catalogue(catalogue_text())
    seconds: list[float] = []
    for number in range(RENDERINGS):
        person = Person(f"user-{number}", frozenset({"research"}))
        saved = Choice(f"pytorch-{number}", f"gpu-{number % PROFILES}", frozenset({"train"}))
        free = {f"gpu-{n}": Free(number % 5, 8, 2, fits=1) for n in range(PROFILES)}
        # Processor time: what others do on the machine meanwhile does not count on either side.
        began = time.thread_time()
        render_menu(build_menu(catalogue, person, saved=saved, capacity=free), inline_assets=False)
        seconds.append(time.thread_time() - began)
    return seconds


async def _their_renderings() -> list[float]:
    database = hub_parts.database()
    seconds: list[float] = []
    for number in range(RENDERINGS):
        spawner = hub_parts.spawner_of(
            KubeSpawner, hub_parts.user(f"user-{number}"), database, profile_list=peers_profiles
        )
        began = time.thread_time()
        await spawner.get_options_form()
        seconds.append(time.thread_time() - began)
    return seconds


@measure(
    "menu_render",
    "median processor time of the form's HTML: ours with 100 images and 20 profiles, each for "
    "another person with another choice, KubeSpawner's with 100 profiles",
    unit="ms",
    goal=Goal(part_of_peer=0.25),
)
async def menu_render(_folder: Path) -> Figures:
    # A form asks no cluster, and KubeSpawner wants to know one when it is made.
    with mock.patch.multiple(
        "kubespawner.spawner", load_config=mock.Mock(), shared_client=mock.Mock()
    ):
        theirs = await _their_renderings()
    return Figures(1000 * statistics.median(_our_renderings()), 1000 * statistics.median(theirs))


# -- serving -----------------------------------------------------------------------------------


@asynccontextmanager
async def our_hub(folder: Path) -> AsyncIterator[tuple[RunningHub, FakeIssuer, Cluster]]:
    """Our hub with all that it has: settings, sign-in, pages, the one watch of the cluster."""
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(cluster(folder / "cluster"))
        issuer = await stack.enter_async_context(FakeIssuer())
        settings = hub_settings(
            folder,
            issuer,
            workspaces={
                "namespace": HERE,
                "check_images_every": "never",
                "registries": {
                    "registry.bench.test": {
                        "endpoint": there.registry,
                        "insecure": True,
                        "allow_private": True,
                    }
                },
            },
            extra={
                "JupyterHub": {
                    "proxy_class": "tests.hub.page_spawner.MemoryProxy",
                    "spawner_class": "tests.bench.lag_spawner.LagSpawner",
                    "db_url": "sqlite:///:memory:",
                    "log_level": "WARN",
                }
            },
        )
        (folder / "catalogue.yaml").write_text(catalogue_text())
        with mock.patch.dict(os.environ, KUBECONFIG=str(there.kubeconfig)):
            hub = await stack.enter_async_context(running_hub(folder, settings))
        yield hub, issuer, there


@asynccontextmanager
async def _their_hub(folder: Path) -> AsyncIterator[HubProcess]:
    config = (
        'c.JupyterHub.log_level = "WARN"\n'
        'c.JupyterHub.db_url = "sqlite:///:memory:"\n'
        'c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"\n'
        "from tests.bench.menus import peers_profiles\n"
        "c.KubeSpawner.profile_list = peers_profiles\n"
        f'c.KubeSpawner.namespace = "{HERE}"\n'
    )
    async with cluster(folder / "cluster") as there:
        with mock.patch.dict(os.environ, PYTHONPATH=str(Path.cwd())):
            async with HubProcess(there.folder, there.kubeconfig, config) as hub:
                yield hub


async def _seconds_per_page(sessions: list[aiohttp.ClientSession], url: str, mark: str) -> float:
    """Time for one page while all sessions ask for it again and again, after a warming round."""
    for session in sessions:
        await _page(session, url, mark)
    ends = time.monotonic() + READ_SECONDS
    served = 0

    async def read(session: aiohttp.ClientSession) -> None:
        nonlocal served
        while time.monotonic() < ends:
            await _page(session, url, mark)
            served += 1

    began = time.monotonic()
    await asyncio.gather(*(read(session) for session in sessions))
    return (time.monotonic() - began) / served


async def _page(session: aiohttp.ClientSession, url: str, mark: str) -> None:
    async with session.get(url) as answer:
        text = await answer.text()
        if answer.status != 200 or mark not in text:
            raise RuntimeError(f"{url} is not the menu: {answer.status}")


async def _ours_per_page(folder: Path) -> float:
    async with AsyncExitStack() as stack:
        hub, issuer, _there = await stack.enter_async_context(our_hub(folder))
        people = [await _signed_in(stack, hub, issuer, f"user-{n}") for n in range(READERS)]
        sessions = [person._session for person in people]
        return await _seconds_per_page(sessions, hub.address("spawn"), "st-image-pytorch-99")


async def _theirs_per_page(folder: Path) -> float:
    async with _their_hub(folder) as hub:
        sessions = [await hub.browser(f"user-{number}") for number in range(READERS)]
        try:
            return await _seconds_per_page(sessions, f"{hub.url}/spawn", "profile-99")
        finally:
            for session in sessions:
                await session.close()


async def _signed_in(
    stack: AsyncExitStack, hub: RunningHub, issuer: FakeIssuer, name: str
) -> Browser:
    issuer.claims = {"email": f"{name}@example.org", "email_verified": True, "groups": ["ml"]}
    browser = await stack.enter_async_context(Browser(hub))
    page = await browser.sign_in()
    if page.status != 200:
        raise RuntimeError(f"{name} could not sign in: {page.status}")
    return browser


@measure(
    "menu_pages",
    f"a page's time at /hub/spawn, {READERS} people asking again and again for "
    f"{READ_SECONDS:.0f} s: the whole page of our hub (sign-in service, 100 images, 20 "
    "profiles, what is free) against "
    "KubeSpawner's with 100 profiles; 1000 / this is pages a second",
    unit="ms",
    goal=Goal(part_of_peer=1 / 3),
)
async def menu_pages(folder: Path) -> Figures:
    ours = await _ours_per_page(folder / "ours")
    return Figures(1000 * ours, 1000 * await _theirs_per_page(folder / "peer"))


# -- in a browser ------------------------------------------------------------------------------


@measure(
    "menu_interactive",
    "from the address of the menu (100 images, 20 profiles) to the page whose script has run, in "
    "Chromium with nothing kept from before; the median of five",
    unit="ms",
    goal=Goal(at_most=1000),
)
async def menu_interactive(folder: Path) -> Figures:
    async with our_hub(folder) as (hub, issuer, _there):
        issuer.claims = {"email": "ana@example.org", "email_verified": True, "groups": ["ml"]}
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
            took = [await _open_menu(browser, hub) for _ in range(5)]
            await browser.close()
    return Figures(statistics.median(took))


async def _open_menu(browser: Any, hub: RunningHub) -> float:
    context = await browser.new_context()
    page = await context.new_page()
    # This address shows no page, so that nothing of the menu's is kept when it is opened.
    await page.goto(hub.address("oauth_login?next=%2Fhub%2Fstudiolo%2Fcapacity"))
    await page.goto(hub.address("spawn"))
    # The script has run once what is recommended is written beside the button.
    await page.locator("#st-chosen").wait_for(state="visible")
    took: float = await page.evaluate(
        "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    )
    await context.close()
    return took


# -- a crowd -----------------------------------------------------------------------------------


@measure(
    "menu_crowd",
    f"99th percentile of our hub's event-loop lag while {BROWSERS} HTTP clients, each signed in, "
    f"open the menu within a second, hold its stream of what is free and load it again every "
    f"{RELOAD_SECONDS:.0f} s, for {CROWD_SECONDS:.0f} s in which four workspaces a second begin "
    "and end; sampled in the hub every 10 ms, in processor time, so that other programs on the "
    "machine (the clients are some) do not count",
    unit="ms",
    goal=Goal(at_most=250),
)
async def menu_crowd(folder: Path) -> Figures:
    async with AsyncExitStack() as stack:
        hub, issuer, there = await stack.enter_async_context(our_hub(folder))
        people = [await _signed_in(stack, hub, issuer, f"user-{n}") for n in range(BROWSERS)]
        await _page(people[0]._session, hub.address("spawn"), "st-image-pytorch-99")
        lags = folder / "lags"
        before = lags.stat().st_size
        ends = time.monotonic() + CROWD_SECONDS
        heard = [0]
        churn = asyncio.create_task(_churn(there, ends))
        await asyncio.gather(
            *(_visit(one._session, hub, n / BROWSERS, ends, heard) for n, one in enumerate(people))
        )
        await churn
        # One is told at the beginning of each stream, and at most one a second after that.
        if heard[0] < BROWSERS * CROWD_SECONDS / 5:
            raise RuntimeError(f"the streams told only {heard[0]} changes: this is not a crowd")
        samples = [float(line.split()[0]) for line in lags.read_bytes()[before:].splitlines()]
    return Figures(1000 * statistics.quantiles(samples, n=100)[98])


async def _visit(
    session: aiohttp.ClientSession, hub: RunningHub, after: float, ends: float, heard: list[int]
) -> None:
    """One person before the menu."""
    await asyncio.sleep(after)
    while time.monotonic() < ends:
        await _page(session, hub.address("spawn"), "st-image-pytorch-99")
        stays = min(RELOAD_SECONDS, max(ends - time.monotonic(), 0.1))
        await _listen(session, hub, stays, heard)


async def _listen(
    session: aiohttp.ClientSession, hub: RunningHub, seconds: float, heard: list[int]
) -> None:
    headers = {"Accept": "text/event-stream"}
    try:
        async with asyncio.timeout(seconds):
            url = hub.address("studiolo/capacity")
            async with session.get(url, headers=headers) as stream:
                if stream.status != 200:
                    raise RuntimeError(f"no stream: {stream.status}")
                async for line in stream.content:
                    heard[0] += line.startswith(b"data:")
    except TimeoutError:
        return


async def _churn(there: Cluster, ends: float) -> None:
    """Machines, and pods that come and go on them, straight at the API."""
    kubeconfig = yaml.safe_load(there.kubeconfig.read_text())
    server = kubeconfig["clusters"][0]["cluster"]
    authority = base64.b64decode(server["certificate-authority-data"]).decode()
    trusted = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=authority))
    token = kubeconfig["users"][0]["user"]["token"]
    async with aiohttp.ClientSession(
        base_url=server["server"],
        headers={"Authorization": f"Bearer {token}"},
        connector=trusted,
    ) as api:
        for number in range(5):
            node = _node(number)
            await _send(api, "POST", "/api/v1/nodes", node)
            await _send(api, "PUT", f"/api/v1/nodes/gpu-{number}/status", node)
        number = 0
        while time.monotonic() < ends:
            number += 1
            pods = f"/api/v1/namespaces/{HERE}/pods"
            await _send(api, "POST", pods, _pod(number))
            if number > 7:
                async with api.delete(f"{pods}/busy-{number - 7}?gracePeriodSeconds=0") as gone:
                    await gone.read()
            await asyncio.sleep(0.25)


async def _send(
    api: aiohttp.ClientSession, method: str, path: str, content: dict[str, Any]
) -> None:
    async with api.request(method, path, json=content) as answer:
        if answer.status >= 400:
            raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")


def _node(number: int) -> dict[str, Any]:
    amounts = {"cpu": "128", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": "8"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"gpu-{number}", "labels": {"kind": str(number)}},
        "status": {
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _pod(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"busy-{number}"},
        "spec": {
            "nodeName": f"gpu-{number % 5}",
            "containers": [
                {
                    "name": "notebook",
                    "image": "registry.bench.test/workspace:1",
                    "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "1", "memory": "1Gi"}},
                }
            ],
        },
    }
