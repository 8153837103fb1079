"""Signing out: a page that says what becomes of one's workspaces, and a button that does it. I/O.

JupyterHub signs people out on a GET, so a link on any web page could do it, and with a policy that
stops workspaces it could end a training. Here a GET only shows the page; signing out is a POST that
JupyterHub's XSRF check guards. What follows the POST says of each workspace what became of it. A
page of the sign-in service that the settings name (`sign_in.logout_url`) comes after that.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from jupyterhub.metrics import LOGOUT_DURATION_SECONDS
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthLogoutHandler
from tornado import web
from traitlets import Any as AnyTrait

from studiolo_hub.event_stream import end_streams_of
from studiolo_hub.signed_out import KnownPolicies, SignedOut, described
from studiolo_hub.signout import ActiveWorkspace, Fate, Rule, fate_of
from studiolo_hub.stopping import starts_to_come, stop_workspace
from studiolo_hub.strict_handlers import strict_handlers

#: How long the page with the outcome stays before the sign-in service's own page follows.
ONWARD_SECONDS = 15


class SignOut:
    """What the handler needs: the rule, the policies, and who looks after what goes on."""

    def __init__(self, rule: Rule, policies: KnownPolicies, signed_out: SignedOut) -> None:
        self.rule = rule
        self.policies = policies
        self.signed_out = signed_out

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one (see `SignedOut`)."""
        return self


class SignOutHandler(OAuthLogoutHandler):
    """The page, and the button on it."""

    def initialize(self, sign_out: SignOut) -> None:
        """Take the policy."""
        self.sign_out = sign_out

    def check_xsrf_cookie(self) -> None:
        """Check nothing for those who are not signed in: they send the page's form once more."""
        if getattr(self, "_jupyterhub_user", None) is not None:
            super().check_xsrf_cookie()

    async def get(self) -> None:
        """Say what signing out does to the workspaces that run."""
        if self.current_user is None:
            await self.render_logout_page()
            return
        # Another minute, another fate: what is shown is always what will be done.
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.render_template("sign_out.html", fates=await self._fates()))

    async def post(self) -> None:
        """Do it, and say what became of them."""
        user = self.current_user
        if user is None:
            await self.render_logout_page()
            return
        with LOGOUT_DURATION_SECONDS.time():
            fates = await self._fates()
            self.sign_out.signed_out.follow(
                self.app, user, [fate.name for fate in fates if fate.watched]
            )
            stopped = await asyncio.gather(*(self._settle(user, fate) for fate in fates))
            self._backend_logout_cleanup(user.name)
            end_streams_of(user.name)
            await self.handle_logout()
            # So that the page shows nobody.
            self._jupyterhub_user = None
        await self._tell(list(zip(fates, stopped, strict=True)))

    async def _fates(self) -> list[Fate]:
        policies = await self.sign_out.policies.known()
        now = datetime.now(UTC)
        return [
            fate_of(workspace, self.sign_out.rule, policies, now)
            for workspace in map(self._workspace, self.current_user.spawners.values())
            if workspace is not None
        ]

    def _workspace(self, spawner: Any) -> ActiveWorkspace | None:
        """Return what runs, starts, or is stopped only to be started again."""
        if (self.current_user.name, spawner.name) in starts_to_come:
            return replace(described(spawner), starting=True)
        return described(spawner) if spawner.active and spawner.pending != "stop" else None

    async def _settle(self, user: Any, fate: Fate) -> str:
        """Return what became of one workspace: `running`, `stopped`, `stopping` or `failed`."""
        if not fate.stops:
            return "running"
        try:
            await stop_workspace(self, user, fate.name)
        except (web.HTTPError, RuntimeError) as error:
            # The person signs out in any case; what goes on is told on the page.
            self.log.warning("Workspace %r of %r at sign-out: %s", fate.name, user.name, error)
        spawner = user.spawners.get(fate.name)
        if spawner is None or not spawner.active:
            return "stopped"
        return "stopping" if spawner.pending else "failed"

    async def _tell(self, outcome: list[tuple[Fate, str]]) -> None:
        onward = self.authenticator.logout_redirect_url
        if onward and not outcome:
            self.redirect(onward)
            return
        if onward:
            self.set_header("Refresh", f"{ONWARD_SECONDS}; url={onward}")
        page = await self.render_template(
            "logout.html",
            outcome=outcome,
            onward=onward,
            service=urlsplit(onward).hostname,
            seconds=ONWARD_SECONDS,
        )
        self.finish(page)


class HubAuthenticator(GenericOAuthenticator):
    """GenericOAuthenticator with our way to sign out; its handlers are no configuration."""

    sign_out = AnyTrait(help="What signing out needs (`SignOut`).").tag(config=True)

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """Return JupyterHub's, ours for signing out, and those that come before JupyterHub's."""
        return strict_handlers() + [
            (handler[0], SignOutHandler, {"sign_out": self.sign_out})
            if handler[0] == "/logout"
            else handler
            for handler in super().get_handlers(app)
        ]

    async def run_post_auth_hook(self, handler: Any, auth_model: Any) -> Any:
        """Let somebody in, and give back what was left behind at the last sign-out."""
        auth_model = await super().run_post_auth_hook(handler, auth_model)
        if auth_model:
            self.sign_out.signed_out.take_back(auth_model["name"])
        return auth_model
