"""The demo's processes and how to tell that each answers. I/O: HTTP on the loopback address.

Secrets reach a process by its environment or a private file, never by its arguments, which every
user of the machine can read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import aiohttp
from studiolo_hub import settings_file

from studiolo_local.demo.folder import DemoFolder
from studiolo_local.demo.hub_settings import CLIENT_ID, Addresses, settings_text
from studiolo_local.demo.workspaces import end_workspaces
from studiolo_local.private_files import write_private
from studiolo_local.signin.provider import SigninSettings
from studiolo_local.supervisor import Part, Ready

CHECKOUT = Path(__file__).parents[3]
PROXY_SCRIPT = (
    CHECKOUT / "build/proxy/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
)
HUB_CONFIG = CHECKOUT / "hub" / "jupyterhub_config.py"
BIN = Path(sys.executable).parent

#: Of the caller's environment only this reaches the parts: the rest could change what they do.
KEPT = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SHELL", "TERM")

ANSWER_SECONDS = 2.0


class NotSetUpError(Exception):
    """Something that `make` puts in place is not there."""


def tool(name: str) -> Path:
    """Find a program of our own environment; raises NotSetUpError."""
    path = BIN / name
    if not path.exists():
        raise NotSetUpError(f"{path} is missing. Run: make setup")
    return path


def parts(
    folder: DemoFolder, at: Addresses, session: aiohttp.ClientSession, gpu_library: Path | None
) -> list[list[Part]]:
    """Give the parts in stages, each to be started when the one before answers."""
    first = [
        cluster_part(folder, at, session, gpu_library),
        signin_part(folder, at, session),
        proxy_part(folder, at, session),
    ]
    return [first, [hub_part(folder, at, session)]]


def cluster_part(
    folder: DemoFolder, at: Addresses, session: aiohttp.ClientSession, gpu_library: Path | None
) -> Part:
    """The embedded cluster: API, scheduler, kubelet and registry."""
    return Part(
        name="cluster",
        command=[
            sys.executable, "-m", "studiolo_local", "cluster", "--data", str(folder.cluster),
            "--registry-port", str(at.registry_port),
            *(["--gpu-library", str(gpu_library)] if gpu_library else []),
            *(["--neighbours"] if folder.neighbours else []),
        ],
        environment=_environment(),
        ready=_cluster_answers(folder, _answers(session, f"{at.registry}/v2/")),
        before_stop=partial(end_workspaces, folder),
        stop_seconds=30,
    )  # fmt: skip


def signin_part(folder: DemoFolder, at: Addresses, session: aiohttp.ClientSession) -> Part:
    """Sign-in without passwords, from the file of users."""
    settings = SigninSettings(
        port=at.signin_port,
        users_file=folder.users,
        keys_folder=folder.keys,
        client_id=CLIENT_ID,
        client_secret=folder.secret("client-secret"),
        redirect_uris=at.callbacks,
    )
    file = folder.keys / "signin.json"
    write_private(file, settings.as_json())
    return Part(
        name="sign-in",
        command=[sys.executable, "-m", "studiolo_local", "signin", "--settings", str(file)],
        environment=_environment(),
        ready=_answers(session, f"{at.issuer}/healthz"),
        stop_seconds=3,
    )


def proxy_part(folder: DemoFolder, at: Addresses, session: aiohttp.ClientSession) -> Part:
    """The proxy before the hub: a process of its own, so that the hub can restart beneath it."""
    if not PROXY_SCRIPT.exists():
        raise NotSetUpError(f"The proxy is not there ({PROXY_SCRIPT}). Run: make setup")
    token = folder.secret("proxy-token")
    return Part(
        name="proxy",
        command=[
            str(tool("node")), str(PROXY_SCRIPT),
            "--ip=127.0.0.1", f"--port={at.public_port}",
            "--api-ip=127.0.0.1", f"--api-port={at.proxy_api_port}",
            f"--default-target={at.hub}", f"--error-target={at.hub}/hub/error",
            "--log-level=warn",
        ],
        environment=_environment(CONFIGPROXY_AUTH_TOKEN=token),
        ready=_answers(session, f"{at.proxy_api}/api/routes", {"Authorization": f"token {token}"}),
        stop_seconds=3,
    )  # fmt: skip


def hub_part(folder: DemoFolder, at: Addresses, session: aiohttp.ClientSession) -> Part:
    """The hub, as in production, with the settings of this machine."""
    write_private(folder.settings, settings_text(folder, at, as_root=os.geteuid() == 0))
    return Part(
        name="hub",
        command=[sys.executable, "-m", "jupyterhub", f"--config={HUB_CONFIG}"],
        environment=_environment(
            **{settings_file.PATH_VARIABLE: str(folder.settings)},
            STUDIOLO_CLIENT_SECRET=folder.secret("client-secret"),
            STUDIOLO_PROXY_TOKEN=folder.secret("proxy-token"),
            KUBECONFIG=str(folder.kubeconfig),
        ),
        ready=_answers(session, f"{at.public}/hub/health"),
        start_seconds=90,
        stop_seconds=15,
    )


def _environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", **more}


def _cluster_answers(folder: DemoFolder, registry_answers: Ready) -> Ready:
    async def ready() -> bool:
        # The cluster writes its description when all of it answers, and removes an old one before
        # its registry begins.
        return await registry_answers() and folder.cluster_description.exists()

    return ready


def _answers(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str] | None = None
) -> Ready:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)

    async def ready() -> bool:
        try:
            async with session.get(url, headers=headers, timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    return ready
