"""Turn settings into JupyterHub's configuration: the one place that sets it.

`configure` writes to the config object and makes the secrets that the settings leave to it; it
asks the sign-in service for its addresses unless the settings name them. What it decides beyond
the settings is commented where it stands.
"""

import contextlib
import math
import os
import secrets as random
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from studiolo_spawner.errors import Problem, StudioloError

from studiolo_hub import roles
from studiolo_hub.admin_handlers import admin_handlers
from studiolo_hub.admin_metrics import serve_metrics
from studiolo_hub.administration import Administration
from studiolo_hub.catalogue_link import CatalogueLink
from studiolo_hub.database_away import answer_for_database
from studiolo_hub.dex import IssuerProbe, authenticator_config, discover
from studiolo_hub.handlers import page_handlers
from studiolo_hub.look import HUB_POLICY
from studiolo_hub.pages import STATIC_DIR, Pages
from studiolo_hub.recent_stops import RecentStops
from studiolo_hub.registries import plain_registries
from studiolo_hub.settings import Hub, Proxy, Settings, Workspaces
from studiolo_hub.settings_file import SettingsError, load_settings
from studiolo_hub.settings_namespaces import UserNamespaces
from studiolo_hub.signed_out import KnownPolicies, SignedOut
from studiolo_hub.signout import Rule
from studiolo_hub.signout_handlers import SignOut
from studiolo_hub.translation import PagesTranslation, install_language
from studiolo_hub.workspace_feed import hear_database

TEMPLATES_DIR = Path(__file__).parent / "templates"
CULLER_CONFIG = Path(__file__).parent / "culler_config.py"


def configure_from_environment(c: Any) -> None:
    """Configure from the file that STUDIOLO_SETTINGS names; end with a sentence if that fails."""
    try:
        configure(c, load_settings(os.environ))
    except StudioloError as error:
        # JupyterHub would print a traceback and could go on without any configuration.
        sys.exit(f"Studiolo does not start. {error.user_message}")


def configure(c: Any, settings: Settings) -> None:
    """Set all of JupyterHub's configuration on `c`, as `settings` say; with `extra` over ours."""
    # First of all: some messages are made while the rest is configured.
    install_language(settings.brand)
    state_dir = settings.hub.state_dir
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _hub(c, settings.hub)
    _proxy(c, settings.proxy, state_dir)
    _sign_in(c, settings)
    _workspaces(c, settings.workspaces)
    c.JupyterHub.services = [*_culler(c, settings), *_metrics(settings.hub)]
    _pages(c, settings)
    for class_name, traits in settings.extra.items():
        for trait, value in traits.items():
            ours = c[class_name].get(trait)
            both = isinstance(value, dict) and isinstance(ours, dict)
            setattr(c[class_name], trait, {**ours, **value} if both else value)


def _hub(c: Any, hub: Hub) -> None:
    app = c.JupyterHub
    app.bind_url = hub.bind_url
    if hub.public_url:
        app.public_url = hub.public_url
    app.hub_ip = hub.listen_ip
    app.hub_port = hub.port
    if hub.connect_host:
        app.hub_connect_ip = hub.connect_host
    app.db_url = hub.db_url or f"sqlite:///{(hub.state_dir / 'hub.sqlite').absolute()}"
    app.cookie_secret = bytes.fromhex(_secret(hub.cookie_secret, hub.state_dir / "cookie-secret"))
    c.CryptKeeper.keys = _secret(hub.crypt_key, hub.state_dir / "crypt-key").split(";")
    app.log_level = hub.log_level
    # Workspaces outlive the hub: a restart finds them again.
    app.cleanup_servers = False
    # People land on their workspaces; opening the hub starts nothing.
    app.redirect_to_server = False
    app.allow_named_servers = hub.named_workspaces > 0
    app.named_server_limit_per_user = hub.named_workspaces
    app.concurrent_spawn_limit = hub.concurrent_spawns
    app.active_server_limit = hub.active_workspaces
    # Routes are compared with the running workspaces, and mended, this often.
    app.last_activity_interval = 60
    # Idleness is judged by the minute, so it is known by the minute.
    app.activity_resolution = 30
    # A workspace that is slow to answer is looked for while the hub already serves its pages.
    app.init_spawners_timeout = 2


def _proxy(c: Any, proxy: Proxy, state_dir: Path) -> None:
    c.JupyterHub.proxy_class = "studiolo_hub.proxy.WorkspaceProxy"
    trait = c.ConfigurableHTTPProxy
    trait.should_start = not proxy.external
    trait.command = list(proxy.command)
    trait.api_url = proxy.api_url
    trait.auth_token = _secret(proxy.auth_token, state_dir / "proxy-token")
    trait.pid_file = str((state_dir / "proxy.pid").absolute())


def _sign_in(c: Any, settings: Settings) -> None:
    sign_in = settings.sign_in
    c.JupyterHub.authenticator_class = "studiolo_hub.signout_handlers.HubAuthenticator"
    config = authenticator_config(sign_in, sign_in.endpoints or discover(sign_in))
    for trait, value in config.items():
        setattr(c.GenericOAuthenticator, trait, value)
    c.JupyterHub.load_roles = roles.service_roles(
        culling=settings.culling.enabled, metrics=settings.hub.metrics_token is not None
    )


def _workspaces(c: Any, workspaces: Workspaces) -> None:
    c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
    spawner = c.WorkspaceSpawner
    spawner.namespace = workspaces.namespace
    if workspaces.user_namespaces.enabled:
        _user_namespaces(spawner, workspaces.user_namespaces)
    spawner.catalogue_path = str(workspaces.catalogue_path)
    spawner.registries = plain_registries(workspaces.registries)
    every = workspaces.check_images_every
    spawner.image_check_period = math.ceil(every.total_seconds()) if every else 0
    spawner.capacity_watch = workspaces.capacity
    spawner.args = list(workspaces.args)
    spawner.environment = dict(workspaces.environment)
    spawner.service_account = workspaces.service_account
    spawner.image_pull_secrets = list(workspaces.image_pull_secrets)
    c.Spawner.server_token_scopes = list(roles.WORKSPACE_SCOPES)
    # Removing a workspace from the list must never remove files.
    spawner.delete_pvc = False


def _user_namespaces(spawner: Any, wanted: UserNamespaces) -> None:
    spawner.enable_user_namespaces = True
    spawner.user_namespace_template = f"{wanted.prefix}{{username}}"
    spawner.user_namespace_labels = dict(wanted.labels)
    spawner.user_namespace_annotations = dict(wanted.annotations)
    spawner.namespace_objects = [dict(each) for each in wanted.objects]


def _pages(c: Any, settings: Settings) -> None:
    stops = RecentStops()
    catalogue = _catalogue_link(c, settings)
    c.HubAuthenticator.sign_out = _sign_out(settings, catalogue)
    pages = Pages(
        settings.brand,
        issuer=IssuerProbe(settings.sign_in),
        stops=stops,
        catalogue=catalogue,
        report_every=settings.culling.report_every if settings.culling.enabled else None,
    )
    hear_database()
    answer_for_database()
    app = c.JupyterHub
    app.template_paths = [str(TEMPLATES_DIR)]
    app.jinja_environment_options = {"extensions": [PagesTranslation]}
    # Also of the API's answers, which are JSON and never shown as a page.
    headers = {"Content-Security-Policy": HUB_POLICY}
    app.tornado_settings = {**c.JupyterHub.get("tornado_settings", {}), "headers": headers}
    app.template_vars = {"studiolo": pages}
    serve_metrics(catalogue)
    app.logo_file = str((settings.brand.logo or STATIC_DIR / "logo.svg").absolute())
    app.extra_handlers = [
        *page_handlers(pages),
        *admin_handlers(Administration(pages, catalogue)),
    ]
    c.Spawner.post_stop_hook = stops.record
    c.WorkspaceSpawner.hub_pages = True


def _sign_out(settings: Settings, catalogue: CatalogueLink) -> SignOut:
    culling, chosen = settings.culling, settings.sign_out
    rule = Rule(chosen.workspaces, chosen.idle_after, culling.report_every, culling.enabled)
    policies = KnownPolicies(catalogue, culling.unknown_profile_timeout)
    every = min(culling.every, culling.report_every).total_seconds()
    return SignOut(rule, policies, SignedOut(rule, policies.now, every=every))


def _catalogue_link(c: Any, settings: Settings) -> CatalogueLink:
    """Return the link to the file that the spawners will follow, whatever `extra` says of it."""
    traits = {**c.WorkspaceSpawner, **settings.extra.get("WorkspaceSpawner", {})}
    return CatalogueLink(traits["catalogue_path"], traits["registries"])


def _metrics(hub: Hub) -> list[dict[str, str]]:
    if hub.metrics_token is None:
        return []
    return [{"name": roles.METRICS, "api_token": hub.metrics_token.get_secret_value()}]


def _culler(c: Any, settings: Settings) -> list[dict[str, Any]]:
    culling = settings.culling
    report_every = str(int(culling.report_every.total_seconds()))
    c.WorkspaceSpawner.environment.setdefault("JUPYTERHUB_ACTIVITY_INTERVAL", report_every)
    if not culling.enabled:
        return []
    return [
        {
            "name": roles.CULLER,
            "command": [
                sys.executable,
                "-m",
                "jupyterhub_idle_culler",
                f"--config={CULLER_CONFIG}",
            ],
            "environment": {
                "STUDIOLO_CATALOGUE": str(settings.workspaces.catalogue_path.absolute()),
                "STUDIOLO_CULL_EVERY": str(int(culling.every.total_seconds())),
                "STUDIOLO_REPORT_EVERY": report_every,
                "STUDIOLO_CULL_UNKNOWN_AFTER": str(
                    int(culling.unknown_profile_timeout.total_seconds())
                ),
            },
        }
    ]


def _secret(given: SecretStr | None, kept: Path) -> str:
    """Return the secret that was given, or one that is made once and kept in a private file."""
    if given is not None:
        return given.get_secret_value()
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(random.token_hex(32))
    secret = kept.read_text("ascii").strip()
    if not secret:
        raise SettingsError(str(kept), [Problem("", "the file is empty", "remove it")])
    return secret
