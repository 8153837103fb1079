"""The programs of a real Kubernetes, built from the Go modules that tools/go.mod pins. I/O.

Built once for each state of go.mod, go.sum and the compiler, and kept outside the repository: the
first time takes as long as compiling Kubernetes does, every other time nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).with_name("tools")
PACKAGES: Mapping[str, str] = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "coredns": "github.com/coredns/coredns",
    "dex": "github.com/dexidp/dex/cmd/dex",
    "helm": "helm.sh/helm/v3/cmd/helm",
}
KUBERNETES = "1.34.4"
"""As tools/go.mod has it; the programs would call themselves v0.0.0 without being told."""
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_VERSION_FLAGS = " ".join(
    f"-X {variable}={value}"
    for variable, value in {
        "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES}",
        "k8s.io/component-base/version.gitMajor": _MAJOR,
        "k8s.io/component-base/version.gitMinor": _MINOR,
        # What Helm takes for the cluster's version where it has no cluster to ask.
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": _MAJOR,
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": _MINOR,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": _MAJOR,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": _MINOR,
    }.items()
)
DEX = "github.com/dexidp/dex"
PAUSE = "pause"
"""Holds a pod's namespaces open; ours, a few lines of Go."""


class ToolMissing(Exception):  # noqa: N818 - said of the machine
    """Something that cannot be built is not on the machine."""


@dataclass(frozen=True)
class Tools:
    """Where the programs are."""

    folder: Path

    def path(self, name: str) -> Path:
        """A program that was built."""
        return self.folder / name


def cache_folder() -> Path:
    """Where programs are kept between runs."""
    given = os.environ.get("STUDIOLO_E2E_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else base / "studiolo-e2e"


def build() -> Tools:
    """Give all programs, built if they are not there; raises ToolMissing or CalledProcessError."""
    go = shutil.which("go")
    if go is None:
        raise ToolMissing("Go is needed to build Kubernetes for these tests: https://go.dev/dl/")
    folder = cache_folder() / _key(go)
    folder.mkdir(parents=True, exist_ok=True)
    for name, package in {**PACKAGES, PAUSE: "./pause"}.items():
        if not (folder / name).exists():
            _build(go, package, folder / name, dex=name == "dex")
    return Tools(folder)


def _build(go: str, package: str, target: Path, *, dex: bool) -> None:
    print(f"Building {target.name} from {package} …", flush=True)
    partial = target.with_suffix(".partial")
    words, linker, environment = ["-trimpath"], f"-s -w {_VERSION_FLAGS}", _environment()
    if dex:
        # SQLite is written in C: linked into the program, which so runs in an empty image.
        environment["CGO_ENABLED"] = "1"
        linker = f"{linker} -linkmode external -extldflags -static"
        words += ["-tags=netgo,osusergo,sqlite_omit_load_extension"]
        words += [f"-modfile={_with_mended_dex(go, target.parent)}"]
    words += [f"-ldflags={linker}", "-o", str(partial), package]
    subprocess.run([go, "build", *words], cwd=SOURCES, env=environment, check=True)
    partial.replace(target)


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}


def _with_mended_dex(go: str, folder: Path) -> Path:
    """Give a go.mod that takes Dex from a copy without the package that cannot be built.

    See dexapi/api.go.txt for why.
    """
    words = [go, "mod", "download", "-json", DEX]
    told = subprocess.run(words, cwd=SOURCES, env=_environment(), check=True, capture_output=True)
    copy = folder / "dex-source"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(json.loads(told.stdout)["Dir"], copy, copy_function=shutil.copyfile)
    package = copy / "server" / "apiserver"
    for directory in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
    shutil.rmtree(package)
    package.mkdir()
    shutil.copyfile(SOURCES / "dexapi" / "api.go.txt", package / "api.go")
    module = folder / "with-dex.mod"
    module.write_text((SOURCES / "go.mod").read_text() + f"\nreplace {DEX} => {copy}\n")
    shutil.copyfile(SOURCES / "go.sum", module.with_suffix(".sum"))
    return module


def _key(go: str) -> str:
    version = subprocess.run([go, "version"], check=True, capture_output=True).stdout
    content = [Path(__file__).read_bytes()]
    content += [path.read_bytes() for path in sorted(SOURCES.rglob("go.*"))]
    content += [path.read_bytes() for path in sorted(SOURCES.rglob("*.go*"))]
    return hashlib.sha256(b"\0".join([version, *content])).hexdigest()[:16]
