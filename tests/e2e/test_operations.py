"""docs/operations.md, as an administrator copies its commands into a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.e2e import release
from tests.e2e.hub import Hub
from tests.e2e.images import REPOSITORY
from tests.e2e.people import browsing, sign_in
from tests.e2e.place import HERE
from tests.e2e.release import Release
from tests.e2e.test_install import secrets_of

pytestmark = pytest.mark.e2e

Person = Callable[[str], str]
DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
IMAGES = "registry.example.org/studiolo"
SECONDS = 400


def commands(heading: str) -> list[str]:
    """The shell commands below a heading, block by block."""
    section = DOCUMENT.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


class Terminal:
    """A folder with the administrator's values and the chart, where commands are typed."""

    def __init__(self, folder: Path, installed: Release) -> None:
        self._folder = folder
        cluster, programs = installed.cluster, folder / "bin"
        programs.mkdir()
        for name in ("kubectl", "helm"):
            (programs / name).symlink_to(cluster.tools.path(name))
        (folder / "helm").symlink_to(release.CHART.parent)
        (folder / "my-values.yaml").write_text(yaml.safe_dump(release.values()))
        own = folder / "kubeconfig"
        own.write_bytes(cluster.kubeconfig.read_bytes())
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "KUBECONFIG": str(own),
        }
        self.type(f"kubectl config set-context --current --namespace {installed.namespace}")

    def type(self, text: str) -> None:
        """Run commands; fails with what they said when one of them does."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text.replace(IMAGES, f"{HERE.pull}/{REPOSITORY}")],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"


@pytest.fixture
def terminal(tmp_path: Path, installed: Release) -> Terminal:
    return Terminal(tmp_path, installed)


def test_a_backup_is_restored(
    terminal: Terminal, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("olga")
    assert hub.start(name, {"image": "minimal", "profile": "cpu"}).ready
    (pod,) = installed.pods_of(name)
    secrets = secrets_of(installed)
    backup, restore = commands("Back up and restore")
    terminal.type(backup)

    hub.add("later")
    patch = json.dumps([{"op": "remove", "path": "/data/cookie-secret"}])
    installed.kubectl("patch", "secret", "studiolo-secrets", "--type=json", "--patch", patch)
    terminal.type(restore)
    installed.wait()

    assert secrets_of(installed) == secrets
    assert hub.ask("GET", "api/users/later@example.org").status == 404
    assert hub.user(name)["servers"][""]["ready"]
    (same,) = installed.pods_of(name)
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]


def test_secrets_are_rotated(
    terminal: Terminal, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("otto")
    assert hub.start(name, {"image": "minimal", "profile": "cpu"}).ready
    before = secrets_of(installed)
    for each in commands("Rotate secrets"):
        terminal.type(each)
        installed.wait()
    after = secrets_of(installed)
    changed = {key for key in before if after[key] != before[key]}
    assert changed == {"proxy-token", "crypt-key"}
    with browsing() as page:
        sign_in(page, "ana")
    # Its route is in the new proxy, too.
    assert hub.user(name)["servers"][""]["ready"]
    assert hub.ask("GET", f"/user/{name}/api/status").status in {200, 403}
