"""Who may speak to the embedded API: this machine, with the token. Pure.

The API starts processes, so a web page in a browser on the same machine must not reach it. A page
can make a browser send requests to 127.0.0.1, even under a name of its own (DNS rebinding), but it
cannot send the token, and under its own name the Host header gives it away. No CORS header is ever
sent.
"""

from __future__ import annotations

import hmac
import ipaddress

from aiohttp import web

from studiolo_local.api.status_errors import foreign_host, unauthorized

OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz"})


def is_loopback(host_header: str) -> bool:
    """Return whether a Host header names this machine by a loopback name or address."""
    host = host_header.strip().lower()
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit()):
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(request: web.BaseRequest, token: str) -> None:
    """Raise an ApiError unless the request may be served."""
    if not is_loopback(request.headers.get("Host", "")):
        raise foreign_host()
    if request.path in OPEN_PATHS:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    known = hmac.compare_digest(given.strip().encode(errors="replace"), token.encode())
    if scheme.lower() != "bearer" or not known:
        raise unauthorized()
