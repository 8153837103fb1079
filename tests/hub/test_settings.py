import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.fields import FieldInfo
from studiolo_hub.settings import Settings
from studiolo_hub.settings_fields import is_loopback
from studiolo_hub.settings_file import SettingsError, load_settings, parse_settings
from studiolo_hub.settings_reference import sections, settings_reference

MINIMAL = {"sign_in": {"issuer": "https://dex.example.org", "allowed_groups": ["ml"]}}


def parsed(raw: dict[str, Any] | str, **environ: str) -> Settings:
    text = raw if isinstance(raw, str) else yaml.safe_dump(raw)
    return parse_settings(text, environ, source="settings.yaml")


def problems(raw: dict[str, Any] | str, **environ: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        parsed(raw, **environ)
    return {problem.path: problem.message for problem in error.value.problems}


def with_sign_in(**changes: Any) -> dict[str, Any]:
    return {"sign_in": {**MINIMAL["sign_in"], **changes}}


def test_a_minimal_file_is_enough() -> None:
    settings = parsed(MINIMAL)
    assert settings.sign_in.username_claim == "email"
    assert settings.sign_in.require_verified_email
    assert settings.sign_in.refresh_every == timedelta(minutes=5)
    assert settings.brand.name == "Studiolo"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parsed(MINIMAL).brand.name = "other"  # type: ignore[misc]


def test_every_problem_at_once_each_with_its_path() -> None:
    found = problems(
        {
            "brand": {"nmae": "Lab", "name": ""},
            "sign_in": {"issuer": "dex.example.org", "allow_all": True, "refresh_every": "soon"},
            "hub": {"port": 99999},
            "workspaces": {"namespace": "Not A Name", "registries": {"r.example": {"user": "x"}}},
            "culler": {},
        }
    )
    assert found.keys() == {
        "brand.nmae",
        "brand.name",
        "sign_in.issuer",
        "sign_in.refresh_every",
        "hub.port",
        "workspaces.namespace",
        "workspaces.registries.r.example.user",
        "culler",
    }
    assert "duration" in found["sign_in.refresh_every"]
    assert found["brand.nmae"] == "is not a setting"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"allowed_groups": []}, "nobody is allowed in", id="no-allow-rule"),
        pytest.param(
            {"allowed_groups": [], "admin_groups": ["ops"]},
            "nobody is allowed in",
            id="administrators-alone-are-no-allow-rule",
        ),
        pytest.param({"issuer": "http://dex.example.org"}, "no TLS", id="issuer-without-tls"),
        pytest.param({"issuer": "ftp://dex"}, "not a web address", id="issuer-not-http"),
        pytest.param({"issuer": "https://u:p@dex"}, "password", id="issuer-with-password"),
        pytest.param({"admin_users": ["ana"]}, "can never be a user name", id="admin-no-address"),
        pytest.param({"groups_claim": ""}, "at least 1", id="empty-claim"),
        pytest.param({"allowed_groups": "ml"}, "valid", id="groups-no-list"),
    ],
)
def test_refused_sign_in(changes: dict[str, Any], words: str) -> None:
    assert words in " ".join(problems(with_sign_in(**changes)).values())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"issuer": "http://127.0.0.1:5556/dex"}, id="loopback"),
        pytest.param({"issuer": "http://localhost/dex"}, id="localhost"),
        pytest.param({"issuer": "http://dex", "allow_http": True}, id="told-so"),
        pytest.param({"allowed_groups": [], "allow_all": True}, id="everyone"),
        pytest.param({"allowed_groups": [], "allowed_users": ["a@b"]}, id="people"),
    ],
)
def test_accepted_sign_in(changes: dict[str, Any]) -> None:
    parsed(with_sign_in(**changes))


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("http://127.0.0.1:80", True),
        ("http://[::1]/", True),
        ("http://a.localhost", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("- a", "not a mapping", id="list"),
        pytest.param("a", "not a mapping", id="text"),
        pytest.param("hub: {port: 1}\nhub: {port: 2}", "line 2", id="duplicate-key"),
        pytest.param("a: &x 1\nb: *x", "anchors", id="alias"),
        pytest.param("a: !!python/object:os.system {}", "tags", id="python-object"),
        pytest.param("sign_in: [", "not YAML", id="not-yaml"),
        pytest.param("a: " + "x" * 300_000, "256", id="too-large"),
    ],
)
def test_refused_files(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as error:
        parsed(text)
    assert words in str(error.value)
    assert "settings.yaml" in str(error.value)


def test_an_empty_file_says_what_is_missing() -> None:
    assert problems("") == {"sign_in.issuer": "is missing"}


@pytest.mark.parametrize("source", ["inline", "file", "environment"])
def test_a_secret_comes_from_one_place(source: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    by_source = {
        "inline": ({"client_secret": "from-inline"}, {}),
        "file": ({"client_secret_file": str(tmp_path / "secret")}, {}),
        "environment": ({}, {"STUDIOLO_CLIENT_SECRET": "from-environment"}),
    }
    changes, environ = by_source[source]
    secret = parsed(with_sign_in(**changes), **environ).sign_in.client_secret
    assert secret is not None
    assert secret.get_secret_value() == f"from-{source}"
    assert f"from-{source}" not in repr(secret)


def test_a_secret_given_twice_is_refused_without_being_told() -> None:
    found = problems(with_sign_in(client_secret="s3cret-a"), STUDIOLO_CLIENT_SECRET="s3cret-b")
    assert "STUDIOLO_CLIENT_SECRET" in found["sign_in.client_secret"]
    assert "s3cret" not in str(found)


def test_secret_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    found = problems(
        {
            "sign_in": {**MINIMAL["sign_in"], "client_secret_file": str(tmp_path / "absent")},
            "hub": {"cookie_secret_file": str(tmp_path / "empty")},
            "workspaces": {"registries": {"r.example": {"password_file": str(tmp_path)}}},
        }
    )
    assert "No such file" in found["sign_in.client_secret_file"]
    assert "empty" in found["hub.cookie_secret_file"]
    assert "directory" in found["workspaces.registries.r.example.password_file"]


def test_no_message_repeats_a_value() -> None:
    with pytest.raises(SettingsError) as error:
        parsed(with_sign_in(client_secret=["canary-7261"], refresh_every="canary-7261"))
    assert "canary-7261" not in str(error.value)


def test_an_external_proxy_needs_its_secret() -> None:
    raw = {**MINIMAL, "proxy": {"external": True}}
    assert "same secret" in problems(raw)["proxy"]
    assert parsed(raw, STUDIOLO_PROXY_TOKEN="t").proxy.auth_token is not None


def test_the_file_is_named_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    assert load_settings({"STUDIOLO_SETTINGS": str(path)}).sign_in.allowed_groups == {"ml"}
    with pytest.raises(SettingsError, match="is not set"):
        load_settings({})
    with pytest.raises(SettingsError, match="No such file"):
        load_settings({"STUDIOLO_SETTINGS": os.fspath(tmp_path / "absent.yaml")})


FIELDS = [
    pytest.param(section.model.model_fields[name], id=f"{section.path}.{name}")
    for section in sections("", Settings)
    for name in section.model.model_fields
]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_described(field: FieldInfo) -> None:
    assert field.description
    assert field.description.endswith(".")


def test_the_documentation_is_up_to_date() -> None:
    path = Path(__file__).parents[2] / "docs" / "settings.md"
    assert path.read_text("utf-8") == settings_reference(), (
        "run: python -m studiolo_hub.settings_reference > docs/settings.md"
    )
