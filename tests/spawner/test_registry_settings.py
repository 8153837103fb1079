"""What an administrator may say about a registry."""

from __future__ import annotations

import pytest
from studiolo_spawner.registry_settings import Credentials, RegistrySettings, endpoint_of

REFUSED = {
    "plain HTTP by accident": ({"endpoint": "http://registry.example"}, "insecure"),
    "not a URL": ({"endpoint": "registry.example:5000"}, "URL"),
    "credentials in the URL": ({"endpoint": "https://a:b@registry.example"}, "credentials"),
    "query in the URL": ({"endpoint": "https://registry.example/?a=b"}, "URL"),
    "user without password": ({"username": "ada"}, "both"),
    "password without user": ({"password": "x"}, "both"),
}


@pytest.mark.parametrize(("fields", "word"), REFUSED.values(), ids=REFUSED)
def test_refused(fields: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        RegistrySettings(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("registry", "settings", "base"),
    [
        ("ghcr.io", None, "https://ghcr.io"),
        ("docker.io", None, "https://registry-1.docker.io"),
        ("registry.lab:5000", None, "https://registry.lab:5000"),
        ("registry.lab:5000", RegistrySettings(insecure=True), "http://registry.lab:5000"),
        ("docker.io", RegistrySettings(endpoint="https://mirror.lab"), "https://mirror.lab"),
    ],
)
def test_endpoint(registry: str, settings: RegistrySettings | None, base: str) -> None:
    assert str(endpoint_of(registry, settings).base).rstrip("/") == base


def test_secrets_are_not_shown() -> None:
    shown = repr(RegistrySettings(username="ada", password="canary-7"))
    kept = repr(Credentials("ada", "canary-7", "canary-7"))
    assert "canary-7" not in shown + kept
