"""The chart as Helm renders it, without a cluster: ways in, refusals, nothing privileged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import release, tools

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
VERSION = f"--kube-version={tools.KUBERNETES}"


@pytest.fixture(scope="module")
def helm() -> Path:
    return tools.build("helm").path("helm")


def merged(base: Object, over: Object) -> Object:
    result = deepcopy(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def render(helm: Path, folder: Path, over: Object) -> list[Object]:
    done = ask(helm, folder, "template", over)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def ask(
    helm: Path, folder: Path, command: str, over: Object, base: Object | None = None
) -> subprocess.CompletedProcess[str]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(merged(release.values() if base is None else base, over)))
    words = [command, *(["s"] if command == "template" else []), str(release.CHART)]
    return subprocess.run(
        [str(helm), *words, "--values", str(file), VERSION],
        capture_output=True,
        text=True,
        check=False,
    )


def of_kind(manifests: list[Object], kind: str) -> list[Object]:
    return [each for each in manifests if each["kind"] == kind]


def test_lint_finds_nothing(helm: Path, tmp_path: Path) -> None:
    done = ask(helm, tmp_path, "lint", {})
    assert done.returncode == 0, done.stdout
    assert "0 chart(s) failed" in done.stdout


TLS: Object = {"tls": {"secret": "studiolo-tls", "certManager": {"enabled": True, "issuer": "le"}}}
WAYS_IN: dict[str, tuple[Object, set[str]]] = {
    "none": ({}, set()),
    "ingress": ({"ingress": {"enabled": True}}, {"Ingress"}),
    "ingress with cert-manager": (
        {"ingress": {"enabled": True}, **TLS},
        {"Ingress", "Certificate"},
    ),
    "gateway API": (
        {"httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]}},
        {"HTTPRoute"},
    ),
    "istio": ({"virtualService": {"enabled": True}}, {"VirtualService", "Gateway"}),
    "istio with a gateway that is there": (
        {"virtualService": {"enabled": True, "gateways": ["istio-system/public"]}},
        {"VirtualService"},
    ),
}


@pytest.mark.parametrize("name", WAYS_IN)
def test_ways_in(helm: Path, tmp_path: Path, name: str) -> None:
    entry, kinds = WAYS_IN[name]
    found = {each["kind"] for each in render(helm, tmp_path, {"entry": entry})}
    every = {"Ingress", "Certificate", "HTTPRoute", "VirtualService", "Gateway"}
    assert found & every == kinds


REFUSED: dict[str, tuple[Object, str]] = {
    "no address": ({"url": ""}, "url: set it to the address"),
    "address without a scheme": ({"url": "studiolo.example.org"}, "url: set it to the address"),
    "no registry": ({"images": {"registry": ""}}, "images.registry: set it"),
    "nobody may sign in": (
        {"signIn": {"allowAll": False, "adminGroups": []}},
        "signIn: nobody may sign in",
    ),
    "own provider without its secret": (
        {"signIn": {"issuer": "https://id.example.org"}},
        "signIn.secret: name the secret",
    ),
    "no provider at all": ({"dex": {"enabled": False}}, "signIn.issuer: set it"),
    "Dex without people": ({"dex": {"staticUsers": []}}, "dex: nobody is known to it"),
    "database without its address": (
        {"hub": {"database": {"kind": "url"}}},
        "hub.database.secret: name the secret",
    ),
    "route without a gateway": (
        {"entry": {"httpRoute": {"enabled": True}}},
        "entry.httpRoute.parentRefs",
    ),
    "two ways in": (
        {"entry": {"ingress": {"enabled": True}, "virtualService": {"enabled": True}}},
        "entry: choose one",
    ),
    "certificate without an issuer": (
        {"entry": {"tls": {"secret": "tls", "certManager": {"enabled": True}}}},
        "entry.tls.certManager.issuer",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused_with_what_to_set(helm: Path, tmp_path: Path, name: str) -> None:
    over, words = REFUSED[name]
    done = ask(helm, tmp_path, "template", over)
    assert done.returncode != 0
    assert words in done.stderr


def test_all_that_is_wrong_is_told_at_once(helm: Path, tmp_path: Path) -> None:
    done = ask(helm, tmp_path, "template", {}, base={})
    for words in ("url: ", "images.registry: ", "catalogue: ", "signIn: "):
        assert f"- {words}" in done.stderr


def test_a_bad_catalogue_is_refused_with_its_place(helm: Path, tmp_path: Path) -> None:
    catalogue = release.catalogue()
    catalogue["profiles"][0]["memroy"] = "1Gi"
    done = ask(helm, tmp_path, "template", {"catalogue": catalogue})
    assert done.returncode != 0
    assert "memroy" in done.stderr


def pod_specs(manifests: list[Object]) -> Iterator[tuple[str, Object]]:
    for each in manifests:
        if each["kind"] in {"Deployment", "DaemonSet"}:
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def test_every_pod_is_restricted(helm: Path, tmp_path: Path) -> None:
    everything = {"workspaces": {"prePull": {"enabled": True}}}
    for name, spec in pod_specs(render(helm, tmp_path, everything)):
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any("hostPath" in volume for volume in spec.get("volumes", ())), name
        assert spec["automountServiceAccountToken"] is (name == "s-hub"), name
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("capacity", ["cluster", "namespace", "off"])
def test_no_right_is_a_wildcard(helm: Path, tmp_path: Path, capacity: str) -> None:
    manifests = render(helm, tmp_path, {"workspaces": {"capacity": capacity}})
    roles = of_kind(manifests, "Role") + of_kind(manifests, "ClusterRole")
    for rule in (rule for role in roles for rule in role["rules"]):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
    everywhere = [
        resource
        for role in of_kind(manifests, "ClusterRole")
        for rule in role["rules"]
        for resource in rule["resources"]
    ]
    expected = {"cluster": ["nodes", "pods"], "namespace": ["nodes"], "off": []}
    assert everywhere == expected[capacity]


def test_secrets_are_read_by_name_only(helm: Path, tmp_path: Path) -> None:
    (role,) = of_kind(render(helm, tmp_path, {"images": {"pullSecrets": ["pull"]}}), "Role")
    rules = [rule for rule in role["rules"] if "secrets" in rule["resources"]]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in rules] == [(["pull"], ["get"])]


def test_every_part_has_a_policy(helm: Path, tmp_path: Path) -> None:
    policies = of_kind(render(helm, tmp_path, {}), "NetworkPolicy")
    assert {each["metadata"]["name"] for each in policies} == {
        "s-hub",
        "s-proxy",
        "s-dex",
        "s-workspaces",
    }
    for policy in policies:
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_settings_have_the_last_word(helm: Path, tmp_path: Path) -> None:
    over = {"hub": {"settings": {"hub": {"named_workspaces": 7}}}}
    maps = of_kind(render(helm, tmp_path, over), "ConfigMap")
    (text,) = (each["data"]["settings.yaml"] for each in maps if "settings.yaml" in each["data"])
    settings = yaml.safe_load(text)
    assert settings["hub"]["named_workspaces"] == 7
    assert settings["hub"]["port"] == 8081
