"""Build Studiolo's images and push them: what `make images` runs. I/O: files and a builder.

    python images/build.py --registry registry.example.org/studiolo [hub proxy minimal …]

Each image gets a context of its own below build/images: a Dockerfile, the lock files it names and
our wheels. The base image is pinned by its digest before anything is built, and stands in a label.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryClient

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "images"
PROXY = ROOT / "hub" / "studiolo_local" / "proxy"
CONTEXTS = ROOT / "build" / "images"
UV = ROOT / "build" / "tools" / "bin" / "uv"
BASE = "docker.io/library/debian:trixie-slim"
BUILDERS = ("docker", "podman", "buildah")
FLAVOURS = ("minimal", "pytorch", "tensorflow")
VSCODE_FILES = ("package.json", "package-lock.json", "code-server", "vscode.json")
CERTIFICATES = "SSL_CERT_FILE"
"""Names the authorities of whoever builds; a private one is handed to the builds as a secret."""


class CannotBuild(Exception):  # noqa: N818 - said to whoever builds
    """Why, and what to do."""


@dataclass(frozen=True)
class Image:
    """One image: its folder, what its context holds, its build arguments and labels."""

    name: str
    folder: str
    files: Sequence[Path]
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def version() -> str:
    """The project's version: the images' tag."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: str = tomllib.load(file)["project"]["version"]
        return found


def images(wheels: Path, *, vscode: bool = True) -> dict[str, Image]:
    """All images by their names; the workspaces' with VS Code or without."""
    hub_wheel, panel_wheel = (_only(wheels.glob(f"{name}-*.whl")) for name in _WHEELS)
    found = [
        Image(
            "hub",
            "hub",
            [hub_wheel, wheels / "requirements.lock", ROOT / "hub" / "jupyterhub_config.py"],
        ),
        Image(
            "proxy",
            "proxy",
            [
                IMAGES / "proxy" / "node.lock",
                *(PROXY / name for name in ("package.json", "package-lock.json")),
            ],
        ),
    ]
    for flavour in FLAVOURS:
        lock = IMAGES / "workspace" / f"{flavour}.lock"
        files = {lock, IMAGES / "workspace" / "minimal.lock", IMAGES / "workspace" / "check-health"}
        files |= {IMAGES / "workspace" / "vscode" / name for name in VSCODE_FILES}
        files.add(IMAGES / "proxy" / "node.lock")
        found.append(
            Image(
                flavour,
                "workspace",
                [*sorted(files), panel_wheel],
                {"FLAVOUR": flavour, "VSCODE": "yes" if vscode else "no"},
                provides(lock.read_text(), vscode=vscode),
            )
        )
    return {image.name: image for image in found}


_WHEELS = ("studiolo", "jupyterlab_studiolo")
_FRAMEWORKS = {"torch": "pytorch", "torchvision": "torchvision", "tensorflow": "tensorflow"}


def provides(lock: str, *, vscode: bool = True) -> dict[str, str]:
    """The labels of the image contract, from the versions that a lock file names."""
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", lock, re.MULTILINE))
    tools = ["jupyterlab", *(["tensorboard"] if "tensorboard" in pinned else [])]
    tools += ["vscode"] if vscode else []
    labels = {
        "dev.studiolo.contract": "1",
        "dev.studiolo.jupyterhub": pinned["jupyterhub"],
        "dev.studiolo.provides.tools": ",".join(tools),
        "dev.studiolo.provides.python": "3.13",
    }
    frameworks = [f"{ours}={pinned[name]}" for name, ours in _FRAMEWORKS.items() if name in pinned]
    if frameworks:
        labels["dev.studiolo.provides.frameworks"] = ",".join(frameworks)
    cuda = pinned.get("nvidia-cuda-runtime-cu12")
    if cuda:
        labels["dev.studiolo.provides.cuda"] = ".".join(cuda.split(".")[:2])
    return labels


async def pinned_base(reference: str) -> str:
    """Return the base image with its digest; a tag is asked for at its registry."""
    parsed = parse_reference(reference)
    if parsed.pinned:
        return reference
    client = RegistryClient({})
    try:
        answer = await client.check(parsed)
    finally:
        await client.close()
    if answer.outcome is not Outcome.FOUND or answer.digest is None:
        raise CannotBuild(
            f"The base image {reference} was not found: {answer.detail}. Name another with "
            "BASE_IMAGE=…, pinned with @sha256:… where its registry cannot be asked from here."
        )
    return f"{reference}@{answer.digest}"


def build_wheels(target: Path) -> None:
    """Build our two wheels and list the hub's requirements with their hashes."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for folder in (ROOT, ROOT / "labextension"):
        _run([str(UV), "build", "--quiet", "--wheel", "--out-dir", str(target), str(folder)])
    export = ["export", "--quiet", "--frozen", "--no-dev", "--no-emit-workspace"]
    export += ["--extra", "postgresql"]
    output = str(target / "requirements.lock")
    _run([str(UV), *export, "--package", "studiolo", "--output-file", output])


@dataclass(frozen=True)
class Builder:
    """A program that builds, and options for it."""

    program: str
    options: Sequence[str] = ()

    def run(self, command: str, *words: str) -> None:
        """Have it do something; raises CannotBuild."""
        _run([self.program, command, *self.options, *words])


def build(builder: Builder, image: Image, base: str, tag: str) -> None:
    """Build one image."""
    context = CONTEXTS / image.name
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(
        IMAGES / image.folder, context, ignore=shutil.ignore_patterns("*.in", "*.lock", "vscode")
    )
    for path in image.files:
        shutil.copy(path, context)
    options = [f"--build-arg=BASE_IMAGE={base}", f"--tag={tag}"]
    options += [f"--build-arg={name}={value}" for name, value in image.arguments.items()]
    labels = {**image.labels, "org.opencontainers.image.base.name": base}
    options += [f"--label={name}={value}" for name, value in labels.items()]
    certificates = os.environ.get(CERTIFICATES, "")
    if certificates and Path(certificates).is_file():
        options.append(f"--secret=id=ca,src={certificates}")
    print(f"Building {tag} …", flush=True)
    builder.run("build", *options, str(context))


def _builder(named: str | None) -> str:
    for name in [named] if named else BUILDERS:
        if shutil.which(name):
            return name
    raise CannotBuild(
        f"None of {', '.join(BUILDERS)} is on the PATH: install one of them, or name another "
        "that takes the same words with BUILDER=…"
    )


def _only(found: Iterable[Path]) -> Path:
    (path,) = found
    return path


def _run(command: Sequence[str]) -> None:
    # The words are ours and those of whoever runs this.
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise CannotBuild(f"`{command[0]} {command[1]}` failed with {done.returncode}: see above.")


def main() -> int:
    """Build what is named, or all."""
    parser = argparse.ArgumentParser(description="Build Studiolo's images and push them.")
    parser.add_argument("images", nargs="*", default=["hub", "proxy", *FLAVOURS])
    parser.add_argument("--registry", required=True, help="such as registry.example.org/studiolo")
    parser.add_argument("--base", default=BASE, help=f"Debian 13 or like it; {BASE} by default")
    parser.add_argument("--builder", help=f"one of {', '.join(BUILDERS)}; the first that is there")
    parser.add_argument(
        "--vscode", choices=("yes", "no"), default="yes", help="VS Code in the workspaces' images"
    )
    parser.add_argument("--no-push", action="store_true", help="only build")
    parser.add_argument(
        "--builder-option", action="append", default=[], help="such as --tls-verify=false"
    )
    arguments = parser.parse_args()
    try:
        builder = Builder(_builder(arguments.builder), arguments.builder_option)
        base = asyncio.run(pinned_base(arguments.base))
        wheels = CONTEXTS / "wheels"
        build_wheels(wheels)
        known = images(wheels, vscode=arguments.vscode == "yes")
        unknown = sorted(set(arguments.images) - known.keys())
        if unknown:
            raise CannotBuild(
                f"There is no image {', '.join(unknown)}: there are {', '.join(known)}."
            )
        for name in arguments.images:
            tag = f"{arguments.registry}/{name}:{version()}"
            build(builder, known[name], base, tag)
            if not arguments.no_push:
                builder.run("push", tag)
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
