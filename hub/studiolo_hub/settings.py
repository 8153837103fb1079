"""What an operator sets: one tree of frozen models, every field described. Pure.

The tree is read from one YAML file by `settings_file.load_settings`; docs/settings.md is written
from the descriptions below. A value that is not in the tree is refused, so a typo cannot pass for a
default. Rules between fields stand in the validators and say what to do in their sentence.
"""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from studiolo_spawner.catalogue_fields import Duration, DurationOrNever

from studiolo_hub.claims import SignInRefused, canonical_name
from studiolo_hub.colours import DARK, LIGHT, READABLE, Scheme, colour, legibility, readable
from studiolo_hub.settings_namespaces import UserNamespaces


def _web_address(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("is not a web address")  # noqa: TRY004 - pydantic turns it into a problem
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a web address: it starts with https:// and names a host")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("may hold neither a user name, nor a password, nor a #fragment")
    return value


WebAddress = Annotated[str, BeforeValidator(_web_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


def is_loopback(address: str) -> bool:
    """Tell whether the host of a web address is this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


#: Pictures that browsers show in a tab, by the ending of the file's name.
ICON_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon"}


def _accent(value: str, scheme: Scheme) -> str:
    """A colour that links can be read in; ValueError with one that is near and can be."""
    given = colour(value)
    found = legibility(given, scheme)
    if found < READABLE:
        near = readable(given, scheme)
        raise ValueError(
            f"{value} cannot be read on the {scheme.name} pages: its contrast is {found:.1f} to 1, "
            f"and text needs {READABLE} to 1. The nearest shade that can be read is {near}"
        )
    return str(given)


Accent = Annotated[str, AfterValidator(lambda value: _accent(value, LIGHT))]
AccentDark = Annotated[str, AfterValidator(lambda value: _accent(value, DARK))]


class Brand(_Section):
    """How the pages call themselves."""

    name: str = Field("Studiolo", min_length=1, max_length=60, description="Name on every page.")
    logo: Path | None = Field(
        None, description="Picture file (SVG or PNG) shown beside the name instead of ours."
    )
    icon: Path | None = Field(
        None,
        description="Picture file (SVG, PNG or ICO) for browsers' tabs. The logo when not given.",
    )
    accent: Accent | None = Field(
        None,
        description="Colour of buttons and links, as `#rrggbb`, instead of ours. One that cannot "
        "be read on light pages is refused, with the nearest shade that can.",
    )
    accent_dark: AccentDark | None = Field(
        None,
        description="The same on dark pages. The nearest shade of `accent` that can be read there "
        "when not given.",
    )
    language: Literal["en", "de"] = Field(
        "en", description="Language of the pages: English or German."
    )
    translation: Path | None = Field(
        None,
        description="Compiled gettext file (.mo) with the texts of the pages in another language, "
        "in place of `language`.",
    )
    contact: str = Field(
        "your administrator",
        max_length=200,
        description="Whom people turn to for help, as it reads after “Ask”.",
    )

    @field_validator("icon")
    @classmethod
    def _is_a_picture(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in ICON_TYPES:
            raise ValueError(f"is not a picture: its name ends in {' or '.join(ICON_TYPES)}")
        return value

    @model_validator(mode="after")
    def _dark_goes_with_light(self) -> Self:
        if self.accent_dark is not None and self.accent is None:
            raise ValueError("accent_dark is given without accent: give both, or accent alone")
        return self


class Endpoints(_Section):
    """The three addresses of the sign-in service, for a hub that must start without asking it."""

    authorize: WebAddress = Field(description="Where browsers are sent to sign in.")
    token: WebAddress = Field(description="Where the hub exchanges the code for a token.")
    userinfo: WebAddress = Field(description="Where the hub reads who signed in.")


class SignIn(_Section):
    """Sign-in through an OpenID Connect service such as Dex."""

    issuer: WebAddress = Field(
        description="Address of the service, exactly as it names itself in its tokens."
    )
    allow_http: bool = Field(
        False,
        description="Accept an issuer without TLS that is not this machine. Anyone on the way can "
        "then sign in as anyone.",
    )
    ca_file: Path | None = Field(
        None, description="File with the certificates of authorities that vouch for the issuer."
    )
    endpoints: Endpoints | None = Field(
        None,
        description="The service's addresses. Without them the hub asks the issuer when it starts, "
        "and does not start while the issuer is away.",
    )
    discovery_timeout: Duration = Field(
        timedelta(seconds=30),
        description="How long a starting hub waits for an issuer that does not answer.",
    )
    service_name: str = Field(
        "your account",
        min_length=1,
        max_length=60,
        description="What the sign-in button says after “Sign in with”.",
    )
    client_id: str = Field("studiolo", min_length=1, description="Our name at the service.")
    client_secret: SecretStr | None = Field(
        None, description="Our secret at the service. Better given by file or environment."
    )
    client_secret_file: Path | None = Field(None, description="File that holds the client secret.")
    callback_url: WebAddress | None = Field(
        None,
        description="Address that the service sends people back to: https://HOST/hub/oauth_callback."
        " Guessed from the request when it is not given.",
    )
    scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email", "groups"), description="Scopes to ask the service for."
    )
    stay_signed_in: bool = Field(
        True,
        description="Also ask for offline_access, so that a session outlives the service's short "
        "tokens; groups are still read again at every refresh.",
    )
    username_claim: str = Field(
        "email",
        min_length=1,
        description="Claim that names a person. It keys home directories: decide once. `email` is "
        "compared in lower case; every other claim (`sub`, `preferred_username`) exactly.",
    )
    require_verified_email: bool = Field(
        True,
        description="Refuse an e-mail address that the service has not verified. Turn it off only "
        "when people cannot choose their address there.",
    )
    groups_claim: str = Field("groups", min_length=1, description="Claim that lists the groups.")
    max_groups: int = Field(
        1000, ge=1, le=10_000, description="More groups than this refuse the sign-in."
    )
    allowed_groups: frozenset[str] = Field(
        frozenset(), description="Members of these groups may sign in. Compared exactly."
    )
    allowed_users: frozenset[str] = Field(
        frozenset(), description="These people may sign in, named as the username claim names them."
    )
    allow_all: bool = Field(
        False, description="Everyone whom the service knows may sign in, whatever their groups."
    )
    admin_groups: frozenset[str] = Field(
        frozenset(), description="Members of these groups may sign in and administer the hub."
    )
    admin_users: frozenset[str] = Field(
        frozenset(), description="These people may sign in and administer the hub."
    )
    refresh_every: Duration = Field(
        timedelta(minutes=5),
        description="How often groups are read again for a person who uses the hub. While the "
        "service is away people stay signed in with what it said last.",
    )
    logout_url: WebAddress | None = Field(
        None, description="Where people land after signing out, for example the service's own page."
    )

    @model_validator(mode="after")
    def _rules(self) -> Self:
        if not (self.allow_all or self.allowed_groups or self.allowed_users):
            raise ValueError(
                "nobody is allowed in: set allowed_groups, allowed_users or, for everyone whom the "
                "sign-in service knows, allow_all: true"
            )
        if self.issuer.startswith("http://") and not (self.allow_http or is_loopback(self.issuer)):
            raise ValueError(
                "the issuer has no TLS: use its https:// address, or set allow_http: true if "
                "nobody can read or change what goes between"
            )
        for name in sorted(self.allowed_users | self.admin_users):
            try:
                canonical_name(name, claim=self.username_claim)
            except SignInRefused as refusal:
                raise ValueError(
                    f"allowed_users or admin_users names {name!r}, which can never be a user name "
                    f"with username_claim {self.username_claim!r}"
                ) from refusal
        return self


class Hub(_Section):
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


class Proxy(_Section):
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


class Registry(_Section):
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


class Workspaces(_Section):
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


class Culling(_Section):
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


class SignOutPolicy(_Section):
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


class Settings(_Section):
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
