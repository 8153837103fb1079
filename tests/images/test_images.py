"""The images' recipes: nothing but what locks pin, nobody is root, labels say what is in them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.images.recipes import ROOT, builder, dockerfile, instructions, pins

IMAGES = ROOT / "images"
FOLDERS = ("hub", "proxy", "workspace")
LOCKS = sorted(IMAGES.rglob("*.lock"))
NODE_LOCKS = [*IMAGES.rglob("package-lock.json"), builder.PROXY / "package-lock.json"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_nobody_is_root(folder: str) -> None:
    users = [words for name, words in instructions(folder) if name == "USER"]
    assert users[-1] == "1000:1000", "a number, so that Kubernetes can see that it is not root"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_stage_begins_with_the_pinned_base(folder: str) -> None:
    stages = {
        words.split(" AS ")[1]
        for name, words in instructions(folder)
        if name == "FROM" and " AS " in words
    }
    for name, words in instructions(folder):
        if name == "FROM":
            source = words.split(" AS ")[0]
            assert source == "${BASE_IMAGE}" or source in stages or source == "vscode-${VSCODE}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_installed_that_no_lock_pins(folder: str) -> None:
    for name, words in instructions(folder):
        if name != "RUN":
            continue
        for call in re.findall(r"pip install .*?(?= && |;|$)", words):
            assert "--require-hashes" in call or "--no-index" in call, call
        assert not re.search(r"\bnpm (install|i|add)\b", words), words
        for call in re.findall(r"npm ci[^&)]*", words):
            assert "--ignore-scripts" in call, call
        for call in re.findall(r"apt-get install[^&]*", words):
            assert "--no-install-recommends" in call, call
        assert not re.search(r"\b(curl|wget) ", words.split("apt-get install")[0]), words


@pytest.mark.parametrize("folder", ["hub", "workspace"])
def test_engines_can_ask_whether_it_is_well(folder: str) -> None:
    assert [words for name, words in instructions(folder) if name == "HEALTHCHECK"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_every_package_with_its_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", lock.read_text().strip())
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==\S+ \\\n", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_all_that_was_asked_for(lock: Path) -> None:
    found = pins(lock.read_text())
    asked = lock.with_suffix(".in").read_text().splitlines()
    for line in asked:
        if line and not line.startswith(("#", "-r ")):
            wanted = Requirement(line)
            version = found[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(version), f"{line}: {lock.name} has {version}"


@pytest.mark.parametrize("flavour", ["pytorch", "tensorflow"])
def test_flavours_only_add(flavour: str) -> None:
    base = pins((IMAGES / "workspace" / "minimal.lock").read_text())
    more = pins((IMAGES / "workspace" / f"{flavour}.lock").read_text())
    changed = {
        name: (version, more.get(name))
        for name, version in base.items()
        if more.get(name) != version
    }
    assert changed == {}, "their first layers are the same"


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=lambda path: path.parent.name)
def test_node_packages_are_pinned_with_their_hashes(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    for name, package in packages.items():
        if name and not package.get("inBundle") and not package.get("link"):
            assert package["integrity"].startswith("sha512-"), name


def test_all_that_is_copied_is_in_the_context(tmp_path: Path) -> None:
    for name in ("studiolo-1-py3-none-any.whl", "jupyterlab_studiolo-1-py3-none-any.whl"):
        (tmp_path / name).touch()
    (tmp_path / "requirements.lock").touch()
    for image in builder.images(tmp_path).values():
        there = {path.name for path in image.files}
        there |= {path.name for path in (IMAGES / image.folder).iterdir() if path.is_file()}
        for path in image.files:
            assert path.exists(), path
        for instruction, words in instructions(image.folder):
            if instruction == "COPY" and "--from" not in words:
                for source in words.split()[:-1]:
                    source = source.replace("${FLAVOUR}", image.name)
                    assert any(Path(each).match(source) for each in there), (image.name, source)


@pytest.mark.parametrize(
    ("flavour", "expected"),
    [
        ("minimal", {"tools": "jupyterlab,vscode"}),
        ("pytorch", {"tools": "jupyterlab,tensorboard,vscode", "frameworks": "pytorch="}),
        ("tensorflow", {"tools": "jupyterlab,tensorboard,vscode", "frameworks": "tensorflow="}),
    ],
)
def test_labels_say_what_is_in_an_image(flavour: str, expected: dict[str, str]) -> None:
    lock = (IMAGES / "workspace" / f"{flavour}.lock").read_text()
    labels = builder.provides(lock)
    assert labels["dev.studiolo.contract"] == "1"
    for name, value in expected.items():
        assert labels[f"dev.studiolo.provides.{name}"].startswith(value)
    readme = (IMAGES / "README.md").read_text()
    assert [name for name in labels if f"`{name}`" not in readme] == []
    assert "vscode" not in builder.provides(lock, vscode=False)["dev.studiolo.provides.tools"]


def test_vscode_answers_where_the_contract_says() -> None:
    config = json.loads((IMAGES / "workspace" / "vscode" / "vscode.json").read_text())
    (server,) = config["ServerProxy"]["servers"].items()
    name, how = server
    assert name == "vscode"
    assert how["unix_socket"] is True, "no port that other programs of the machine could reach"
    assert how["command"][0] == "code-server"


def test_the_server_reads_how_vscode_is_started(tmp_path: Path) -> None:
    recipe, folder = dockerfile("workspace"), "/opt/vscode/etc/jupyter"
    assert f"JUPYTER_CONFIG_PATH={folder}" in recipe
    (place,) = re.findall(rf"^COPY vscode\.json {folder}/(\S+)$", recipe, re.MULTILINE)
    config = tmp_path / place
    config.parent.mkdir(exist_ok=True)
    config.write_bytes((IMAGES / "workspace" / "vscode" / "vscode.json").read_bytes())
    told = subprocess.run(
        [sys.executable, "-m", "jupyter_server", "--show-config-json"],
        env={**os.environ, "HOME": str(tmp_path), "JUPYTER_CONFIG_PATH": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    assert "vscode" in json.loads(told.stdout)["ServerProxy"]["servers"]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 1), (None, 1)])
async def test_check_health_says_whether_the_server_answers(status: int | None, code: int) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status or 500)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    if status is None:
        await runner.cleanup()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(IMAGES / "workspace" / "check-health"),
        env={
            "JUPYTERHUB_SERVICE_URL": f"http://0.0.0.0:{port}/user/ana/",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/ana/",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    await runner.cleanup()
    assert process.returncode == code
    assert asked == ([] if status is None else ["/user/ana/api"])
    assert b"Traceback" not in told
