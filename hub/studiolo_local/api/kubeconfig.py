"""The file that tells kubectl, KubeSpawner and any other client how to reach the API. Pure."""

from __future__ import annotations

import base64

import yaml

_NAME = "studiolo-local"


def kubeconfig(url: str, authority: str, token: str, *, namespace: str = "default") -> str:
    """Return the text of a kubeconfig; it holds the token, so write it with mode 0600."""
    cluster = {
        "server": url,
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
    }
    context = {"cluster": _NAME, "user": _NAME, "namespace": namespace}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": {"token": token}}],
        "contexts": [{"name": _NAME, "context": context}],
        "current-context": _NAME,
    }
    return yaml.safe_dump(content, sort_keys=False)
