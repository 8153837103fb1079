"""Which profiles no machine of the cluster can ever take, and what is missing. Pure.

For administrators: a resource's name that no node offers is most often a device plugin that is not
there, or that calls it otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from studiolo_spawner.catalogue import Profile
from studiolo_spawner.machines import Machine
from studiolo_spawner.translation import joined, marked
from studiolo_spawner.translation import translate as _

MachinesFor = Callable[[Profile], Sequence[Machine]]

_PLUGINS = (
    (
        "nvidia.com/mig-",
        marked(
            "Set up MIG on a node with the strategy `mixed`, by NVIDIA's operator or device plugin"
        ),
    ),
    ("nvidia.com/", marked("Install NVIDIA's GPU operator or device plugin")),
    ("amd.com/", marked("Install AMD's GPU operator or device plugin")),
    ("gpu.intel.com/", marked("Install Intel's device plugins")),
)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A profile without a machine: why, and what to do."""

    profile_id: str
    display_name: str
    text: str
    next_step: str


def unmet(
    profiles: Iterable[Profile], nodes: Sequence[Machine], machines_for: MachinesFor
) -> tuple[Unmet, ...]:
    """Return the profiles that no machine takes, however empty it is; in the catalogue's order."""
    found = []
    for profile in profiles:
        told = _of_resource(profile, nodes) or _of_place(profile, machines_for(profile))
        if told is not None:
            found.append(Unmet(profile.id, profile.display_name, *told))
    return tuple(found)


def _of_resource(profile: Profile, nodes: Sequence[Machine]) -> tuple[str, str] | None:
    resource = profile.resource
    if resource is None or any(resource in node.extended for node in nodes):
        return None
    offered = sorted({name for node in nodes for name in node.extended})
    have = _("They offer no device at all.")
    if offered:
        have = _("They offer %(resources)s.") % {"resources": ", ".join(offered[:5])}
    plugin = next(
        (words for begin, words in _PLUGINS if resource.startswith(begin)),
        marked("Install the device plugin that offers it"),
    )
    return (
        joined(_("No node offers %(resource)s.") % {"resource": resource}, have),
        joined(
            _("%(install)s, or mend the profile's `resource`.") % {"install": _(plugin)},
            _("If an autoscaler adds such nodes, nothing is wrong."),
        ),
    )


def _of_place(profile: Profile, machines: Sequence[Machine]) -> tuple[str, str] | None:
    if not machines:
        return (
            _(
                "No node that is open and ready has the profile's labels and lets it past its "
                "taints."
            ),
            _(
                "Look at its `node_selector` and `tolerations`, and at the nodes' labels and "
                "taints."
            ),
        )
    if profile.resource is None:
        return None
    most = max(machine.extended.get(profile.resource, 0) for machine in machines)
    if profile.count <= most:
        return None
    text = _(
        "It asks for %(count)s of %(resource)s, and no node that takes it has more than %(most)s."
    )
    return (
        text % {"count": profile.count, "resource": profile.resource, "most": most},
        _("A workspace runs on one node: lower the profile's `count`, or hide it."),
    )
