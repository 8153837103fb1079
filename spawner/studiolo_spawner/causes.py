"""Why a workspace does not start: one value per cause, in plain words, with whose fault it is.

Pure. This is the single place where the words for causes stand: the waiting page, the banner in
Lab, error pages, logs and metrics all show what is written here. A cause's ``reason`` is a short
machine label out of the closed set ``REASONS``, so that it can label a metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from studiolo_spawner.translation import marked as _
from studiolo_spawner.translation import translate


class Kind(StrEnum):
    """Whose fault it is; only ``IMAGE`` ever leads to another image."""

    IMAGE = "image"
    CLUSTER = "cluster"
    POLICY = "policy"
    STARTING = "starting"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. ``terminal``: waiting longer does not help, this pod will not become ready."""

    kind: Kind
    reason: str
    message: str
    hint: str
    terminal: bool


_TELL_ADMIN = _("Ask your administrator to look at the cluster.")
_FIX_ENTRY = _("Ask your administrator to correct this image's entry in the catalogue.")
_FIX_IMAGE = _("Ask your administrator to repair the image, or choose another one.")
_TRY_LATER = _("Nothing is wrong with your choice. Try again in a few minutes.")
_OTHER_PROFILE = _(
    "Choose a smaller profile, or try again when somebody has given a workspace back."
)

_IMAGE = {
    "image_missing": (_("The image does not exist in the registry."), _FIX_ENTRY),
    "image_forbidden": (
        _("The registry refuses this image: it is private to others, or it does not exist."),
        _(
            "Ask your administrator to check the image's entry in the catalogue and its pull "
            "secret."
        ),
    ),
    "wrong_platform": (
        _("The image is not built for the processors of this cluster."),
        _("Ask your administrator for a build of this image for this cluster."),
    ),
    "bad_reference": (_("The image's address is not a valid one."), _FIX_ENTRY),
    "image_damaged": (
        _("What the registry delivers for this image is damaged."),
        _("Ask your administrator to push the image again."),
    ),
    "image_format": (
        _("The image is in a format that the cluster cannot read."),
        _("Ask your administrator to build the image again with current tools."),
    ),
    "image_unsigned": (
        _("The image lacks a signature that the cluster demands."),
        _("Ask your administrator to sign the image, or choose another one."),
    ),
    "no_singleuser": (
        _("JupyterHub's single-user server is not in the image."),
        _("Ask your administrator to install jupyterhub-singleuser in the image."),
    ),
    "singleuser_too_old": (
        _("The image's JupyterHub single-user server is too old for this hub."),
        _("Ask your administrator to build the image with the hub's version of JupyterHub."),
    ),
    "command_missing": (
        _("A program that the image is told to start is not in it."),
        _FIX_IMAGE,
    ),
    "command_denied": (_("The image's start program may not be executed."), _FIX_IMAGE),
    "cannot_start": (_("The image's container could not be started."), _FIX_IMAGE),
    "runs_as_root": (
        _("The image wants to run as root, or does not say which user it runs as."),
        _("Ask your administrator to give the image a user with a number other than 0."),
    ),
    "driver_too_old": (
        _("The image needs a newer GPU driver than the machine has."),
        _("Choose an image for an earlier CUDA version, or ask for a newer driver."),
    ),
    "crashed": (_("The image started and then stopped with an error."), _FIX_IMAGE),
    "stopped_itself": (
        _("The image started and then stopped by itself, without an error."),
        _("Ask your administrator to correct what the image starts."),
    ),
    "out_of_memory": (
        _("The image used up the profile's memory before it was ready."),
        _("Choose a profile with more memory, or another image."),
    ),
    "never_ready": (
        _("The image runs, but its server does not answer."),
        _("Ask your administrator to check that the image starts jupyterhub-singleuser in time."),
    ),
}

_CLUSTER = {
    "registry_away": (
        _("The machine cannot reach the image's registry and has no copy of the image."),
        _("Try again in a few minutes; if it stays like this, tell your administrator."),
    ),
    "registry_busy": (
        _("The registry answers the cluster's machines that they asked too often."),
        _(
            "Try again in a few minutes; your administrator can give the cluster a registry "
            "account."
        ),
    ),
    "pull_failed": (
        _("The machine could not fetch the image; the cluster does not say why."),
        _("Try again in a few minutes; if it stays like this, tell your administrator."),
    ),
    "pull_never": (
        _("The image is not on the machine, and the cluster is set up never to fetch it."),
        _("Ask your administrator to load the image onto the machines."),
    ),
    "disk_full": (_("The machine's disk is full."), _TELL_ADMIN),
    "node_fault": (_("The machine could not create the container."), _TELL_ADMIN),
    "gpu_fault": (_("The machine's GPU or its driver does not work."), _TELL_ADMIN),
    "gpu_unavailable": (
        _("The machine could not hand out the GPU that was promised."),
        _("Try again; if it happens once more, tell your administrator."),
    ),
    "home_full": (
        _("No space is left where your files are, so the workspace's server could not start."),
        _("Start it in rescue mode, delete what you no longer need, and restart it."),
    ),
    "missing_config": (
        _("A secret or a configuration that the workspace needs is not in the cluster."),
        _("Ask your administrator to create it."),
    ),
    "sandbox_failed": (_("The machine could not set up the workspace's network."), _TELL_ADMIN),
    "runtime_missing": (
        _("The machine does not have the container runtime that this profile asks for."),
        _("Ask your administrator to correct the profile's runtime class."),
    ),
    "no_free_gpu": (_("No GPU of this kind is free at the moment."), _OTHER_PROFILE),
    "no_room": (
        _("No machine has enough free room for this profile at the moment."),
        _OTHER_PROFILE,
    ),
    "no_matching_node": (
        _("No machine of the cluster fits this profile."),
        _(
            "Choose another profile, or ask your administrator to check the profile's node "
            "selector."
        ),
    ),
    "not_tolerated": (
        _("The machines that fit this profile are reserved."),
        _("Ask your administrator to check the profile's tolerations."),
    ),
    "nodes_closed": (
        _("The machines that fit this profile are closed for maintenance."),
        _TRY_LATER,
    ),
    "unschedulable": (
        _("The cluster has no place for this workspace at the moment."),
        _OTHER_PROFILE,
    ),
    "held_back": (
        _("The workspace waits in the cluster's queue."),
        _("It starts by itself when its turn comes."),
    ),
    "volume_missing": (
        _("A volume that the workspace needs does not exist."),
        _("Ask your administrator to look at your home volume and the shared volumes."),
    ),
    "volume_pending": (
        _("Your storage is not ready yet."),
        _("If it stays like this, ask your administrator to look at the storage class."),
    ),
    "volume_elsewhere": (
        _("Your storage is in a zone where no machine is free for this profile."),
        _("Choose another profile, or ask your administrator."),
    ),
    "volume_busy": (
        _("Your storage is still in use on another machine."),
        _("Wait a few minutes until it is let go; if it stays like this, tell your administrator."),
    ),
    "volume_failed": (_("Your storage could not be connected to the machine."), _TELL_ADMIN),
    "quota": (
        _("The quota of the cluster's namespace is used up."),
        _("Stop a workspace that you do not need, or choose a smaller profile."),
    ),
    "node_lost": (_("The machine that was to run the workspace is gone."), _TRY_LATER),
    "node_shutdown": (_("The machine that was to run the workspace is shutting down."), _TRY_LATER),
    "evicted": (
        _("The machine ran short of memory or disk and put the workspace out."),
        _TRY_LATER,
    ),
    "preempted": (_("Something more important took the workspace's place."), _TRY_LATER),
    "rejected_by_node": (_("The machine refused the workspace at the last moment."), _TRY_LATER),
    "pod_removed": (
        _("The workspace was removed while it was starting."),
        _("Start it again; if it happens once more, tell your administrator."),
    ),
    "helper_failed": (
        _("A helper container beside the workspace does not start."),
        _("Ask your administrator to look at the extra containers of the configuration."),
    ),
    "api_busy": (_("The cluster is too busy to create the workspace."), _TRY_LATER),
    "api_away": (_("The cluster does not answer."), _TRY_LATER),
    "api_refused": (_("The cluster refused to create the workspace."), _TELL_ADMIN),
}

_POLICY = {
    "admission_denied": (
        _("A rule of the cluster forbids this workspace."),
        _("Ask your administrator which rule applies to this image and profile."),
    ),
    "not_permitted": (
        _("Studiolo lacks the permission to create this workspace in the cluster."),
        _("Ask your administrator to check Studiolo's roles in the cluster."),
    ),
}

_STARTING = {
    "scaling_up": (
        _("A new machine is being added to the cluster for this workspace."),
        _("This takes a few minutes."),
    ),
}

_WORDS = {
    reason: (kind, message, hint)
    for kind, table in (
        (Kind.IMAGE, _IMAGE),
        (Kind.CLUSTER, _CLUSTER),
        (Kind.POLICY, _POLICY),
        (Kind.STARTING, _STARTING),
    )
    for reason, (message, hint) in table.items()
}

REASONS: frozenset[str] = frozenset(_WORDS)


def cause(reason: str, message: str | None = None, *, terminal: bool | None = None) -> Cause:
    """The cause with this reason, in its own words or in a more exact ``message``.

    Faults of the image and of policy end the attempt unless said otherwise; faults of the cluster
    may pass while the workspace waits.
    """
    kind, default_message, hint = _WORDS[reason]
    ends = kind in {Kind.IMAGE, Kind.POLICY} if terminal is None else terminal
    return Cause(kind, reason, message or translate(default_message), translate(hint), ends)
