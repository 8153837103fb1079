"""Stand-ins within a real hub process, so that its pages can be tested without a cluster.

`PageSpawner` starts nothing but a little web server in the hub itself; what its workspace does
(start slowly, fail, fall back to another image) is chosen in its form. `MemoryProxy` keeps routes
in memory.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner, SpawnException
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.changes import TellsChanges
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.last_start import AttemptLog
from studiolo_spawner.log_text import MAX_LOG
from studiolo_spawner.profile_outlook import Outlook
from studiolo_spawner.progress import message
from studiolo_spawner.shared_parts import SharedParts
from studiolo_spawner.workspace_state import KEY, Failure, ImageInUse, WorkspaceState
from tornado import httpserver, web
from tornado.netutil import bind_sockets

FORM = """
<fieldset><legend>What happens</legend>
  <label><input type="radio" name="image" value="good" checked> good</label>
  <label><input type="radio" name="image" value="slow"> slow</label>
  <label><input type="radio" name="image" value="bad"> bad</label>
  <label><input type="radio" name="image" value="broken"> broken</label>
  <label><input type="radio" name="image" value="fallback"> fallback</label>
  <label><input type="radio" name="image" value="full"> full</label>
  <label><input type="radio" name="image" value="lingering"> lingering</label>
</fieldset>
"""
FULL = "No space is left where your files are."
KINDS = {"full", "good", "slow", "bad", "broken", "fallback", "lingering"}
REFUSAL = "No image could be started. <b>1 & 2</b>: the registry has none of them."
CANARY = "canary-6610 Authorization: Bearer abc"


class _Answer(web.RequestHandler):
    def get(self) -> None:
        self.set_header("X-JupyterHub-Version", "6.1.1")
        self.write("workspace")

    def prepare(self) -> None:
        self.request.connection.no_keep_alive = True  # type: ignore[union-attr]


class PageSpawner(TellsChanges, Spawner):
    told = (message(10, "The registry has the image."),)
    last_told = "Looking for a machine that has room."
    _answering: httpserver.HTTPServer | None = None
    _workspace = WorkspaceState()
    start_began: datetime | None = None

    async def get_options_form(self) -> str:
        return FORM

    def options_from_form(self, form: dict[str, list[str]]) -> dict[str, Any]:
        image = form["image"][0]
        if image not in KINDS:
            error = SpawnException(f"There is no image {image}.", reason="invalid_choice")
            error.jupyterhub_message = error.message
            raise error
        return {"image": image, "profile": form.get("profile", ["gpu"])[0]}

    @property
    def pvc_name(self) -> str:
        shared = self.user.name.startswith("shares")
        return f"claim-{self.user.name}" if shared else f"claim-{self.user.name}-{self.name}"

    async def delete_files(self) -> bool:
        if self.user.name.startswith("inuse"):
            raise ClusterFault("The volume is still in use.", reason="home_in_use", status=409)
        with Path("deleted-volumes").open("a") as file:
            file.write(f"{self.pvc_name}\n")
        return True

    async def parts(self) -> SharedParts:
        raise ClusterFault("There is no cluster here.")

    async def outlooks(self) -> dict[str, Outlook]:
        return {"gpu": Outlook("none free of 4", "full"), "cpu": Outlook("Plenty of room", "free")}

    async def last_start(self) -> tuple[AttemptLog, ...]:
        log, at = "<img src=x onerror=alert(1)> ended\n" * 3, datetime(2026, 3, 1, tzinfo=UTC)
        long = AttemptLog(at, "registry.example/long:1", "1", "x" * MAX_LOG, ())
        return (long, AttemptLog(at, "registry.example/image:1", "2", log, ("BackOff: <b>",)))

    async def checked(self, options: dict[str, Any]) -> None:
        if options.get("image", "good") not in KINDS:
            raise SpawnException("There is no such image.", reason="invalid_choice")
        if options.get("profile", "gpu") not in {"gpu", "cpu", "brief", "endless", "mortal"}:
            raise SpawnException("There is no such profile.", reason="invalid_choice")

    async def start(self) -> str:
        image = self.user_options.get("image", "good")
        self._describe(image)
        # The hub's working directory is the test's own folder.
        Path(f"token-{self.user.name}-{self.name}").write_text(self.api_token)
        if image == "slow":
            # As somebody sees it who opens the page after more than a minute.
            self.start_began = datetime.now(UTC) - timedelta(seconds=65)
            await asyncio.sleep(600)
        if image == "bad":
            await asyncio.sleep(1.5)
            raise SpawnException(REFUSAL, reason="no_image_left", status_code=503)
        if image == "full" and not self.user_options.get("rescue"):
            failure = Failure(datetime.now(UTC), "home_full", FULL)
            self._workspace = replace(self._workspace, phase="ending", failure=failure)
            raise SpawnException(FULL, reason="home_full", status_code=503)
        if image == "broken":
            await asyncio.sleep(1.5)
            raise RuntimeError(CANARY)
        self._answering = httpserver.HTTPServer(web.Application([(r".*", _Answer)]))
        sockets = bind_sockets(0, "127.0.0.1")
        self._answering.add_sockets(sockets)
        port: int = sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def _describe(self, image: str) -> None:
        asked = ImageInUse(image, image.title() + " image")
        then = datetime.now(UTC) - timedelta(seconds=30)
        reference = "registry.example/image:1"
        tried = Attempt(image, reference, None, "running", "", "", then, display_name="Good image")
        attempts: tuple[Attempt, ...] = (tried,)
        if image == "fallback":
            attempts = (
                Attempt(
                    image,
                    reference,
                    None,
                    "skipped",
                    "image_missing",
                    "The registry has no such image.",
                    then,
                    display_name="Fallback image",
                ),
                tried,
            )
        self._workspace = WorkspaceState(
            spawn_id="1",
            profile=self.user_options.get("profile", "gpu"),
            requested=asked,
            actual=ImageInUse("good", "Good image") if image == "fallback" else asked,
            attempts=attempts,
        )

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), KEY: self._workspace.to_json()}

    def clear_state(self) -> None:
        super().clear_state()
        self._workspace = self._workspace.afterwards()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        began = self.start_began or datetime.now(UTC)

        def at(seconds: int) -> dict[str, str]:
            return {"at": (began + timedelta(seconds=seconds)).isoformat()}

        yield {"progress": 10, "message": "The registry has the image.", **at(0)}
        looking = {"progress": 20, "kind": "step", "step": "waiting"}
        room = "Looking for a machine that has room, for"
        yield {**looking, "message": f"{room} 2 s now.", **at(2)}
        await asyncio.sleep(0.3)
        yield {**looking, "message": f"{room} 3 s now.", **at(3)}
        yield {
            "progress": 30,
            "message": "<img src=x onerror=alert(1)> is shown as text",
            "html_message": "<img src=x onerror=alert(1)>",
            **at(24),
        }
        fetches = "The machine fetches the image (6.3 GB), for 40 s now."
        yield {"progress": 55, "message": fetches, **at(61)}
        await asyncio.sleep(600)

    async def stop(self, now: bool = False) -> None:
        if self.user_options.get("image") == "lingering":
            await asyncio.sleep(1)
        if self._answering is not None:
            self._answering.stop()
            self._answering = None

    async def poll(self) -> int | None:
        return None if self._answering is not None else 0


class MemoryProxy(Proxy):
    should_start = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.routes: dict[str, dict[str, Any]] = {}

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self.routes.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        return self.routes
