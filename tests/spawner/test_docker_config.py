"""Reading pull secrets as Kubernetes reads them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.docker_config import credentials_in, credentials_of_secret
from studiolo_spawner.registry_settings import Credentials


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


ADA = auth("ada:x")
HUB = "https://index.docker.io/v1/"
REPOSITORY = "lab/pytorch"
CONFIGS: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "auth": ({"ghcr.io": auth("ada:s:e:c")}, "ghcr.io", "s:e:c"),
    "fields": ({"ghcr.io": {"username": "ada", "password": "x"}}, "ghcr.io", "x"),
    "auth goes first": (
        {"ghcr.io": {**auth("ada:right"), "username": "ada", "password": "wrong"}},
        "ghcr.io",
        "right",
    ),
    "URL as key": ({"https://ghcr.io/v2/": ADA}, "ghcr.io", "x"),
    "URL of the old version": ({"http://ghcr.io/v1/": ADA}, "ghcr.io", "x"),
    "upper case": ({"GHCR.io": ADA}, "ghcr.io", "x"),
    "port": ({"registry.lab:5000": ADA}, "registry.lab:5000", "x"),
    "other port": ({"registry.lab": ADA}, "registry.lab:5000", None),
    "port that the image lacks": ({"registry.lab:5000": ADA}, "registry.lab", None),
    "Docker Hub": ({HUB: ADA}, "docker.io", "x"),
    "Docker Hub by its short name": ({"docker.io": ADA}, "docker.io", "x"),
    "path": ({"ghcr.io/lab": ADA}, "ghcr.io", "x"),
    "path of the image": ({"ghcr.io/lab/pytorch": ADA}, "ghcr.io", "x"),
    "path with a slash behind": ({"ghcr.io/lab/": ADA}, "ghcr.io", "x"),
    "other path": ({"ghcr.io/other": ADA}, "ghcr.io", None),
    "longest path first": (
        {"ghcr.io": auth("a:host"), "ghcr.io/lab/pytorch": auth("a:image"),
         "ghcr.io/lab": auth("a:lab")},
        "ghcr.io",
        "image",
    ),
    "star for a part of the host": ({"*.azurecr.io": ADA}, "lab.azurecr.io", "x"),
    "star within a part": ({"lab*.azurecr.io": ADA}, "lab7.azurecr.io", "x"),
    "star for no dot": ({"*.azurecr.io": ADA}, "a.b.azurecr.io", None),
    "star for nothing": ({"*.azurecr.io": ADA}, "azurecr.io", None),
    "star and another end": ({"*.azurecr.io": ADA}, "lab.azurecr.io.evil.example", None),
    "star with port": ({"*.lab:5000": ADA}, "registry.lab:5000", "x"),
    "star everywhere": ({"*": ADA}, "ghcr.io", None),
    "other registry": ({"quay.io": ADA}, "ghcr.io", None),
    "end of a host": ({"evil-ghcr.io": ADA}, "ghcr.io", None),
    "not base64": ({"ghcr.io": {"auth": "%%%"}}, "ghcr.io", None),
    "no colon": ({"ghcr.io": auth("ada")}, "ghcr.io", None),
    "empty entry": ({"ghcr.io": {}}, "ghcr.io", None),
    "entry that is none": ({"ghcr.io": 7}, "ghcr.io", None),
    "another key has them": ({"ghcr.io": {}, "https://ghcr.io": ADA}, "ghcr.io", "x"),
    "port that is none": ({"ghcr.io:99999": ADA, "ghcr.io:x": ADA}, "ghcr.io", None),
    "broken address": ({"[::1": ADA}, "ghcr.io", None),
}  # fmt: skip


@pytest.mark.parametrize(("auths", "registry", "password"), CONFIGS.values(), ids=CONFIGS)
def test_lookup(auths: dict[str, object], registry: str, password: str | None) -> None:
    found = credentials_in(json.dumps({"auths": auths}), registry, REPOSITORY)
    assert [one.password for one in found[:1]] == ([] if password is None else [password])


def test_all_that_fit_are_given_in_the_order_of_a_kubelet() -> None:
    auths = {"ghcr.io": auth("a:1"), "*.io": auth("a:3"), "ghcr.io/lab": auth("a:2")}
    found = credentials_in(json.dumps({"auths": auths}), "ghcr.io", REPOSITORY)
    assert [one.password for one in found] == ["2", "1", "3"]


def test_identity_token() -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    entry = {**auth(f"{nobody}:"), "identitytoken": "refresh"}
    found = credentials_in(json.dumps({"auths": {"lab.azurecr.io": entry}}), "lab.azurecr.io", "x")
    assert found == (Credentials(nobody, "", "refresh"),)
    entry = auth("<token>:refresh")
    found = credentials_in(json.dumps({"auths": {"lab.azurecr.io": entry}}), "lab.azurecr.io", "x")
    assert found == (Credentials("", "", "refresh"),)


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"auths": []}', "[" * 50_000, b"\xff"])
def test_unreadable(config: str | bytes) -> None:
    assert credentials_in(config, "ghcr.io", REPOSITORY) == ()


def secret(**data: object) -> dict[str, object]:
    return {"data": {key.replace("_", "."): value for key, value in data.items()}}


def encoded(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


SECRETS = {
    "today's form": (secret(_dockerconfigjson=encoded({"auths": {"ghcr.io": ADA}})), 1),
    "the old form": (secret(_dockercfg=encoded({"ghcr.io": ADA})), 1),
    "another kind of secret": (secret(password=encoded("x")), 0),
    "no data": ({}, 0),
    "data that is none": ({"data": 7}, 0),
    "not base64": (secret(_dockerconfigjson="!"), 0),
    "not text": (secret(_dockerconfigjson=7), 0),
}


@pytest.mark.parametrize(("found", "count"), SECRETS.values(), ids=SECRETS)
def test_secret(found: dict[str, object], count: int) -> None:
    assert len(credentials_of_secret(found, "ghcr.io", REPOSITORY)) == count


@given(st.text(min_size=1).filter(lambda text: ":" not in text), st.text())
def test_credentials_come_back_as_they_went_in(username: str, password: str) -> None:
    if username == "<token>":
        return
    config = json.dumps({"auths": {"ghcr.io": auth(f"{username}:{password}")}})
    found = credentials_in(config, "ghcr.io", REPOSITORY)
    assert found == (Credentials(username, password.rstrip("\0")),)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.text())), st.text())
def test_any_configuration_is_read(auths: dict[str, dict[str, str]], repository: str) -> None:
    found = credentials_in(json.dumps({"auths": auths}), "ghcr.io", repository)
    assert isinstance(found, tuple)
