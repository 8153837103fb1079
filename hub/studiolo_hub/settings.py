"""What an operator sets: one tree of frozen models, every field described. Pure.

The tree is read from one YAML file by `settings_file.load_settings`; docs/settings.md is written
from the descriptions below. A value that is not in the tree is refused, so a typo cannot pass for a
default. Rules between fields stand in the validators and say what to do in their sentence.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from studiolo_spawner.catalogue_fields import Duration, DurationOrNever

from studiolo_hub.settings_brand import Brand
from studiolo_hub.settings_fields import Port, Section, WebAddress
from studiolo_hub.settings_namespaces import UserNamespaces
from studiolo_hub.settings_sign_in import SignIn


class Hub(Section):
    """The hub itself: where it listens and what it keeps."""

    bind_url: WebAddress = Field(
        "http://127.0.0.1:8000",
        description="Address that the proxy listens on, with the path under which all is served.",
    )
    public_url: WebAddress | None = Field(
        None,
        description="Address that browsers use, when another proxy or a load balancer "
        "stands before ours.",
    )
    listen_ip: str = Field("127.0.0.1", description="Address of the hub's own port.")
    port: Port = Field(8081, description="The hub's own port; the proxy and workspaces use it.")
    connect_host: str | None = Field(
        None,
        description="Host name by which workspaces reach the hub, for example its service. "
        "The listening address when not given.",
    )
    db_url: str | None = Field(
        None,
        description="Database, as SQLAlchemy writes it. A SQLite file in state_dir when not given.",
    )
    db_url_file: Path | None = Field(
        None, description="File that holds the database's address, password included."
    )
    state_dir: Path = Field(
        Path(".studiolo"),
        description="Directory for what the hub keeps: its SQLite file, and secrets that it makes "
        "itself (readable by nobody else) when they are not given.",
    )
    cookie_secret: SecretStr | None = Field(
        None,
        description="32 bytes in hex that sign cookies (`openssl rand -hex 32`). Made and "
        "kept in state_dir when not given.",
    )
    cookie_secret_file: Path | None = Field(None, description="File that holds the cookie secret.")
    crypt_key: SecretStr | None = Field(
        None,
        description="32 bytes in hex that encrypt the sign-in's tokens in the database. Several, "
        "joined by `;`, rotate it: the first one encrypts. Made and kept in state_dir when not "
        "given.",
    )
    crypt_key_file: Path | None = Field(None, description="File that holds the crypt key.")
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token with which Prometheus may read /hub/metrics, and nothing else. "
        "Without one only administrators' own tokens may.",
    )
    metrics_token_file: Path | None = Field(None, description="File that holds that token.")

    @field_validator("cookie_secret", "crypt_key")
    @classmethod
    def _is_hex(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        several = info.field_name == "crypt_key"
        for key in value.get_secret_value().split(";") if several else [value.get_secret_value()]:
            if not re.fullmatch(r"[0-9a-fA-F]{64}", key):
                raise ValueError("is not 32 bytes in hex: make one with `openssl rand -hex 32`")
        return value

    named_workspaces: int = Field(
        3, ge=0, le=100, description="Workspaces that one person may have beside the first one."
    )
    concurrent_spawns: int = Field(
        500, ge=1, description="Starts under way at once; more are asked to try again."
    )
    active_workspaces: int = Field(
        0, ge=0, description="Workspaces of all people at once; 0 means no limit."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING"] = Field(
        "INFO", description="How much the hub's log says."
    )


class Proxy(Section):
    """The proxy that browsers reach: started by the hub, or standing on its own."""

    external: bool = Field(
        False, description="The proxy runs on its own, so that the hub can restart beneath it."
    )
    command: tuple[str, ...] = Field(
        ("configurable-http-proxy",), min_length=1, description="Command that starts the proxy."
    )
    api_url: WebAddress = Field(
        "http://127.0.0.1:8001", description="Where the hub tells the proxy its routes."
    )
    auth_token: SecretStr | None = Field(
        None,
        description="Secret shared by hub and proxy. Made and kept in state_dir when not "
        "given; an external proxy needs one that both are given.",
    )
    auth_token_file: Path | None = Field(None, description="File that holds the proxy's secret.")

    @model_validator(mode="after")
    def _external_proxy_has_a_secret(self) -> Self:
        if self.external and self.auth_token is None:
            raise ValueError(
                "an external proxy and the hub need the same secret: set auth_token_file, or "
                "STUDIOLO_PROXY_TOKEN in the hub's environment"
            )
        return self


class Registry(Section):
    """How the image check reaches one registry."""

    endpoint: WebAddress | None = Field(
        None, description="Address that answers for this registry (a mirror), when not its own."
    )
    insecure: bool = Field(False, description="Ask it without TLS.")
    allow_private: bool = Field(
        False, description="Its address may be private; otherwise only public ones are asked."
    )
    ca_file: Path | None = Field(
        None, description="File with the certificates of authorities that vouch for it."
    )
    trusted_hosts: tuple[str, ...] = Field(
        (), description="Further hosts that it may name for signing in or for its blobs."
    )
    nodes_sign_in: bool = Field(
        False,
        description="The nodes have credentials of their own for it; that the hub is refused then "
        "says nothing about an image.",
    )
    username: str | None = Field(None, description="User name, when it wants one.")
    password: SecretStr | None = Field(None, description="Password or token.")
    password_file: Path | None = Field(None, description="File that holds the password.")

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both, or neither")
        return self


class Workspaces(Section):
    """Workspaces: what is offered and where they run."""

    catalogue_path: Path = Field(
        Path("catalogue.yaml"), description="The catalogue of images and GPU profiles."
    )
    namespace: str = Field(
        "studiolo",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="Namespace that workspaces run in. With user_namespaces: where the hub is.",
    )
    user_namespaces: UserNamespaces = Field(
        default_factory=UserNamespaces, description="A namespace for each person."
    )
    registries: dict[str, Registry] = Field(
        default_factory=dict, description="Registries by the host that references name."
    )
    check_images_every: DurationOrNever = Field(
        timedelta(minutes=10),
        description="How often the registries are asked about all images of the catalogue, or "
        "`never`. Images that cannot be pulled are marked on the menu.",
    )
    capacity: Literal["cluster", "namespace", "off"] = Field(
        "cluster",
        description="Whose pods are counted to tell what is free: `cluster`, of all namespaces; "
        "`namespace`, of the workspaces' own, where nobody else uses these GPUs; or `off`.",
    )
    service_account: str | None = Field(
        None,
        description="Service account of workspaces. None: they get no way into the cluster's API.",
    )
    image_pull_secrets: tuple[str, ...] = Field(
        (),
        description="Secrets in the namespace that nodes pull images with, and the hub "
        "checks them with.",
    )
    args: tuple[str, ...] = Field((), description="Arguments added to every workspace's command.")
    environment: dict[str, str] = Field(
        default_factory=dict, description="Environment of every workspace."
    )


class Culling(Section):
    """Stopping workspaces that nobody uses, by the idle policy of their profile."""

    enabled: bool = Field(True, description="Stop idle workspaces.")
    every: Duration = Field(timedelta(minutes=1), description="How often idleness is looked at.")
    report_every: Duration = Field(
        timedelta(minutes=1),
        description="How often a workspace tells the hub when it was last active. An idle one is "
        "stopped two reports after its time-out, so that nobody's last moment is missed.",
    )
    unknown_profile_timeout: Duration = Field(
        timedelta(hours=4),
        description="Idle time after which a workspace is stopped whose profile is no longer in "
        "the catalogue.",
    )


class SignOutPolicy(Section):
    """What becomes of a person's workspaces when they sign out. The page that follows says it."""

    workspaces: Literal["stop", "stop_idle", "keep"] = Field(
        "stop_idle",
        description="`stop` stops all of them at once. `stop_idle` stops those in which nothing "
        "happens, and the others as soon as nothing does; busy kernels, programs in terminals and "
        "GPUs keep theirs. `keep` stops none.",
    )
    idle_after: Duration = Field(
        timedelta(minutes=5),
        description="For `stop_idle`: the pause after which nothing is said to happen in a "
        "workspace whose owner has signed out. A profile's own time-out counts if it is shorter; a "
        "profile whose `idle.timeout` is `never` keeps its workspaces.",
    )


class Settings(Section):
    """Everything an operator sets."""

    brand: Brand = Field(default_factory=Brand, description="Name, picture and contact.")
    sign_in: SignIn = Field(description="Who may come in, and how.")
    hub: Hub = Field(default_factory=Hub, description="The hub itself.")
    proxy: Proxy = Field(default_factory=Proxy, description="The proxy in front.")
    workspaces: Workspaces = Field(default_factory=Workspaces, description="What is started.")
    culling: Culling = Field(default_factory=Culling, description="When it is stopped.")
    sign_out: SignOutPolicy = Field(
        default_factory=SignOutPolicy, description="What is stopped when people sign out."
    )
    extra: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="JupyterHub's own options for what is not covered here, class by class "
        "(`KubeSpawner: {start_timeout: 900}`). They are applied last and win; of a "
        "mapping, the names that they set.",
    )
