"""A namespace for each person, on a real cluster, and `helm test` in it: a release of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import release
from tests.e2e.cluster import Cluster
from tests.e2e.place import PORT as FIRST_PORT
from tests.e2e.release import Release

pytestmark = pytest.mark.e2e

HERE = "lab"
PORT = 30081
HUB = f"system:serviceaccount:{HERE}:{release.NAME}-hub"
PERSON = "helm-test@studiolo.invalid"
LABELS = {"studiolo.dev/hub": f"{release.NAME}-hub", "studiolo.dev/hub-namespace": HERE}


def values() -> dict[str, Any]:
    """A first day's values, with a namespace and a quota for each person."""
    found = release.values()
    found["url"] = release.URL.replace(str(FIRST_PORT), str(PORT))
    found["proxy"]["nodePort"] = PORT
    found["workspaces"] = {
        **found.get("workspaces", {}),
        "perUser": {
            "enabled": True,
            "labels": {"team": "ml"},
            "quota": {"pods": "1", "requests.storage": "20Gi"},
            "limits": [{"type": "Container", "max": {"memory": "4Gi"}}],
        },
    }
    found["test"] = {"account": True}
    return found


@pytest.fixture(scope="module")
def lab(stocked: Cluster) -> Iterator[Release]:
    found = Release(stocked, HERE)
    found.make_namespace()
    try:
        found.install(values())
    except AssertionError as error:
        raise AssertionError(f"{error}\n{found.everything_that_happened()}") from None
    yield found
    found.helm("uninstall", release.NAME, "--wait")


def test_helm_test_signs_in_and_starts_a_workspace(lab: Release) -> None:
    try:
        told = lab.helm("test", release.NAME, "--logs", "--timeout=4m")
    except AssertionError as error:
        log = lab.kubectl("logs", f"{release.NAME}-test")
        raise AssertionError(f"{error}\n{log}\n{lab.everything_that_happened()}") from None
    for step in (
        "the hub answers",
        "signing in leads to Dex's form",
        f"signed in as {PERSON}",
        "the workspace started",
        "it answers through the proxy",
        "and was stopped",
    ):
        assert re.search(rf"^ok +{re.escape(step)}", told, re.MULTILINE), told


def namespace_of_the_person(lab: Release) -> dict[str, Any]:
    selector = ",".join(f"{name}={value}" for name, value in LABELS.items())
    listed = lab.cluster.kubectl("get", "namespaces", "--selector", selector, "-o", "json")
    (found,) = json.loads(listed)["items"]
    return dict(found["metadata"])


def test_the_namespace_has_all_that_was_asked_for(lab: Release) -> None:
    metadata = namespace_of_the_person(lab)
    assert metadata["annotations"]["hub.jupyter.org/username"] == PERSON
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert metadata["labels"]["team"] == "ml"
    kinds = "rolebinding,resourcequota,limitrange,networkpolicy,pvc"
    listed = lab.cluster.kubectl("--namespace", metadata["name"], "get", kinds, "-o", "json")
    found = {item["kind"]: item for item in json.loads(listed)["items"]}
    assert found["RoleBinding"]["subjects"][0]["namespace"] == HERE
    assert found["ResourceQuota"]["status"]["hard"]["pods"] == "1"
    assert found["LimitRange"]["spec"]["limits"][0]["max"] == {"memory": "4Gi"}
    assert found["NetworkPolicy"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    home = found["PersistentVolumeClaim"]["metadata"]
    assert home["annotations"]["hub.jupyter.org/username"] == PERSON


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace"}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "taken"},
    "subjects": [{"kind": "ServiceAccount", "name": f"{release.NAME}-hub", "namespace": HERE}],
}


def role(name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}


ITS_ROLE = role(f"{HERE}-{release.NAME}-workspaces")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.mark.parametrize(
    ("where", "manifest", "said"),
    [
        pytest.param(
            "kube-system",
            {**BINDING, "roleRef": ITS_ROLE},
            "The hub acts only in namespaces with its labels",
            id="its rights in kube-system",
        ),
        pytest.param(
            HERE,
            {**BINDING, "roleRef": ITS_ROLE},
            "The hub acts only in namespaces with its labels",
            id="its rights in its own namespace",
        ),
        pytest.param(
            "a person's",
            {**BINDING, "roleRef": role("cluster-admin")},
            "is attempting to grant RBAC permissions not currently held",
            id="another role",
        ),
        pytest.param(
            "",
            {**NAMESPACE, "metadata": {"name": "elsewhere", "labels": {**LABELS, **RESTRICTED}}},
            "whose names begin with its prefix",
            id="a namespace of another name",
        ),
        pytest.param(
            "",
            {**NAMESPACE, "metadata": {"name": f"{HERE}-loose", "labels": LABELS}},
            "The hub makes only restricted namespaces",
            id="a namespace that is not restricted",
        ),
        pytest.param(
            "",
            {**NAMESPACE, "metadata": {"name": f"{HERE}-bare"}},
            "The hub acts only in namespaces with its labels",
            id="a namespace without labels",
        ),
    ],
)
def test_a_hub_that_was_taken_over_stays_in_its_namespaces(
    lab: Release, where: str, manifest: dict[str, Any], said: str
) -> None:
    there = namespace_of_the_person(lab)["name"] if where == "a person's" else where
    words = ["--namespace", there] if there else []
    text = json.dumps(manifest)
    with pytest.raises(AssertionError) as refused:
        lab.cluster.kubectl(f"--as={HUB}", *words, "create", "-f", "-", text=text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("verb", "resource", "where", "allowed"),
    [
        ("create", "pods", "kube-system", False),
        ("create", "pods", "a person's", True),
        ("get", "secrets", "kube-system", False),
        ("get", "secrets", "a person's", False),
        ("delete", "namespaces", "", False),
        ("patch", "namespaces", "", False),
    ],
)
def test_what_the_hub_may(
    lab: Release, verb: str, resource: str, where: str, allowed: bool
) -> None:
    there = namespace_of_the_person(lab)["name"] if where == "a person's" else where
    asked = {"verb": verb, "resource": resource, "namespace": there}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": HUB, "resourceAttributes": asked},
    }
    words = ("create", "-f", "-", "-o", "json")
    told = json.loads(lab.cluster.kubectl(*words, text=json.dumps(review)))
    assert told["status"]["allowed"] is allowed


def test_a_test_of_what_is_broken_says_where_to_look(lab: Release) -> None:
    deployment = f"deployment/{release.NAME}-hub"
    lab.kubectl("scale", deployment, "--replicas=0")
    lab.kubectl("rollout", "status", deployment, "--timeout=60s")
    with pytest.raises(AssertionError):
        lab.helm("test", release.NAME, "--timeout=2m")
    told = lab.kubectl("logs", f"{release.NAME}-test")
    lab.kubectl("scale", deployment, "--replicas=1")
    lab.kubectl("rollout", "status", deployment, "--timeout=180s")
    assert told.startswith("BAD   "), told
    assert "Traceback" not in told
    assert "look at" in told.lower()
