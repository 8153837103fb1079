"""Studiolo as an administrator installs it: one release of the chart on the cluster. I/O."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster import Cluster
from tests.e2e.images import REPOSITORY
from tests.e2e.place import HERE, PORT

CHART = Path(__file__).parents[2] / "helm" / "studiolo"
NAME = "studiolo"
NAMESPACE = "studiolo"
URL = HERE.url
GPU = "nvidia.com/gpu"
PASSWORD = "a-password-of-the-tests"
# The password above as htpasswd -B writes it, with the least work that Dex accepts.
HASH = "$2b$10$GCuUKCx3eoF40C4q8HG.IOYq/HvUDgcIe.i.vaNEX6R2n0YEorUg2"

#: Label of the namespace, by which these tests know it again.
OURS = "studiolo.dev/e2e"
#: Labels of every workspace's pod.
WORKSPACES = {"app.kubernetes.io/component": "singleuser-server"}
# What the chart keeps workspaces from by default, and this cluster's own addresses, which are no
# private ones.
PRIVATE = ("169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
NODES = "198.51.100.0/24"
PODS_AND_SERVICES = "198.18.0.0/15"

Object = dict[str, Any]


def person(name: str, *groups: str) -> Object:
    """Someone whom Dex knows."""
    email = f"{name}@example.org"
    return {
        "email": email,
        "username": name,
        "userID": name,
        "hash": HASH,
        "groups": list(groups),
        "emailVerified": True,
    }


def catalogue() -> Object:
    """What can be chosen: one image of ours and bad ones, with and without GPUs."""
    cpu: Object = {"id": "cpu", "display_name": "CPU only", "cpu": 1, "memory": "1Gi"}
    cpu |= {"cpu_guarantee": 0.1, "memory_guarantee": "256Mi"}
    gpu = {**cpu, "id": "gpu", "display_name": "One GPU", "resource": GPU, "count": 1}
    nine = {**gpu, "id": "nine", "display_name": "Nine GPUs", "count": 9}
    minimal = f"{HERE.pull}/{REPOSITORY}/minimal:0.1.0"
    bad = {name: f"{HERE.pull}/{name}:1" for name in ("empty", "crash", "silent", "gone", "lost")}
    return {
        "version": 1,
        "defaults": {"image": "minimal", "profile": "cpu", "start_deadline": "45s"},
        "images": [_image(name, at) for name, at in {"minimal": minimal, **bad}.items()],
        "profiles": [cpu, gpu, nine],
        "quotas": [
            {
                "id": "guests",
                "display_name": "Guests",
                "users": ["gast@example.org"],
                "resources": {GPU: 1},
            }
        ],
    }


def _image(name: str, reference: str) -> Object:
    return {
        "id": name,
        "display_name": name.capitalize(),
        "reference": reference,
        "provides": {"tools": ["jupyterlab"], "python": "3.13"},
        "tasks": ["explore"],
    }


def values() -> Object:
    """The values that a first install needs, and where this cluster's registry is."""
    registry = {
        "endpoint": HERE.check,
        "insecure": True,
        "allow_private": True,
    }
    return {
        "url": URL,
        "images": {"registry": f"{HERE.pull}/{REPOSITORY}"},
        "catalogue": catalogue(),
        "hub": {"settings": {"workspaces": {"registries": {HERE.pull: registry}}}},
        "workspaces": {"egress": {"except": [*PRIVATE, NODES, PODS_AND_SERVICES]}},
        "proxy": {"serviceType": "NodePort", "nodePort": PORT},
        "signIn": {"allowAll": True, "adminGroups": ["admins"]},
        "dex": {
            "image": f"{HERE.pull}/dex",
            "tag": "1",
            "staticUsers": [person("ana"), person("ben"), person("carla", "admins")],
        },
    }


class Release:
    """The installed chart."""

    def __init__(self, cluster: Cluster, namespace: str = NAMESPACE) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def make_namespace(self) -> None:
        """A namespace that admits only what the strictest Pod Security Standard admits.

        Raises AssertionError when somebody else's is there: its release would be replaced.
        """
        known = json.loads(self.cluster.kubectl("get", "namespaces", "-o", "json"))["items"]
        for each in (item["metadata"] for item in known):
            theirs = each["name"] == self.namespace and OURS not in each.get("labels", {})
            assert not theirs, (
                f"The namespace {self.namespace} is not of these tests: give another cluster."
            )
        labels = {
            f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
        }
        labels[OURS] = "true"
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self.namespace, "labels": labels},
        }
        self.cluster.kubectl("apply", "-f", "-", text=json.dumps(body))

    def install(self, wanted: Object) -> str:
        """Install or upgrade, and wait until everything is ready; what Helm said."""
        file = self.cluster.paths / "values.yaml"
        file.write_text(yaml.safe_dump(wanted))
        told = self.helm("upgrade", "--install", NAME, str(CHART), "--values", str(file))
        self.wait(wanted["url"])
        return told

    def wait(self, url: str = URL) -> None:
        """Wait until everything is ready and answers below the URL."""
        for part in ("dex", "hub", "proxy"):
            self.kubectl("rollout", "status", f"deployment/{NAME}-{part}", "--timeout=180s")
        # Ready is what the kubelet sees; whoever enforces policies lets new pods speak a bit later.
        for path in ("/hub/health", "/dex/.well-known/openid-configuration"):
            _wait_for(f"{url}{path}")

    def helm(self, *words: str) -> str:
        """Ask Helm; raises AssertionError with what it said."""
        done = subprocess.run(
            [str(self.cluster.tools.path("helm")), "--namespace", self.namespace, *words],
            env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kubectl(self, *words: str) -> str:
        """Ask kubectl about the release's namespace."""
        return self.cluster.kubectl("--namespace", self.namespace, *words)

    def pods(self, **labels: str) -> list[Object]:
        """Pods with these labels."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        found: list[Object] = json.loads(
            self.kubectl("get", "pods", "-o", "json", f"--selector={selector}")
        )["items"]
        return found

    def pods_of(self, name: str) -> list[Object]:
        """The pods of someone's workspaces, by the name that the hub knows them by."""
        found = self.pods(**WORKSPACES)
        owner = "hub.jupyter.org/username"
        return [pod for pod in found if pod["metadata"]["annotations"].get(owner) == name]

    def apply(self, manifest: Object) -> None:
        """Put something into the release's namespace."""
        text = json.dumps(manifest)
        self.cluster.kubectl("--namespace", self.namespace, "apply", "-f", "-", text=text)

    def everything_that_happened(self) -> str:
        """For a failure: pods, events and the hub's log."""
        words = (
            ("get", "pods", "-o", "wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("logs", f"deployment/{NAME}-dex", "--tail=20"),
            ("logs", f"deployment/{NAME}-hub", "--tail=60"),
        )
        told = []
        for each in words:
            try:
                told.append(self.kubectl(*each))
            except AssertionError as error:
                told.append(str(error))
        return "\n\n".join(told)


def _wait_for(url: str) -> None:
    """Wait until an address answers; raises what it said last when it does not in a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)
