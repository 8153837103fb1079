"""A real Kubernetes with a single node on this machine, for as long as the tests run. I/O.

Needs root, containerd, runc and the CNI plugins (Debian's packages) and the programs that tools.py
builds. Everything listens on the loopback address or on an interface that is made for it and
removed with it; all processes end with this one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e import machine, node_files, outside, registry
from tests.e2e.api import Api
from tests.e2e.authority import Authority, Certificate, new_key
from tests.e2e.commands import attempt
from tests.e2e.node_files import (
    API_PORT,
    API_SERVICE,
    CONTAINERD_SOCKET,
    NODE_ADDRESS,
    NODE_NAME,
    SERVICE_NETWORK,
    Paths,
)
from tests.e2e.processes import Processes
from tests.e2e.storage import Provisioner
from tests.e2e.tools import PAUSE, POLICIES, Tools

SERVER = f"https://{NODE_ADDRESS}:{API_PORT}"
ADMINISTRATORS = "system:masters"


class Cluster:
    """A cluster, known by its kubeconfig, and the programs to ask it with."""

    def __init__(self, folder: Path, tools: Tools, kubeconfig: Path) -> None:
        self.paths = Paths(folder)
        self.tools = tools
        self.kubeconfig = kubeconfig

    def kubectl(self, *words: str, text: str | None = None) -> str:
        """Ask as the administrator; raises AssertionError with what kubectl said."""
        done = subprocess.run(
            [str(self.tools.path("kubectl")), *words],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout


class SingleNode(Cluster):
    """A cluster of our own on this machine; use `running`."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        super().__init__(folder, tools, folder / "kubeconfig")
        self.processes = Processes(folder / "logs")
        self.authority = Authority(folder / "certificates")
        mine = self._write_kubeconfig(self.kubeconfig, "administrator", ADMINISTRATORS)
        self.api = Api(SERVER, str(self.authority.certificate), mine)
        self.storage = Provisioner(self.api, folder / "volumes")
        self.api_starts: list[float] = []
        """When the API server was ready, each time, in seconds since 1970."""

    # -- the parts, in the order in which they need each other -----------------------------------

    def start_control_plane(self) -> None:
        """Start etcd, the API server, the controllers and the scheduler."""
        self._start_etcd()
        self.start_api_server()
        for name in ("kube-controller-manager", "kube-scheduler"):
            self._write_kubeconfig(self.paths / f"{name}.kubeconfig", f"system:{name}")
        self._start_controllers()
        self._start_scheduler()

    def start_api_server(self) -> None:
        """Start the API server, also once more after it was stopped."""
        at = self.authority.certificate.parent
        if not (at / "accounts.key").exists():
            new_key(at / "accounts.key")
            names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
            self.authority.issue(
                "api", "kube-apiserver", names=[*names, NODE_ADDRESS, API_SERVICE, "127.0.0.1"]
            )
            self.authority.issue("api-to-kubelet", "kube-apiserver", [ADMINISTRATORS])
        self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--bind-address={NODE_ADDRESS}",
            f"--advertise-address={NODE_ADDRESS}",
            f"--secure-port={API_PORT}",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--client-ca-file={self.authority.certificate}",
            f"--tls-cert-file={at / 'api.crt'}",
            f"--tls-private-key-file={at / 'api.key'}",
            f"--kubelet-client-certificate={at / 'api-to-kubelet.crt'}",
            f"--kubelet-client-key={at / 'api-to-kubelet.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at / 'accounts.key'}",
            f"--service-account-signing-key-file={at / 'accounts.key'}",
            f"--audit-log-path={self.paths / 'logs/audit.log'}",
            f"--audit-policy-file={self._audit_policy()}",
            "--allow-privileged=true",
            "--profiling=false",
        )
        self.processes.until("kube-apiserver", self.api.answers)
        self.api_starts.append(time.time())

    def stop_api_server(self) -> None:
        """Take the API server away; everything else goes on."""
        self.processes.stop("kube-apiserver", signal.SIGKILL)

    def pid_of(self, container: str) -> int:
        """The first process of a container, by its id as a pod's status has it."""
        wanted = container.removeprefix("containerd://")
        for line in (self._ctr("task", "ls") or "").splitlines():
            task, pid, _ = line.split(maxsplit=2)
            if task == wanted:
                return int(pid)
        raise AssertionError(f"no process of {container}")

    def start_node(self) -> None:
        """Start containerd, the kubelet and what makes the network; wait for Ready."""
        outside.start(self.processes)
        self._start_containerd()
        registry.start(self.processes, self.paths.folder)
        registry.push("pause", "1", registry.program_image(self.tools.path(PAUSE)))
        self._start_kubelet()
        self._start_kube_proxy()
        self._start_names()
        self.storage.start()
        self._wait_for_the_node()
        self._start_policies()
        self.kubectl("wait", "serviceaccount/default", "--for=create", "--timeout=60s")

    def _wait_for_the_node(self) -> None:
        self.processes.until("kubelet", lambda: NODE_NAME in self.kubectl("get", "nodes"))
        self.kubectl("wait", f"node/{NODE_NAME}", "--for=condition=Ready", "--timeout=90s")

    def offer(self, resource: str, count: int) -> None:
        """Have the node say that it has so many of an extended resource."""
        # https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
        path = resource.replace("/", "~1")
        change = {"op": "add", "path": f"/status/capacity/{path}", "value": str(count)}
        self.api.patch_status(f"/api/v1/nodes/{NODE_NAME}", [change])

    def stop(self) -> None:
        """End everything: pods first, then what kept them."""
        self.storage.stop()
        if "kubelet" in self.processes:
            self.processes.stop("kubelet")
        if "containerd" in self.processes:
            self._remove_containers()
        self.processes.stop_all()

    # -- etcd and control plane ------------------------------------------------------------------

    def _start_etcd(self) -> None:
        self._etcd_port, peer = _free_port(), _free_port()
        self._run(
            "etcd",
            f"--data-dir={self.paths / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{self._etcd_port}",
            f"--advertise-client-urls=http://127.0.0.1:{self._etcd_port}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",  # it need not survive the machine
        )
        url = f"http://127.0.0.1:{self._etcd_port}/health"
        self.processes.until("etcd", lambda: b'"true"' in _get(url))

    def _start_controllers(self) -> None:
        at = self.authority.certificate.parent
        self._run(
            "kube-controller-manager",
            f"--kubeconfig={self.paths / 'kube-controller-manager.kubeconfig'}",
            f"--root-ca-file={self.authority.certificate}",
            f"--service-account-private-key-file={at / 'accounts.key'}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={_free_port()}",
        )

    def _start_scheduler(self) -> None:
        self._run(
            "kube-scheduler",
            f"--kubeconfig={self.paths / 'kube-scheduler.kubeconfig'}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={_free_port()}",
        )

    def _audit_policy(self) -> Path:
        """Keep who asked for what: the granted rights are compared with it."""
        path = self.paths / "audit-policy.yaml"
        path.write_text(
            "apiVersion: audit.k8s.io/v1\n"
            "kind: Policy\n"
            "omitStages: [RequestReceived]\n"
            "rules:\n"
            "- level: Metadata\n"
            '  userGroups: ["system:serviceaccounts:studiolo"]\n'
            "- level: None\n"
        )
        return path

    # -- the node --------------------------------------------------------------------------------

    def _start_containerd(self) -> None:
        socket_path = CONTAINERD_SOCKET
        socket_path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        hosts = self.paths / f"registries/{node_files.REGISTRY}/hosts.toml"
        hosts.parent.mkdir(parents=True)
        hosts.write_text(node_files.registry_hosts())
        (self.paths / "cni").mkdir()
        (self.paths / "cni/10-studiolo.conflist").write_text(node_files.pod_network(self.paths))
        config = self.paths / "containerd.toml"
        config.write_text(node_files.containerd(self.paths))
        self.processes.start("containerd", ["containerd", "--config", config])
        self.processes.until("containerd", lambda: self._ctr("version") is not None)

    def _start_kubelet(self) -> None:
        (self.paths / "resolv.conf").write_text("")
        config = self.paths / "kubelet.yaml"
        config.write_text(node_files.kubelet(self.paths, self.authority.certificate))
        path = self.paths / "kubelet.kubeconfig"
        self._write_kubeconfig(path, f"system:node:{NODE_NAME}", "system:nodes")
        self._run(
            "kubelet",
            f"--config={config}",
            f"--kubeconfig={path}",
            f"--root-dir={self.paths / 'kubelet'}",
            f"--cert-dir={self.paths / 'kubelet-certificates'}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE_ADDRESS}",
        )

    def _start_kube_proxy(self) -> None:
        path = self.paths / "kube-proxy.kubeconfig"
        self._write_kubeconfig(path, "system:kube-proxy")
        config = self.paths / "kube-proxy.yaml"
        config.write_text(node_files.kube_proxy(path))
        self._run("kube-proxy", f"--config={config}", f"--hostname-override={NODE_NAME}")

    def _start_policies(self) -> None:
        """Start what enforces network policies; each packet of a pod goes through its chains."""
        path = self.paths / "kube-router.kubeconfig"
        self._write_kubeconfig(path, POLICIES, ADMINISTRATORS)
        self._run(
            POLICIES,
            f"--kubeconfig={path}",
            f"--hostname-override={NODE_NAME}",
            "--run-firewall=true",
            "--run-router=false",
            "--run-service-proxy=false",
            "--enable-cni=false",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--health-port=0",
            "--v=1",
        )
        chain = ("iptables", "-w", "-S", "KUBE-ROUTER-FORWARD")
        self.processes.until(POLICIES, lambda: "-N" in attempt(*chain))

    def _start_names(self) -> None:
        path = self.paths / "coredns.kubeconfig"
        self._write_kubeconfig(path, "coredns", ADMINISTRATORS)
        corefile = self.paths / "Corefile"
        corefile.write_text(node_files.corefile(path))
        self._run("coredns", "-conf", str(corefile))

    def _remove_containers(self) -> None:
        """End what still runs in pods, and let go of what is mounted for them."""
        for task in (self._ctr("task", "ls", "-q") or "").split():
            self._ctr("task", "kill", "--signal", "KILL", task)
            self._ctr("task", "delete", "--force", task)
        for container in (self._ctr("container", "ls", "-q") or "").split():
            self._ctr("container", "delete", container)

    def _ctr(self, *words: str) -> str | None:
        """Ask containerd; None when it refuses."""
        done = subprocess.run(
            ["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None

    # -- small things ----------------------------------------------------------------------------

    def _run(self, name: str, *arguments: str) -> None:
        self.processes.start(name, [self.tools.path(name), *arguments])

    def _write_kubeconfig(self, path: Path, name: str, *groups: str) -> Certificate:
        issued = self.authority.issue(path.stem, name, groups)
        text = node_files.kubeconfig(
            SERVER, self.authority.certificate, issued.certificate, issued.key
        )
        path.touch(mode=0o600)
        path.write_text(text)
        return issued


@contextmanager
def running(folder: Path, tools: Tools) -> Iterator[SingleNode]:
    """A cluster until the block ends."""
    with machine.prepared(folder):
        cluster = SingleNode(folder, tools)
        try:
            cluster.start_control_plane()
            cluster.start_node()
            yield cluster
        finally:
            cluster.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=2) as answer:
        content: bytes = answer.read()
        return content
