"""Studiolo as an administrator installs it: one release of the chart on the cluster. I/O."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster import SingleNode
from tests.e2e.images import REPOSITORY
from tests.e2e.node_files import NODE_ADDRESS, REGISTRY, REGISTRY_PORT

CHART = Path(__file__).parents[2] / "helm" / "studiolo"
NAME = "studiolo"
NAMESPACE = "studiolo"
PORT = 30080
URL = f"http://{NODE_ADDRESS}:{PORT}"
PASSWORD = "a-password-of-the-tests"
# The password above as htpasswd -B writes it, with the least work that Dex accepts.
HASH = "$2b$10$GCuUKCx3eoF40C4q8HG.IOYq/HvUDgcIe.i.vaNEX6R2n0YEorUg2"

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
    """What can be chosen: one image of ours and one that is none, with and without GPUs."""
    reference = f"{REGISTRY}/{REPOSITORY}/minimal:0.1.0"
    cpu: Object = {"id": "cpu", "display_name": "CPU only", "cpu": 1, "memory": "1Gi"}
    cpu |= {"cpu_guarantee": 0.1, "memory_guarantee": "256Mi"}
    gpu = {**cpu, "id": "gpu", "display_name": "One GPU", "resource": "nvidia.com/gpu", "count": 1}
    minimal: Object = {
        "id": "minimal",
        "display_name": "Minimal",
        "reference": reference,
        "provides": {"tools": ["jupyterlab"], "python": "3.13"},
        "tasks": ["explore"],
    }
    # In the registry, well-formed, and without the program that a workspace is.
    empty = {
        **minimal,
        "id": "empty",
        "display_name": "Empty",
        "reference": f"{REGISTRY}/empty:1",
    }
    return {
        "version": 1,
        "defaults": {"image": "minimal", "profile": "cpu"},
        "images": [minimal, empty],
        "profiles": [cpu, gpu],
    }


def values() -> Object:
    """The values that a first install needs, and where this cluster's registry is."""
    registry = {
        "endpoint": f"http://{NODE_ADDRESS}:{REGISTRY_PORT}",
        "insecure": True,
        "allow_private": True,
    }
    return {
        "url": URL,
        "images": {"registry": f"{REGISTRY}/{REPOSITORY}"},
        "catalogue": catalogue(),
        "hub": {"settings": {"workspaces": {"registries": {REGISTRY: registry}}}},
        "proxy": {"serviceType": "NodePort", "nodePort": PORT},
        "signIn": {"allowAll": True, "adminGroups": ["admins"]},
        "dex": {
            "image": f"{REGISTRY}/dex",
            "tag": "1",
            "staticUsers": [person("ana"), person("ben"), person("carla", "admins")],
        },
    }


class Release:
    """The installed chart."""

    def __init__(self, cluster: SingleNode, namespace: str = NAMESPACE) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def make_namespace(self) -> None:
        """A namespace that admits only what the strictest Pod Security Standard admits."""
        labels = {
            f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
        }
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
        for part in ("dex", "hub", "proxy"):
            self.kubectl("rollout", "status", f"deployment/{NAME}-{part}", "--timeout=180s")
        return told

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
