"""One workspace as the pages show it: state, image, profile, and when it ends. Pure.

The view is made from plain values, so that every state can be shown and tested without a hub;
`pages` reads them from JupyterHub's spawners. What was asked for and what runs is the
`WorkspaceState` that the hub's database keeps; the profile's words are the catalogue's. As JSON a
view is what programs and the home page's stream get (tests/contract/workspaces.json): its moments
do not change while nothing happens, so that an unchanged workspace is an unchanged text.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from studiolo_spawner.catalogue import Profile
from studiolo_spawner.progress import fallback_reason
from studiolo_spawner.spoken import duration, number, rough
from studiolo_spawner.translation import translate as _
from studiolo_spawner.translation import translate_number
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

from studiolo_hub.ends import End
from studiolo_hub.gpu_use import Use
from studiolo_hub.workspace_tools import Tool

State = Literal["running", "starting", "stopping", "stopped", "failed"]


@dataclass(frozen=True)
class Stop:
    """A stop that this hub has seen: when it was, and whether it gave a GPU back."""

    at: datetime
    gpu: bool


@dataclass(frozen=True)
class WorkspaceView:
    """What the home page shows of one workspace."""

    name: str
    """Empty for a person's first workspace."""
    title: str
    state: State
    since: str
    """How long it has been in this state, in words; empty when that is not known."""
    image: str
    requested_image: str
    """The image that was asked for, when another one runs instead."""
    fallback_reason: str
    profile: str
    gpu: str
    end: str
    """When it is stopped by itself, in words."""
    failure: str
    stopped: Stop | None
    path: str
    """`USER` or `USER/NAME`, escaped for addresses."""
    since_at: datetime | None = None
    """The moment of `since`."""
    idle_since: datetime | None = None
    """When a running workspace was last seen in use."""
    ends_at: End | None = None
    """When a running workspace is stopped by itself, as things stand."""
    told: str = ""
    """What was told last of a start under way."""
    failed_at: datetime | None = None
    first_choice: str = ""
    """The image that was asked for, when it can be tried again."""
    can_park: bool = False
    """Whether the GPU can be given back by going on without one."""
    restarting: bool = False
    """Whether it is stopped only to be started again."""
    tools: tuple[Tool, ...] = ()
    """What can be opened in it, beside JupyterLab itself."""
    use: Use | None = None
    """What its GPUs do, as it said last itself."""
    can_rescue: bool = False
    """Whether it did not start because its home is full."""
    rescuing: bool = False
    """Whether it runs in rescue mode, to make room in its home."""

    def to_json(self) -> dict[str, Any]:
        """Return the view for programs; without the words whose value changes with the hour."""
        fields = asdict(self)
        del fields["since"]
        for name in ("since_at", "idle_since", "failed_at"):
            fields[name] = _moment(fields[name])
        if self.ends_at:
            fields["ends_at"] = {"at": _moment(self.ends_at.at), "reason": self.ends_at.reason}
        if self.stopped:
            fields["stopped"] = {"at": _moment(self.stopped.at), "gpu": self.stopped.gpu}
        if self.use:
            fields["use"]["at"] = _moment(self.use.at)
            fields["use"]["gpus"] = [asdict(each) for each in self.use.gpus]
        fields["tools"] = [asdict(tool) for tool in self.tools]
        return fields


@dataclass(frozen=True)
class More:
    """What only the owner's home page and its stream show, beside what everybody's lists do."""

    idle_since: datetime | None = None
    ends_at: End | None = None
    told: str = ""
    failed_at: datetime | None = None
    can_park: bool = False
    restarting: bool = False
    tools: tuple[Tool, ...] = ()
    use: Use | None = None
    can_rescue: bool = False
    rescuing: bool = False


def view_of(
    *,
    name: str,
    title: str,
    path: str,
    state: State,
    workspace: WorkspaceState,
    profile: Profile | None,
    started: datetime | None,
    failure: str,
    stopped: Stop | None,
    now: datetime,
    more: More = More(),
) -> WorkspaceView:
    """Return the view of one workspace. `profile` is None when the catalogue has it no longer."""
    alive = state in {"running", "starting", "stopping"}
    asked, runs = workspace.requested, workspace.actual or workspace.requested
    reason = fallback_reason(workspace.attempts) or ""
    # By id, as only one of the two may know its digest yet; or by the story, where what runs is an
    # earlier state of the same image.
    other = bool(alive and asked and runs and (asked.id != runs.id or reason))
    since = started if state in {"running", "starting"} else stopped.at if stopped else None
    return WorkspaceView(
        name=name,
        title=title_of(title, name),
        state=state,
        since=rough(now - since) if since else "",
        image=_image(runs) if alive else "",
        requested_image=_image(asked) if other else "",
        fallback_reason=reason if other else "",
        profile=(profile.display_name if profile else workspace.profile) if alive else "",
        gpu=gpu_words(profile) if alive and profile else "",
        end=end_words(profile) if alive and profile else "",
        failure=failure if state == "failed" else "",
        stopped=stopped if state == "stopped" else None,
        path=path,
        since_at=since,
        idle_since=more.idle_since if state == "running" else None,
        ends_at=more.ends_at if state == "running" else None,
        told=more.told if state == "starting" else "",
        failed_at=more.failed_at if state == "failed" else None,
        first_choice=_image(asked) if other and state == "running" else "",
        can_park=more.can_park and state == "running",
        restarting=more.restarting,
        tools=more.tools if state == "running" else (),
        use=more.use if state == "running" and profile is not None and profile.count else None,
        can_rescue=more.can_rescue and state == "failed",
        rescuing=more.rescuing and state in {"running", "starting"},
    )


def title_of(display_name: str, name: str) -> str:
    """Return what people call a workspace."""
    return display_name or name or _("My workspace")


def gpu_words(profile: Profile) -> str:
    """Return a profile's GPU in words, such as “2 × NVIDIA L4, 24 GiB each (simulated)”."""
    count, gpu = profile.count, profile.gpu
    if not count:
        return ""
    if gpu is None:
        return translate_number("%(count)s GPU", "%(count)s GPUs", count) % {"count": count}
    told = _("%(model)s, %(memory)s GiB")
    if count != 1:
        told = _("%(count)s × %(model)s, %(memory)s GiB each")
    words = told % {"count": count, "model": gpu.model, "memory": number(gpu.memory_gib)}
    marks = [
        mark
        for holds, mark in ((gpu.shared, _("shared")), (gpu.simulated, _("simulated")))
        if holds
    ]
    return f"{words} ({', '.join(marks)})" if marks else words


def end_words(profile: Profile) -> str:
    """Return in words when a workspace with this profile is stopped by itself."""
    idle, lifetime = profile.idle.timeout, profile.max_lifetime
    words = {"idle": duration(idle or timedelta()), "lifetime": duration(lifetime or timedelta())}
    if idle is None and lifetime is None:
        return _("Runs until stopped")
    if idle is None:
        return _("Stops by itself %(lifetime)s after its start") % words
    if lifetime is None:
        return _("Stops by itself after %(idle)s without use") % words
    told = _(
        "Stops by itself after %(idle)s without use, at the latest %(lifetime)s after its start"
    )
    return told % words


def _image(image: ImageInUse | None) -> str:
    return (image.display_name or image.id) if image else ""


def _moment(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(timespec="seconds") if value else None
