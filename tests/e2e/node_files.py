"""The configuration files of a single node, as text. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NODE_NAME = "node-1"
#: Set aside for documentation (RFC 5737): nobody outside this machine has it.
NODE_ADDRESS = "198.51.100.1"
INTERFACE = "studiolo-e2e"
#: Pods and services have addresses for benchmarks (RFC 2544), which no other network routes either.
POD_NETWORK = "198.18.0.0/16"
POD_SUBNET = "198.18.0.0/24"
SERVICE_NETWORK = "198.19.0.0/16"
API_SERVICE = "198.19.0.1"
API_PORT = 6443
REGISTRY = "registry.e2e.test"
REGISTRY_PORT = 5000
PAUSE_IMAGE = f"{REGISTRY}/pause:1"
DOMAIN = "cluster.local"
#: Not in the cluster's folder: a socket's path may have 107 characters.
CONTAINERD_SOCKET = Path("/run/studiolo-e2e/containerd.sock")


@dataclass(frozen=True)
class Paths:
    """Where everything of a node is."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def kubeconfig(server: str, authority: Path, certificate: Path, key: Path) -> str:
    """A client of the API server."""
    return _yaml(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "e2e",
                    "cluster": {"server": server, "certificate-authority": str(authority)},
                }
            ],
            "users": [
                {
                    "name": "client",
                    "user": {"client-certificate": str(certificate), "client-key": str(key)},
                }
            ],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "client"}}],
            "current-context": "e2e",
        }
    )


def containerd(paths: Paths) -> str:
    """Configuration of containerd 1.6.

    A machine without CAP_SYS_RESOURCE may not lower what the kernel kills first, hence
    `restrict_oom_score_adj`.
    """
    return f"""\
version = 2
root = "{paths / "containerd/root"}"
state = "{paths / "containerd/state"}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{paths / "cni"}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{paths / "registries"}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def registry_hosts() -> str:
    """Where containerd finds the registry of the tests."""
    return f"""\
server = "http://{NODE_ADDRESS}:{REGISTRY_PORT}"

[host."http://{NODE_ADDRESS}:{REGISTRY_PORT}"]
  capabilities = ["pull", "resolve"]
"""


def pod_network(paths: Paths) -> str:
    """Each pod hangs on a cable of its own: what it sends is routed, and so can be filtered."""
    return json.dumps(
        {
            "cniVersion": "1.0.0",
            "name": "studiolo-e2e",
            "plugins": [
                {
                    "type": "ptp",
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(paths / "addresses"),
                        "ranges": [[{"subnet": POD_SUBNET}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
        indent=2,
    )


def kubelet(paths: Paths, authority: Path) -> str:
    """The kubelet's configuration."""
    return _yaml(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority)},
            },
            "authorization": {"mode": "Webhook"},
            "clusterDNS": [NODE_ADDRESS],
            "clusterDomain": DOMAIN,
            "resolvConf": str(paths / "resolv.conf"),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "cgroupDriver": "cgroupfs",
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "healthzBindAddress": "127.0.0.1",
            # Chains of its own that nothing here needs and that it would leave behind.
            "makeIPTablesUtilChains": False,
            "readOnlyPort": 0,
            "syncFrequency": "10s",
            "nodeStatusUpdateFrequency": "5s",
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "100Mi"},
        }
    )


def corefile(kubeconfig_path: Path) -> str:
    """Names of the cluster, and of nothing else: no question leaves the machine."""
    return f"""\
.:53 {{
    bind {NODE_ADDRESS}
    errors
    kubernetes {DOMAIN} in-addr.arpa {{
        kubeconfig {kubeconfig_path}
        ttl 5
    }}
    hosts {{
        {NODE_ADDRESS} {REGISTRY}
        ttl 5
        fallthrough
    }}
}}
"""


def kube_proxy(kubeconfig_path: Path) -> str:
    """Services by iptables."""
    return _yaml(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(kubeconfig_path)},
            "clusterCIDR": POD_NETWORK,
            "mode": "iptables",
            "bindAddress": NODE_ADDRESS,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            # The kernel's limits are the machine's business.
            "conntrack": {"maxPerCore": 0, "min": 0},
        }
    )


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False)
