"""The demo's parts that need no cluster: its folder, ports, settings, words and command line."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from studiolo_hub.settings_file import parse_settings
from studiolo_local import cluster
from studiolo_local.cli import main
from studiolo_local.demo import hub_settings
from studiolo_local.demo.folder import DemoFolder, FolderInUseError
from studiolo_local.demo.hub_settings import Addresses, settings_text
from studiolo_local.demo.parts import parts
from studiolo_local.demo.words import progress, summary
from studiolo_local.ports import NoFreePortError, any_free, first_free, remembered
from studiolo_local.private_files import read_or_make, write_private
from studiolo_local.signin.provider import SigninSettings
from studiolo_local.signin.users import parse_users

AT = Addresses(
    public_port=8000,
    hub_port=8001,
    proxy_api_port=8002,
    signin_port=8003,
    registry_port=8005,
)


@pytest.fixture
def folder(tmp_path: Path) -> DemoFolder:
    folder = DemoFolder(tmp_path / "demo")
    folder.make()
    return folder


def test_what_a_person_edits_is_copied_once_and_never_overwritten(folder: DemoFolder) -> None:
    assert parse_users(folder.users.read_text())
    folder.users.write_text("mine")
    folder.catalogue.write_text("mine too")
    folder.make()
    assert folder.users.read_text() == "mine"
    assert folder.catalogue.read_text() == "mine too"


def test_the_folder_and_its_secrets_are_the_owners_alone(folder: DemoFolder) -> None:
    secret = folder.secret("client-secret")
    assert folder.secret("client-secret") == secret
    assert folder.secret("proxy-token") != secret
    assert folder.root.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o777 for path in folder.keys.iterdir()} == {0o600}


def test_a_second_demo_is_kept_out_and_told_where_the_first_answers(folder: DemoFolder) -> None:
    lock = folder.lock()
    with pytest.raises(FolderInUseError, match="still starting"):
        folder.lock()
    lock.describe("http://127.0.0.1:8000")
    with pytest.raises(FolderInUseError, match=r"http://127\.0\.0\.1:8000") as refused:
        folder.lock()
    assert str(folder.root) in str(refused.value)
    lock.release()
    folder.lock().release()


def test_the_lock_goes_with_the_process_that_held_it(folder: DemoFolder) -> None:
    script = (
        "import os, sys, pathlib; from studiolo_local.demo.folder import DemoFolder;"
        "lock = DemoFolder(pathlib.Path(sys.argv[1])).lock(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder.root)], check=False)
    folder.lock().release()


def test_a_private_file_is_never_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_private(path, "one")
    path.chmod(0o644)
    assert read_or_make(path, lambda: "two") == "one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert taken < first_free(taken) <= taken + 100
        with pytest.raises(NoFreePortError, match=str(taken)):
            first_free(taken, tries=1)
    free = any_free()
    assert first_free(free, taken={free}) > free


def test_no_port_is_chosen_that_the_system_gives_to_others() -> None:
    assert all(1024 < any_free() < 32_768 for _ in range(50))


def test_ports_are_remembered_while_they_are_free(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = remembered(file, ["hub", "api"])
    assert remembered(file, ["hub", "api"]) == first
    assert remembered(file, ["hub", "api"], taken={first["hub"]})["hub"] != first["hub"]
    assert len(set(remembered(file, ["hub", "api", "registry"]).values())) == 3


@pytest.mark.parametrize("text", ["", "[]", "no", json.dumps({"hub": "x", "api": 99999999})])
def test_a_spoilt_memory_of_ports_is_forgotten(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(text)
    assert set(remembered(file, ["hub", "api"])) == {"hub", "api"}


def test_hub_and_cluster_mean_the_same_namespace() -> None:
    assert hub_settings.NAMESPACE == cluster.NAMESPACE


@pytest.mark.parametrize("as_root", [False, True])
def test_the_hub_accepts_its_settings(folder: DemoFolder, as_root: bool) -> None:
    text = settings_text(folder, AT, as_root=as_root)
    secrets = {"STUDIOLO_CLIENT_SECRET": "c", "STUDIOLO_PROXY_TOKEN": "p"}
    settings = parse_settings(text, secrets, source="settings.yaml")
    assert settings.workspaces.args[0] == "--ip=$(POD_IP)"
    assert ("--allow-root" in settings.workspaces.args) == as_root
    assert settings.workspaces.registries["registry.studiolo.test"].endpoint == AT.registry
    assert settings.sign_in.issuer == "http://127.0.0.1:8003"
    assert settings.proxy.external
    assert settings.hub.listen_ip == "127.0.0.1"


async def test_no_secret_stands_in_arguments_or_in_the_settings_file(folder: DemoFolder) -> None:
    async with aiohttp.ClientSession() as session:
        every = [part for stage in parts(folder, AT, session, None) for part in stage]
    secrets = [folder.secret(name) for name in ("client-secret", "proxy-token")]
    words = " ".join(word for part in every for word in part.command)
    assert [part.name for part in every] == ["cluster", "sign-in", "proxy", "hub"]
    assert [secret for secret in secrets if secret in words + folder.settings.read_text()] == []

    signin = SigninSettings.model_validate_json((folder.keys / "signin.json").read_bytes())
    assert signin.client_secret.get_secret_value() == secrets[0]
    assert "http://127.0.0.1:8000/hub/oauth_callback" in signin.redirect_uris
    assert secrets[0] not in repr(signin)


async def test_every_part_listens_on_the_loopback_address_alone(folder: DemoFolder) -> None:
    async with aiohttp.ClientSession() as session:
        proxy = parts(folder, AT, session, None)[0][2]
    assert {"--ip=127.0.0.1", "--api-ip=127.0.0.1"} <= set(proxy.command)


async def test_a_part_gets_only_what_it_needs_of_the_callers_environment(
    folder: DemoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of another hub")
    monkeypatch.setenv("HOME", "/home/me")
    async with aiohttp.ClientSession() as session:
        hub = parts(folder, AT, session, None)[1][0]
    assert hub.environment["HOME"] == "/home/me"
    assert {"PYTHONPATH", "JUPYTERHUB_API_TOKEN"}.isdisjoint(hub.environment)
    assert hub.environment["KUBECONFIG"] == str(folder.kubeconfig)


def test_the_words_at_the_end_say_where_and_as_whom(folder: DemoFolder) -> None:
    users = parse_users(
        "version: 1\nusers:\n"
        "  - {name: ana, full_name: Ana, email: a@b, groups: [research, gpu], about: Tries it}\n"
        "  - {name: benedict, full_name: Ben, email: b@b}"
    )
    words = summary(
        "http://127.0.0.1:8000",
        folder,
        users,
        kubectl=folder.root.parent / ".venv/bin/kubectl",
        here=folder.root.parent,
    )
    assert "Studiolo is ready: http://127.0.0.1:8000\n" in words
    assert "    ana       research, gpu  Tries it\n" in words
    assert "    benedict\n" in words
    assert "KUBECONFIG=demo/cluster/kubeconfig .venv/bin/kubectl -n studiolo get pods" in words
    assert "not for production" in words
    assert "Another team" not in words


def test_another_team_on_the_gpus_is_said_to_be_simulated(folder: DemoFolder) -> None:
    crowded = DemoFolder(folder.root, neighbours=True)
    words = summary("http://x", crowded, (), kubectl=folder.root, here=folder.root.parent)
    assert "Another team's pods, simulated too, hold some of the simulated GPUs" in words


def test_progress_lines_carry_the_time() -> None:
    assert progress(3.14159, "The hub answers") == "   3.1 s  The hub answers"


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "8e3"])
def test_a_port_that_is_none_is_refused_in_words(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["demo", "--port", port])
    assert left.value.code == 2
    assert "port" in capsys.readouterr().err
