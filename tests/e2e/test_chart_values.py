"""Every value of the chart does something: each has an example here that changes what is made."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import release
from tests.e2e.test_chart import ask, helm, merged

__all__ = ["helm"]
pytestmark = pytest.mark.e2e

Object = dict[str, Any]
Leaf = tuple[str, ...]

#: An example of each value and, where it means something only with others, what it needs.
EXAMPLES: dict[str, tuple[Any, Object]] = {
    "url": ("https://other.example.org/lab", {}),
    "images.registry": ("registry.example.org/other", {}),
    "images.tag": ("9.9.9", {}),
    "images.pullSecrets": (["pull"], {}),
    "images.pullPolicy": ("Always", {}),
    "catalogue": ({"defaults": {"profile": "gpu"}}, {}),
    "hub.settings": ({"hub": {"named_workspaces": 9}}, {}),
    "hub.database.kind": ("url", {"hub": {"database": {"secret": "db"}}}),
    "hub.database.size": ("7Gi", {}),
    "hub.database.storageClass": ("fast", {}),
    "hub.database.secret": ("db", {"hub": {"database": {"kind": "url", "secret": "other"}}}),
    "hub.resources": ({"requests": {"cpu": 3}}, {}),
    "hub.extraEnv": ([{"name": "A", "value": "b"}], {}),
    "hub.extraVolumes": ([{"name": "more", "emptyDir": {}}], {}),
    "hub.extraVolumeMounts": ([{"name": "tmp", "mountPath": "/more"}], {}),
    "hub.nodeSelector": ({"a": "b"}, {}),
    "hub.tolerations": ([{"key": "a", "operator": "Exists"}], {}),
    "proxy.image": ("quay.io/other/proxy", {"proxy": {"tag": "1"}}),
    "proxy.tag": ("2", {"proxy": {"image": "quay.io/other/proxy", "tag": "1"}}),
    "proxy.serviceType": ("LoadBalancer", {}),
    "proxy.nodePort": (30099, {}),
    "proxy.resources": ({"requests": {"cpu": 3}}, {}),
    "proxy.nodeSelector": ({"a": "b"}, {}),
    "proxy.tolerations": ([{"key": "a", "operator": "Exists"}], {}),
    "signIn.issuer": ("https://id.example.org", {"signIn": {"secret": "oidc"}}),
    "signIn.clientId": ("other", {}),
    "signIn.secret": ("oidc", {"signIn": {"issuer": "https://id.example.org", "secret": "x"}}),
    "signIn.usernameClaim": ("sub", {}),
    "signIn.allowedGroups": (["ml"], {}),
    "signIn.allowedUsers": (["ana@example.org"], {}),
    "signIn.allowAll": (False, {}),
    "signIn.adminGroups": (["ops"], {}),
    "signIn.adminUsers": (["ana@example.org"], {}),
    "dex.image": ("quay.io/other/dex", {}),
    "dex.tag": ("v9", {}),
    "dex.staticUsers": ([release.person("zoe")], {}),
    "dex.connectors": ([{"type": "github", "id": "github", "name": "GitHub"}], {}),
    "dex.connectorSecret": ("connectors", {}),
    "dex.resources": ({"requests": {"cpu": 3}}, {}),
    "workspaces.namespace": ("elsewhere", {}),
    "workspaces.perUser.enabled": (True, {}),
    "workspaces.perUser.prefix": ("lab-", {"workspaces": {"perUser": {"enabled": True}}}),
    "workspaces.perUser.labels": ({"a": "b"}, {"workspaces": {"perUser": {"enabled": True}}}),
    "workspaces.perUser.quota": ({"pods": "2"}, {"workspaces": {"perUser": {"enabled": True}}}),
    "workspaces.perUser.limits": (
        [{"type": "Container"}],
        {"workspaces": {"perUser": {"enabled": True}}},
    ),
    "workspaces.capacity": ("off", {}),
    "workspaces.egress.allow": (["203.0.113.0/24"], {}),
    "workspaces.egress.except": (["10.1.0.0/16"], {}),
    "workspaces.egress.alsoAllow": (["10.2.3.0/24"], {}),
    "workspaces.priorityClass.enabled": (True, {}),
    "workspaces.priorityClass.value": (7, {"workspaces": {"priorityClass": {"enabled": True}}}),
    "workspaces.prePull.enabled": (True, {}),
    "workspaces.prePull.nodeSelector": (
        {"a": "b"},
        {"workspaces": {"prePull": {"enabled": True}}},
    ),
    "workspaces.prePull.tolerations": (
        [{"key": "a", "operator": "Exists"}],
        {"workspaces": {"prePull": {"enabled": True}}},
    ),
    "networkPolicies.enabled": (False, {}),
    "networkPolicies.hubEgress": (["203.0.113.0/24"], {}),
    "networkPolicies.hubEgressExcept": (["203.0.113.7/32"], {}),
    "networkPolicies.entryNamespaces": ({"a": "b"}, {}),
    "entry.ingress.enabled": (True, {}),
    "entry.ingress.className": ("nginx", {"entry": {"ingress": {"enabled": True}}}),
    "entry.ingress.annotations": ({"a": "b"}, {"entry": {"ingress": {"enabled": True}}}),
    "entry.httpRoute.enabled": (True, {"entry": {"httpRoute": {"parentRefs": [{"name": "g"}]}}}),
    "entry.httpRoute.parentRefs": (
        [{"name": "other"}],
        {"entry": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "g"}]}}},
    ),
    "entry.virtualService.enabled": (True, {}),
    "entry.virtualService.gateways": (
        ["istio-system/public"],
        {"entry": {"virtualService": {"enabled": True}}},
    ),
    "entry.virtualService.gatewaySelector": (
        {"istio": "other"},
        {"entry": {"virtualService": {"enabled": True}}},
    ),
    "entry.tls.secret": ("tls", {"entry": {"ingress": {"enabled": True}}}),
    "entry.tls.certManager.enabled": (
        True,
        {"entry": {"tls": {"secret": "tls", "certManager": {"issuer": "le"}}}},
    ),
    "entry.tls.certManager.issuer": (
        "other",
        {"entry": {"tls": {"secret": "tls", "certManager": {"enabled": True, "issuer": "le"}}}},
    ),
    "entry.tls.certManager.kind": (
        "Issuer",
        {"entry": {"tls": {"secret": "tls", "certManager": {"enabled": True, "issuer": "le"}}}},
    ),
    "monitoring.serviceMonitor.enabled": (True, {}),
    "monitoring.serviceMonitor.labels": (
        {"release": "prometheus"},
        {"monitoring": {"serviceMonitor": {"enabled": True}}},
    ),
    "monitoring.serviceMonitor.interval": (
        "9s",
        {"monitoring": {"serviceMonitor": {"enabled": True}}},
    ),
    "test.account": (True, {}),
    "test.patience": (77, {}),
}


def leaves(values: Object, path: Leaf = ()) -> list[str]:
    """The values that values.yaml names: what the chart's reference tells, too."""
    found = []
    for name, value in values.items():
        here = (*path, name)
        if isinstance(value, dict) and value and ".".join(here) not in EXAMPLES:
            found += leaves(value, here)
        else:
            found.append(".".join(here))
    return found


def test_every_value_has_an_example() -> None:
    values = yaml.safe_load((release.CHART / "values.yaml").read_text())
    assert sorted(leaves(values)) == sorted(EXAMPLES)


def placed(path: str, value: Any) -> Object:
    for name in reversed(path.split(".")):
        value = {name: value}
    result: Object = value
    return result


def made(helm: Path, folder: Path, over: Object) -> str:
    """All manifests but the secrets that are made by chance."""
    done = ask(helm, folder, "template", over)
    assert done.returncode == 0, done.stderr
    manifests = [each for each in yaml.safe_load_all(done.stdout) if each]
    for each in manifests:
        if each["kind"] == "Secret" and "data" in each:
            each["data"] = sorted(each["data"])
    return yaml.safe_dump_all(manifests)


@functools.cache
def without(helm: Path, folder: Path, needs: str) -> str:
    return made(helm, folder, yaml.safe_load(needs))


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_value_changes_what_is_made(
    helm: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    value, needs = EXAMPLES[path]
    before = without(helm, tmp_path_factory.getbasetemp(), yaml.safe_dump(needs))
    after = made(helm, tmp_path, merged(needs, placed(path, value)))
    assert after != before
