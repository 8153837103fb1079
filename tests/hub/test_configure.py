import stat
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from studiolo_hub.configure import configure, configure_from_environment
from studiolo_hub.pages import Pages
from studiolo_hub.recent_stops import RecentStops
from studiolo_hub.settings import Registry, Settings
from studiolo_hub.settings_file import SettingsError
from studiolo_spawner.registry_settings import RegistrySettings
from studiolo_spawner.shared_parts import registry_settings
from studiolo_spawner.spawner import WorkspaceSpawner
from traitlets.config import Config

KEY = "ab" * 32
ADDRESS = "https://dex.example.org"


def settings(folder: Path, **sections: Any) -> Settings:
    base: dict[str, Any] = {
        "sign_in": {
            "issuer": ADDRESS,
            "allow_all": True,
            "endpoints": {"authorize": ADDRESS, "token": ADDRESS, "userinfo": ADDRESS},
        },
        "hub": {"state_dir": str(folder / "state")},
    }
    for name, section in sections.items():
        base[name] = {**base.get(name, {}), **section}
    return Settings.model_validate(base)


def configured(folder: Path, **sections: Any) -> Config:
    c = Config()
    configure(c, settings(folder, **sections))
    return c


def test_what_must_never_be_otherwise(tmp_path: Path) -> None:
    c = configured(tmp_path)
    assert c.JupyterHub.cleanup_servers is False
    assert c.JupyterHub.redirect_to_server is False
    assert c.WorkspaceSpawner.delete_pvc is False
    assert c.Spawner.server_token_scopes == [
        "users:activity!user",
        "access:servers!server",
        "read:servers!server",
        "start:servers!server",
        "delete:servers!server",
    ]
    assert "authenticate_prometheus" not in c.JupyterHub


def test_every_trait_of_the_spawner_is_one(tmp_path: Path) -> None:
    c = configured(tmp_path, workspaces={"service_account": "w", "image_pull_secrets": ["s"]})
    known = WorkspaceSpawner.class_traits(config=True).keys()
    assert c.WorkspaceSpawner.keys() - known == set()
    assert c.Spawner.keys() - known == set()


def test_every_trait_of_the_hub_and_proxy_is_one(tmp_path: Path) -> None:
    from jupyterhub.app import JupyterHub
    from jupyterhub.proxy import ConfigurableHTTPProxy

    c = configured(
        tmp_path,
        hub={"public_url": "https://hub.example.org/", "connect_host": "hub"},
    )
    assert c.JupyterHub.keys() - JupyterHub.class_traits(config=True).keys() == set()
    assert (
        c.ConfigurableHTTPProxy.keys() - ConfigurableHTTPProxy.class_traits(config=True).keys()
        == set()
    )


def test_secrets_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first, second = configured(tmp_path), configured(tmp_path)
    assert first.JupyterHub.cookie_secret == second.JupyterHub.cookie_secret
    assert len(first.JupyterHub.cookie_secret) == 32
    assert first.CryptKeeper["keys"] == second.CryptKeeper["keys"]
    assert first.ConfigurableHTTPProxy.auth_token == second.ConfigurableHTTPProxy.auth_token
    made = [path for path in (tmp_path / "state").iterdir() if path.is_file()]
    assert {path.name for path in made} == {"cookie-secret", "crypt-key", "proxy-token"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_secrets_that_are_given_are_not_made(tmp_path: Path) -> None:
    c = configured(
        tmp_path,
        hub={"cookie_secret": KEY, "crypt_key": f"{KEY};{'cd' * 32}"},
        proxy={"auth_token": "t"},
    )
    assert c.JupyterHub.cookie_secret == bytes.fromhex(KEY)
    assert c.CryptKeeper["keys"] == [KEY, "cd" * 32]
    assert list((tmp_path / "state").iterdir()) == []


def test_an_empty_secret_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "cookie-secret").touch()
    with pytest.raises(SettingsError, match="cookie-secret"):
        configured(tmp_path)


@pytest.mark.parametrize(("named", "allowed"), [(0, False), (2, True)])
def test_named_workspaces(tmp_path: Path, named: int, allowed: bool) -> None:
    c = configured(tmp_path, hub={"named_workspaces": named})
    assert c.JupyterHub.allow_named_servers is allowed
    assert c.JupyterHub.named_server_limit_per_user == named


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}


def test_a_namespace_for_each_person(tmp_path: Path) -> None:
    wanted = {"enabled": True, "prefix": "lab-", "labels": {"a": "b"}, "objects": [QUOTA]}
    c = configured(tmp_path, workspaces={"user_namespaces": wanted})
    assert c.WorkspaceSpawner.enable_user_namespaces is True
    assert c.WorkspaceSpawner.user_namespace_template == "lab-{username}"
    assert c.WorkspaceSpawner.user_namespace_labels == {"a": "b"}
    assert c.WorkspaceSpawner.namespace_objects == [QUOTA]
    known = WorkspaceSpawner.class_traits(config=True).keys()
    assert c.WorkspaceSpawner.keys() - known == set()
    assert "enable_user_namespaces" not in configured(tmp_path).WorkspaceSpawner


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"prefix": "much-too-long-a-prefix-"}, "prefix"),
        ({"prefix": "Lab-"}, "prefix"),
        ({"objects": [{"kind": "Pod", "metadata": {"name": "p"}}]}, "number 1: its kind is 'Pod'"),
        ({"objects": [QUOTA, QUOTA]}, "ResourceQuota q twice"),
        ({"qouta": {}}, "qouta"),
    ],
    ids=["long", "upper case", "kind", "twice", "typo"],
)
def test_a_namespace_that_cannot_be_made_is_refused(
    tmp_path: Path, wanted: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        settings(tmp_path, workspaces={"user_namespaces": {"enabled": True, **wanted}})


def test_registries_reach_the_spawner_in_its_own_form(tmp_path: Path) -> None:
    registry = {
        "endpoint": "http://127.0.0.1:5000",
        "insecure": True,
        "username": "u",
        "password": "p",
        "trusted_hosts": ["blobs.example"],
    }
    c = configured(tmp_path, workspaces={"registries": {"r.example": registry}})
    read = registry_settings(c.WorkspaceSpawner.registries)["r.example"]
    assert (read.endpoint, read.insecure, read.allow_private) == (registry["endpoint"], True, False)
    assert (read.username, read.password) == ("u", "p")
    assert read.trusted_hosts == ("blobs.example",)


def test_whatever_can_be_said_of_a_registry_can_be_set() -> None:
    ours = Registry.model_fields.keys() - {"password_file"}
    assert ours == {field.name for field in fields(RegistrySettings)}


def test_the_culler_is_a_service_with_its_role(tmp_path: Path) -> None:
    c = configured(tmp_path, culling={"every": "30s"})
    (service,) = c.JupyterHub.services
    (role,) = c.JupyterHub.load_roles
    assert role["services"] == [service["name"]]
    assert service["environment"]["STUDIOLO_CULL_EVERY"] == "30"
    assert Path(service["command"][-1].removeprefix("--config=")).is_file()
    off = configured(tmp_path, culling={"enabled": False})
    assert off.JupyterHub.services == []
    assert off.JupyterHub.load_roles == []


def test_extra_wins(tmp_path: Path) -> None:
    c = configured(
        tmp_path,
        extra={
            "JupyterHub": {"concurrent_spawn_limit": 7},
            "WorkspaceSpawner": {"catalogue_path": "/other.yaml"},
        },
    )
    assert c.JupyterHub.concurrent_spawn_limit == 7
    assert c.WorkspaceSpawner.catalogue_path == "/other.yaml"


def test_configuration_is_copied_but_what_is_recorded_stays_one(tmp_path: Path) -> None:
    from copy import deepcopy

    c = configured(tmp_path)
    copied = deepcopy(c)
    pages, again = c.JupyterHub.template_vars["studiolo"], copied.JupyterHub.template_vars
    assert isinstance(pages, Pages)
    assert again["studiolo"] is pages
    stops = c.Spawner.post_stop_hook.__self__
    assert isinstance(stops, RecentStops)
    assert copied.Spawner.post_stop_hook.__self__ is stops


def test_a_bad_setting_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIOLO_SETTINGS", raising=False)
    with pytest.raises(SystemExit, match=r"Studiolo does not start\.(?s:.*)STUDIOLO_SETTINGS"):
        configure_from_environment(Config())


def test_extra_variables_of_workspaces_join_ours(tmp_path: Path) -> None:
    field = {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    c = configured(
        tmp_path,
        workspaces={"environment": {"A": "1", "B": "1"}},
        culling={"report_every": "30s"},
        extra={"WorkspaceSpawner": {"environment": {"B": "2", "POD_IP": field}}},
    )
    assert c.WorkspaceSpawner.environment == {
        "A": "1",
        "B": "2",
        "JUPYTERHUB_ACTIVITY_INTERVAL": "30",
        "POD_IP": field,
    }
