"""What the sections of the settings are made of: the model, web addresses, ports. Pure."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)


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


class Section(BaseModel):
    """A mapping of the file: nothing in it can be misspelt, and nothing of it changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
