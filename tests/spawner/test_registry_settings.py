"""What an administrator may say about a registry, and reading pull secrets."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.registry_settings import (
    Credentials,
    RegistrySettings,
    credentials_from_docker_config,
    endpoint_of,
)

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
    assert "canary-7" not in shown + repr(Credentials("ada", "canary-7"))


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


HUB = "https://index.docker.io/v1/"
CONFIGS = {
    "auth": ({"ghcr.io": auth("ada:s:e:c")}, "ghcr.io", ("ada", "s:e:c")),
    "fields": ({"ghcr.io": {"username": "ada", "password": "x"}}, "ghcr.io", ("ada", "x")),
    "auth goes first": (
        {"ghcr.io": {**auth("ada:right"), "username": "ada", "password": "wrong"}},
        "ghcr.io",
        ("ada", "right"),
    ),
    "URL as key": ({"https://ghcr.io/v2/": auth("ada:x")}, "ghcr.io", ("ada", "x")),
    "port": ({"registry.lab:5000": auth("ada:x")}, "registry.lab:5000", ("ada", "x")),
    "other port": ({"registry.lab": auth("ada:x")}, "registry.lab:5000", None),
    "Docker Hub": ({HUB: auth("ada:x")}, "docker.io", ("ada", "x")),
    "other registry": ({"quay.io": auth("ada:x")}, "ghcr.io", None),
    "suffix of a host": ({"evil-ghcr.io": auth("ada:x")}, "ghcr.io", None),
    "not base64": ({"ghcr.io": {"auth": "%%%"}}, "ghcr.io", None),
    "no colon": ({"ghcr.io": auth("ada")}, "ghcr.io", None),
    "empty entry": ({"ghcr.io": {}}, "ghcr.io", None),
    "entry that is none": ({"ghcr.io": 7}, "ghcr.io", None),
    "second key has them": (
        {"ghcr.io": {}, "https://ghcr.io": auth("ada:x")},
        "ghcr.io",
        ("ada", "x"),
    ),
}


@pytest.mark.parametrize(("auths", "registry", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_pull_secret(
    auths: dict[str, object], registry: str, expected: tuple[str, str] | None
) -> None:
    found = credentials_from_docker_config(json.dumps({"auths": auths}), registry)
    assert found == (Credentials(*expected) if expected else None)


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"auths": []}', "[" * 50_000, b"\xff"])
def test_unreadable_pull_secret(config: str | bytes) -> None:
    assert credentials_from_docker_config(config, "ghcr.io") is None


@given(st.text(min_size=1).filter(lambda text: ":" not in text), st.text())
def test_credentials_come_back_as_they_went_in(username: str, password: str) -> None:
    config = json.dumps({"auths": {"ghcr.io": auth(f"{username}:{password}")}})
    found = credentials_from_docker_config(config, "ghcr.io")
    assert found == Credentials(username, password.rstrip("\0"))
