"""The settings of who may come in, and as what. Pure."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import (
    Field,
    SecretStr,
    model_validator,
)
from studiolo_spawner.catalogue_fields import Duration

from studiolo_hub.claims import SignInRefused, canonical_name
from studiolo_hub.settings_fields import Section, WebAddress, is_loopback


class Endpoints(Section):
    """The three addresses of the sign-in service, for a hub that must start without asking it."""

    authorize: WebAddress = Field(description="Where browsers are sent to sign in.")
    token: WebAddress = Field(description="Where the hub exchanges the code for a token.")
    userinfo: WebAddress = Field(description="Where the hub reads who signed in.")


class SignIn(Section):
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
