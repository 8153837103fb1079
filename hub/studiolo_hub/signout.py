"""What becomes of a person's workspaces when they sign out. Pure.

The administrator chooses: all are stopped, those that nobody uses are, or none is. Whether one is
in use is judged as the culler judges it (`lifecycle.arbitrate`, fed with the activity that the
workspace itself reports: busy kernels, programs in terminals, GPUs), only sooner: who signs out
does not come back in the next hour. So a GPU that computes keeps its workspace; and a profile that
is never stopped for being idle is not stopped for it at sign-out either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from studiolo_spawner.spoken import ago, duration, rough
from studiolo_spawner.translation import translate as _

from studiolo_hub.lifecycle import Policies, Policy, arbitrate


def _never() -> str:
    return _("It runs until somebody stops it.")


Choice = Literal["stop", "stop_idle", "keep"]
"""What the administrator chose in `sign_out.workspaces`."""


@dataclass(frozen=True)
class Rule:
    """The administrator's choice with what it needs to be applied.

    idle_after    how long nothing may have happened in a workspace that is stopped at sign-out
    report_every  how often workspaces report their activity
    culled        whether idle workspaces are stopped at other times, too
    """

    choice: Choice
    idle_after: timedelta
    report_every: timedelta
    culled: bool = True


@dataclass(frozen=True)
class ActiveWorkspace:
    """A workspace that runs or starts when its owner signs out.

    last_activity  as the workspace reported it; None when it never did
    """

    name: str
    title: str
    starting: bool
    started: datetime | None
    last_activity: datetime | None
    user_options: Mapping[str, object]

    def model(self) -> dict[str, object]:
        """What `arbitrate` needs of it."""
        started = self.started.isoformat() if self.started else None
        return {"user_options": self.user_options, "started": started}

    def inactive(self, now: datetime) -> timedelta | None:
        """For how long nothing has happened in it."""
        since = self.last_activity or self.started
        return now - since if since else None


@dataclass(frozen=True)
class Fate:
    """What becomes of one workspace, and the words for it."""

    name: str
    title: str
    stops: bool
    reason: str
    """Why, in a sentence."""
    later: str = ""
    """When it is stopped after all, in a sentence; empty for one that is stopped now."""
    watched: bool = False
    """Whether it is stopped as soon as it is idle."""


def fate_of(
    workspace: ActiveWorkspace, rule: Rule, policies: Policies | None, now: datetime
) -> Fate:
    """Return what becomes of a workspace. `policies` are None while there is no catalogue."""
    fate = Fate(workspace.name, workspace.title, stops=False, reason="")
    if rule.choice == "stop":
        return replace(fate, stops=True, reason=_("Signing out stops every workspace."))
    if policies is None:
        # Without any policy nobody's work is stopped, as with the culler.
        return replace(
            fate,
            reason=_("It cannot be told when it may be stopped."),
            later=_("Stop it yourself."),
        )
    policy = policies.of(workspace.model())
    if rule.choice == "keep":
        later = _own_end(policy, workspace.started) if rule.culled else _never()
        return replace(fate, reason=_("Signing out stops no workspace."), later=later)
    if workspace.starting:
        later = _soon_end(policy, rule, workspace.started)
        return replace(fate, reason=_("It is being started."), later=later, watched=True)
    if is_over(workspace, rule, policies, now):
        passed = rough(workspace.inactive(now) or timedelta())
        reason = _("Nothing has happened in it for %(time)s.") % {"time": passed}
        return replace(fate, stops=True, reason=reason)
    if policy.timeout is None:
        later = _own_end(policy, workspace.started)
        return replace(
            fate, reason=_("Its profile never stops it for being idle."), later=later, watched=True
        )
    passed = ago(workspace.inactive(now) or timedelta())
    reason = _("It was in use %(ago)s.") % {"ago": passed}
    return replace(
        fate, reason=reason, later=_soon_end(policy, rule, workspace.started), watched=True
    )


def is_over(workspace: ActiveWorkspace, rule: Rule, policies: Policies, now: datetime) -> bool:
    """Whether a workspace whose owner has signed out is stopped now."""
    decision = arbitrate(
        workspace.inactive(now),
        workspace.model(),
        sooner(policies, rule.idle_after),
        now,
        report_every=rule.report_every,
    )
    return decision.cull


def sooner(policies: Policies, idle_after: timedelta) -> Policies:
    """The same policies with shorter pauses; what never stops for being idle still does not."""
    return replace(
        policies,
        by_profile={
            name: _sooner(policy, idle_after) for name, policy in policies.by_profile.items()
        },
        unknown=_sooner(policies.unknown, idle_after),
    )


def _sooner(policy: Policy, idle_after: timedelta) -> Policy:
    timeout = policy.timeout
    return policy if timeout is None else replace(policy, timeout=min(timeout, idle_after))


def _soon_end(policy: Policy, rule: Rule, started: datetime | None) -> str:
    if policy.timeout is None:
        return _own_end(policy, started)
    pause = min(policy.timeout, rule.idle_after)
    last = _last(policy, started)
    words = {"time": duration(pause), "last": last}
    if last:
        told = _(
            "It is stopped when nothing has happened in it for %(time)s, at the latest %(last)s."
        )
    else:
        told = _("It is stopped when nothing has happened in it for %(time)s.")
    return told % words


def _own_end(policy: Policy, started: datetime | None) -> str:
    last = _last(policy, started)
    if policy.timeout is None:
        return _("It is stopped %(last)s.") % {"last": last} if last else _never()
    words = {"time": duration(policy.timeout), "last": last}
    if last:
        return _("It is stopped after %(time)s without use, at the latest %(last)s.") % words
    return _("It is stopped after %(time)s without use.") % words


def _last(policy: Policy, started: datetime | None) -> str:
    """When its time is over whatever happens in it; empty where it never is."""
    if policy.max_lifetime is None or started is None:
        return ""
    end = started + policy.max_lifetime
    return _("on %(date)s at %(time)s UTC") % {"date": f"{end:%Y-%m-%d}", "time": f"{end:%H:%M}"}
