"""What a client may ask for: authorisation requests, token requests, and its own credentials.

Guarantees: nothing is redirected to an address that is not registered, letter by letter; PKCE with
S256 is required; secrets are compared in constant time. Pure.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
https://datatracker.ietf.org/doc/html/rfc9700#section-2.1
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
MAX_LENGTH = 2048


@dataclass(frozen=True)
class Client:
    """The one client: the hub."""

    client_id: str
    client_secret: str
    redirect_uris: frozenset[str]


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request that is in order: what remains is to ask the person."""

    redirect_uri: str
    scope: str
    state: str
    nonce: str
    code_challenge: str

    def answer(self, parameters: Mapping[str, str]) -> str:
        """Give the address that takes an answer back to the client."""
        return _with_query(
            self.redirect_uri, {**parameters, **({"state": self.state} if self.state else {})}
        )


class UntrustedRequestError(ValueError):
    """Not from the registered client, so the browser is sent nowhere: the person is told."""


class RefusedRequestError(ValueError):
    """It comes from the client but is not in order: `address` takes the error back to it."""

    def __init__(self, address: str, description: str) -> None:
        super().__init__(description)
        self.address = address


class TokenError(ValueError):
    """A token request is refused with this OAuth error (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


def parse_authorization(query: Mapping[str, str], client: Client) -> AuthorizationRequest:
    """Check an authorisation request; raises UntrustedRequestError or RefusedRequestError."""
    if query.get("client_id") != client.client_id:
        raise UntrustedRequestError(
            "The application that sent you here is not known to this sign-in."
        )
    redirect_uri = query.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise UntrustedRequestError("The address to go back to is not one of this Studiolo's.")

    request = AuthorizationRequest(
        redirect_uri=redirect_uri,
        scope=query.get("scope", ""),
        state=query.get("state", ""),
        nonce=query.get("nonce", ""),
        code_challenge=query.get("code_challenge", ""),
    )
    fault = _fault(query, request)
    if fault:
        error, description = fault
        raise RefusedRequestError(
            request.answer({"error": error, "error_description": description}), description
        )
    return request


def _fault(query: Mapping[str, str], request: AuthorizationRequest) -> tuple[str, str] | None:
    if any(len(value) > MAX_LENGTH for value in query.values()):
        return "invalid_request", "a parameter is too long"
    if query.get("response_type") != "code":
        return "unsupported_response_type", "only response_type=code is served"
    if "openid" not in request.scope.split():
        return "invalid_scope", "the scope must contain openid"
    if query.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(
        request.code_challenge
    ):
        return "invalid_request", "PKCE with code_challenge_method=S256 is required"
    return None


def check_client(authorization: str, form: Mapping[str, str], client: Client) -> None:
    """Check the client's id and secret, from the header or the form; raises TokenError."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if authorization:
        client_id, secret = _basic_credentials(authorization)
    known = hmac.compare_digest(client_id.encode(), client.client_id.encode())
    if not (hmac.compare_digest(secret.encode(), client.client_secret.encode()) and known):
        raise TokenError("invalid_client", "unknown client or wrong secret", status=401)


def _basic_credentials(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (unquote(client_id), unquote(secret)) if scheme.lower() == "basic" else ("", "")


def verifier_fits(verifier: str, challenge: str) -> bool:
    """Tell whether a PKCE verifier is the one whose challenge came before (RFC 7636, 4.6)."""
    if not VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)


def _with_query(address: str, parameters: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"
