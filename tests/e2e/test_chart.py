"""The chart as Helm renders it, without a cluster: ways in, refusals, nothing privileged."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from studiolo_hub.settings_namespaces import UserNamespaces

from tests.e2e import release, tools

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
VERSION = f"--kube-version={tools.KUBERNETES}"


@pytest.fixture(scope="module")
def helm() -> Path:
    """The Helm that these tests build, or the one that STUDIOLO_HELM names."""
    named = os.environ.get("STUDIOLO_HELM")
    return Path(named) if named else tools.build("helm").path("helm")


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


def settings_of(manifests: list[Object]) -> Object:
    """The hub's settings file."""
    maps = [each["data"] for each in of_kind(manifests, "ConfigMap")]
    (text,) = (data["settings.yaml"] for data in maps if "settings.yaml" in data)
    found: Object = yaml.safe_load(text)
    return found


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
    "a part of a namespace for each person alone": (
        {"workspaces": {"perUser": {"quota": {"pods": "3"}}}},
        "workspaces.perUser.enabled: set it to true",
    ),
    "one namespace and many": (
        {"workspaces": {"namespace": "all", "perUser": {"enabled": True}}},
        "workspaces.namespace: leave it empty",
    ),
    "a long beginning of namespaces' names": (
        {"workspaces": {"perUser": {"enabled": True, "prefix": "a-prefix-that-is-long-"}}},
        "workspaces.perUser.prefix: ",
    ),
    "counting in one of many namespaces": (
        {"workspaces": {"capacity": "namespace", "perUser": {"enabled": True}}},
        "workspaces.capacity: set cluster or off",
    ),
    "a test person at another provider": (
        {"test": {"account": True}, "signIn": {"issuer": "https://id.org", "secret": "s"}},
        "test.account: set it to false",
    ),
    "a test person whom nobody would let in": (
        {
            "test": {"account": True},
            "signIn": {"usernameClaim": "sub", "allowAll": False, "allowedGroups": ["ml"]},
        },
        "test.account: set it to false, or signIn.usernameClaim to email",
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
        elif each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]


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


PER_USER: Object = {"workspaces": {"perUser": {"enabled": True, "prefix": "lab-"}}}
EVERYWHERE: dict[str, tuple[Object, list[str]]] = {
    "cluster": ({"workspaces": {"capacity": "cluster"}}, ["nodes", "pods"]),
    "namespace": ({"workspaces": {"capacity": "namespace"}}, ["nodes"]),
    "off": ({"workspaces": {"capacity": "off"}}, []),
    "per user": (
        PER_USER,
        [
            "clusterroles",
            "events",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "pods",
            "pods",
            "rolebindings",
        ],
    ),
}


def bound_everywhere(manifests: list[Object]) -> list[Object]:
    """The rules that hold in every namespace."""
    names = {each["roleRef"]["name"] for each in of_kind(manifests, "ClusterRoleBinding")}
    roles = [
        each for each in of_kind(manifests, "ClusterRole") if each["metadata"]["name"] in names
    ]
    return [rule for role in roles for rule in role["rules"]]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_no_right_is_a_wildcard(helm: Path, tmp_path: Path, name: str) -> None:
    over, expected = EVERYWHERE[name]
    manifests = render(helm, tmp_path, over)
    roles = of_kind(manifests, "Role") + of_kind(manifests, "ClusterRole")
    for rule in (rule for role in roles for rule in role["rules"]):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
    found = [each for rule in bound_everywhere(manifests) for each in rule["resources"]]
    assert sorted(found) == sorted(expected)


def test_rights_in_every_namespace_make_nothing_but_namespaces(helm: Path, tmp_path: Path) -> None:
    manifests = render(helm, tmp_path, {**PER_USER, "images": {"pullSecrets": ["pull"]}})
    changing = {
        (resource, verb)
        for rule in bound_everywhere(manifests)
        for resource in rule["resources"]
        for verb in set(rule["verbs"]) - {"get", "list", "watch"}
    }
    assert changing == {
        ("namespaces", "create"),
        ("rolebindings", "create"),
        ("clusterroles", "bind"),
    }
    (bind,) = [rule for rule in bound_everywhere(manifests) if "bind" in rule["verbs"]]
    assert bind["resourceNames"] == ["default-s-workspaces"]


def test_a_namespace_for_each_person_is_all_set(helm: Path, tmp_path: Path) -> None:
    own: Object = {
        "enabled": True,
        "prefix": "lab-",
        "labels": {"team": "ml"},
        "quota": {"pods": "3"},
        "limits": [{"type": "Container", "max": {"cpu": "8"}}],
    }
    manifests = render(helm, tmp_path, {"workspaces": {"perUser": own}})
    wanted = settings_of(manifests)["workspaces"]["user_namespaces"]
    hub = {"studiolo.dev/hub": "s-hub", "studiolo.dev/hub-namespace": "default"}
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    assert wanted["labels"] == {"team": "ml", **hub, **restricted}
    UserNamespaces.model_validate(wanted)
    objects = {each["kind"]: each for each in wanted["objects"]}
    assert objects.keys() == {"RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy"}
    assert objects["ResourceQuota"]["spec"] == {"hard": {"pods": "3"}}
    assert objects["LimitRange"]["spec"] == {"limits": own["limits"]}
    alone = of_kind(render(helm, tmp_path, {}), "NetworkPolicy")
    (policy,) = [each for each in alone if each["metadata"]["name"] == "s-workspaces"]
    assert objects["NetworkPolicy"]["spec"] == policy["spec"]
    (guard,) = of_kind(manifests, "ValidatingAdmissionPolicy")
    assert (
        "system:serviceaccount:default:s-hub" in guard["spec"]["matchConditions"][0]["expression"]
    )
    for each in of_kind(manifests, "NetworkPolicy"):
        assert each["metadata"]["name"] != "s-workspaces"
        for rule in [*each["spec"].get("ingress", ()), *each["spec"]["egress"]]:
            for peer in [*rule.get("from", ()), *rule.get("to", ())]:
                if "singleuser-server" in str(peer):
                    assert peer["namespaceSelector"]["matchLabels"] == hub


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
        "s-test",
        "s-workspaces",
    }
    for policy in policies:
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_settings_have_the_last_word(helm: Path, tmp_path: Path) -> None:
    over = {"hub": {"settings": {"hub": {"named_workspaces": 7}}}}
    settings = settings_of(render(helm, tmp_path, over))
    assert settings["hub"]["named_workspaces"] == 7
    assert settings["hub"]["port"] == 8081


def test_the_test_has_a_person_only_if_asked(helm: Path, tmp_path: Path) -> None:
    for account in (False, True):
        manifests = render(helm, tmp_path, {"test": {"account": account}})
        (pod,) = of_kind(manifests, "Pod")
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
        (container,) = pod["spec"]["containers"]
        named = {each["name"] for each in container["env"]}
        assert ("STUDIOLO_TRY_PASSWORD" in named) is account
        (dex,) = [
            each
            for each in of_kind(manifests, "Secret")
            if "config.yaml" in each.get("stringData", {})
        ]
        people = yaml.safe_load(dex["stringData"]["config.yaml"])["staticPasswords"]
        email = "helm-test@studiolo.invalid"
        assert any(each["email"] == email for each in people) is account
        (secret,) = [each for each in of_kind(manifests, "Secret") if "cookie-secret" in str(each)]
        assert ("test-hash" in secret["data"]) is account
        assert (email in settings_of(manifests)["sign_in"]["allowed_users"]) is account


@pytest.mark.parametrize("page", ["README.md", "docs/installation.md"])
def test_the_values_that_we_show_first_can_be_installed(
    helm: Path, tmp_path: Path, page: str
) -> None:
    text = (release.CHART.parents[1] / page).read_text()
    shown = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    first, *more = [each for each in shown if isinstance(each, dict)]
    assert ask(helm, tmp_path, "template", {}, base=first).returncode == 0
    for each in more:
        done = ask(helm, tmp_path, "template", each, base=first)
        assert done.returncode == 0, done.stderr
