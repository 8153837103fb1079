"""The programs of a real Kubernetes, built from the Go modules that tools/ pins. I/O.

Each is built once for what it is made of (its module's pins, its own files, the compiler and the
flags) and kept outside the repository: the first time takes as long as compiling Kubernetes does,
every other time nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).with_name("tools")


@dataclass(frozen=True)
class Program:
    """A package, the folder of the module that pins it, and what more it is made of."""

    package: str
    module: Path = SOURCES
    files: Sequence[Path] = ()
    flags: Sequence[str] = ()
    linker: str = ""
    cgo: bool = False


PAUSE = "pause"
"""Holds a pod's namespaces open; ours, a few lines of Go."""
POLICIES = "kube-router"
"""Enforces network policies; its module wants another Kubernetes than the cluster's."""
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
PROGRAMS: Mapping[str, Program] = {
    "etcd": Program("go.etcd.io/etcd/server/v3"),
    "kube-apiserver": Program("k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": Program("k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kube-scheduler": Program("k8s.io/kubernetes/cmd/kube-scheduler"),
    "kubelet": Program("k8s.io/kubernetes/cmd/kubelet"),
    "kube-proxy": Program("k8s.io/kubernetes/cmd/kube-proxy"),
    "kubectl": Program("k8s.io/kubernetes/cmd/kubectl"),
    "coredns": Program("github.com/coredns/coredns"),
    "helm": Program("helm.sh/helm/v3/cmd/helm"),
    # SQLite is written in C: linked into the program, which so runs in an empty image.
    "dex": Program(
        f"{DEX}/cmd/dex",
        files=[SOURCES / "dexapi" / "api.go.txt"],
        flags=["-tags=netgo,osusergo,sqlite_omit_load_extension"],
        linker="-linkmode external -extldflags -static",
        cgo=True,
    ),
    PAUSE: Program("./pause", files=[SOURCES / "pause" / "main.go"]),
    POLICIES: Program(
        "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router", SOURCES / "policies"
    ),
}


class ToolMissing(Exception):  # noqa: N818 - said of the machine
    """Something that cannot be built is not on the machine."""


@dataclass(frozen=True)
class Tools:
    """Where the programs are."""

    paths: Mapping[str, Path]

    def path(self, name: str) -> Path:
        """A program that was built."""
        return self.paths[name]


def cache_folder() -> Path:
    """Where programs are kept between runs."""
    given = os.environ.get("STUDIOLO_E2E_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else base / "studiolo-e2e"


def build(*names: str) -> Tools:
    """Give these programs or all, built if they are not there.

    Raises ToolMissing or CalledProcessError.
    """
    go = shutil.which("go")
    if go is None:
        raise ToolMissing("Go is needed to build Kubernetes for these tests: https://go.dev/dl/")
    version = subprocess.run([go, "version"], check=True, capture_output=True).stdout
    paths = {}
    for name in names or PROGRAMS:
        program = PROGRAMS[name]
        paths[name] = cache_folder() / f"{name}-{_key(version, program)}" / name
        if not paths[name].exists():
            _build(go, program, paths[name])
    return Tools(paths)


def _build(go: str, program: Program, target: Path) -> None:
    print(f"Building {target.name} from {program.package} …", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    words = ["-trimpath", *program.flags]
    if program.package.startswith(DEX):
        words.append(f"-modfile={_with_mended_dex(go, target.parent)}")
    words += [f"-ldflags={_linker(program)}", "-o", str(partial), program.package]
    environment = {**_environment(), "CGO_ENABLED": str(int(program.cgo))}
    subprocess.run([go, "build", *words], cwd=program.module, env=environment, check=True)
    partial.replace(target)


def _linker(program: Program) -> str:
    return f"-s -w {_VERSION_FLAGS} {program.linker}".strip()


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


def _key(version: bytes, program: Program) -> str:
    """What a program is made of, in 16 characters."""
    files = [program.module / "go.mod", program.module / "go.sum", *program.files]
    said = [program.package, *program.flags, _linker(program), str(program.cgo)]
    content = [version, *(path.read_bytes() for path in files), *(word.encode() for word in said)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:16]
