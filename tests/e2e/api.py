"""The API server's JSON, for the few things that the tests do beside kubectl. I/O."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from tests.e2e.authority import Certificate

Object = dict[str, Any]


class Api:
    """One client, known by its certificate; blocking."""

    def __init__(self, server: str, authority: str, certificate: Certificate) -> None:
        self._server = server
        self._context = ssl.create_default_context(cafile=authority)
        self._context.verify_flags |= ssl.VERIFY_X509_STRICT
        self._context.load_cert_chain(certificate.certificate, certificate.key)

    def get(self, path: str) -> Object:
        """Read an object or a list."""
        return self._ask("GET", path)

    def create(self, path: str, body: Object) -> Object:
        """Create an object; raises HTTPError when it is there."""
        return self._ask("POST", path, body)

    def delete(self, path: str) -> Object:
        """Delete an object."""
        return self._ask("DELETE", path)

    def patch_status(self, path: str, changes: list[Object]) -> Object:
        """Change an object's status by a JSON patch."""
        return self._ask("PATCH", f"{path}/status", changes, "application/json-patch+json")

    def answers(self) -> bool:
        """Whether the server is ready."""
        with urllib.request.urlopen(
            f"{self._server}/readyz", timeout=2, context=self._context
        ) as answer:
            return bool(answer.read() == b"ok")

    def _ask(
        self, method: str, path: str, body: object = None, kind: str = "application/json"
    ) -> Object:
        request = urllib.request.Request(
            f"{self._server}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": kind},
        )
        with urllib.request.urlopen(request, timeout=10, context=self._context) as answer:
            found: Object = json.load(answer)
            return found
