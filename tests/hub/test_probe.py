"""`studiolo catalogue probe` against a registry over HTTP: exit codes, table, JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from studiolo_hub.cli import main
from studiolo_hub.probe_command import settings_of
from studiolo_hub.settings import Registry

from tests.fakes import registry as fake
from tests.fakes.registry import FakeRegistry

HOST = "registry.example"


class Served:
    """A fake registry on a loop of its own: the command brings its own loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.registry = self._run(self._made())
        self._run(self.registry.__aenter__())

    async def _made(self) -> FakeRegistry:
        return FakeRegistry()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        self._run(self.registry.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    served = Served()
    yield served.registry
    served.close()


def entry(name: str, **fields: Any) -> dict[str, Any]:
    reference = fields.pop("reference", f"{HOST}/ml/{name}:1")
    return {"id": name, "display_name": name, "reference": reference, **fields}


@pytest.fixture
def probe(registry: FakeRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Probe a catalogue of these images: exit status, standard output."""

    def probed(*images: dict[str, Any], options: tuple[str, ...] = ()) -> tuple[int, str]:
        path = tmp_path / "catalogue.yaml"
        profiles = [{"id": "cpu", "display_name": "CPU", "cpu": 1, "memory": "1Gi"}]
        path.write_text(
            yaml.safe_dump({"version": 1, "images": list(images), "profiles": profiles})
        )
        status = main(
            ["catalogue", "probe", str(path), "--registry", f"{HOST}={registry.url}", *options]
        )
        return status, capsys.readouterr().out

    return probed


def test_all_good(registry: FakeRegistry, probe: Any) -> None:
    digest = registry.image("ml/a", "1", layers=(1_900_000_000,))
    status, out = probe(entry("a"))
    head, row, total = out.splitlines()
    assert status == 0
    assert head.split() == ["IMAGE", "OUTCOME", "DIGEST", "SIZE", "REASON"]
    assert row.split() == ["a", "good", digest[:19], "1.9", "GB", "The", "image", "is", "there."]
    assert row.index("The image") == head.index("REASON")
    assert total.endswith("catalogue.yaml: 1 image: 1 good")


def test_each_kind_of_trouble_is_told_with_what_to_do(registry: FakeRegistry, probe: Any) -> None:
    registry.image("ml/good", "1")
    registry.image("ml/arm", "1", platform=("linux", "arm64"))
    registry.fault("/ml/refused/", fake.answers(403))
    status, out = probe(
        entry("good"),
        entry("gone"),
        entry("arm"),
        entry("refused"),
        entry("secret", pull_secret="lab"),
        entry("moved", redirect={"to": "good"}),
    )
    assert status == 1
    lines = [" ".join(line.split()) for line in out.splitlines()]
    found = {line.partition(" ")[0]: line for line in lines if not line.startswith("Next")}
    steps = [line for line in lines if line.startswith("Next")]
    assert found["gone"] == "gone bad - - The image does not exist in the registry."
    assert found["arm"].endswith("(the image is built for linux/arm64, not for linux/amd64)")
    assert found["refused"].startswith("refused bad - - The registry refuses this image")
    assert found["secret"].startswith("secret not visible - - The image is private")
    assert found["moved"] == "moved not used - - It is redirected to good and never starts."
    assert [step.split(",")[0] for step in steps] == [
        "Next: Push the image",
        "Next: Build the image for linux/amd64 too.",
        "Next: Correct `reference`",
        "Next: Nothing: the running hub checks it with the pull secret.",
    ]
    assert lines[-1].endswith("6 images: 1 good, 3 bad, 1 not visible, 1 not used")


def test_what_only_the_machines_may_see_is_no_failure(registry: FakeRegistry, probe: Any) -> None:
    registry.image("ml/good", "1")
    status, _ = probe(entry("good"), entry("secret", pull_secret="lab"))
    assert status == 0


@pytest.mark.parametrize("code", [429, 503])
def test_a_registry_that_does_not_answer_is_a_failure(
    registry: FakeRegistry, probe: Any, code: int
) -> None:
    registry.fault("", fake.answers(code))
    status, out = probe(entry("a"))
    assert status == 1
    assert "no answer" in out
    assert "Next: " in out


def test_json_holds_all_of_it(registry: FakeRegistry, probe: Any) -> None:
    digest = registry.image("ml/a", "1")
    status, out = probe(entry("a"), entry("b"), options=("--json",))
    report = json.loads(out)
    assert (status, report["all_well"], report["version"]) == (1, False, 1)
    good, bad = report["images"]
    assert good["size"] > 3000
    assert {**good, "size": 0} == {
        "id": "a",
        "display_name": "a",
        "reference": f"{HOST}/ml/a:1",
        "outcome": "good",
        "reason": "found",
        "digest": digest,
        "size": 0,
        "message": "The image is there.",
        "next_step": None,
    }
    assert (bad["outcome"], bad["reason"], bad["digest"]) == ("bad", "image_missing", None)


def test_the_settings_give_catalogue_and_registries_and_need_no_other_secret(
    registry: FakeRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.auth, registry.users["hub"] = "basic", "pass-word"
    registry.image("ml/a", "1")
    (tmp_path / "password").write_text("pass-word\n")
    profiles = [{"id": "cpu", "display_name": "CPU", "cpu": 1, "memory": "1Gi"}]
    document = {"version": 1, "images": [entry("a")], "profiles": profiles}
    (tmp_path / "catalogue.yaml").write_text(yaml.safe_dump(document))
    settings = {
        "sign_in": {"issuer": "https://dex.example.org", "client_secret_file": "/nonexistent"},
        "workspaces": {
            "catalogue_path": str(tmp_path / "catalogue.yaml"),
            "registries": {
                HOST: {
                    "endpoint": registry.url,
                    "insecure": True,
                    "allow_private": True,
                    "username": "hub",
                    "password_file": str(tmp_path / "password"),
                }
            },
        },
    }
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    assert main(["catalogue", "probe", "--settings", str(tmp_path / "settings.yaml")]) == 0
    assert "pass-word" not in capsys.readouterr().out


UNUSABLE = {
    "no catalogue": ("", "catalogue.yaml: the file cannot be read: No such file"),
    "bad catalogue": ("version: 2", "catalogue.yaml:1: version:"),
}


@pytest.mark.parametrize(("content", "part"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_catalogue_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, part: str
) -> None:
    path = tmp_path / "catalogue.yaml"
    if content:
        path.write_text(content)
    assert main(["catalogue", "probe", str(path), "--json"]) == 2
    told = capsys.readouterr()
    assert part in told.err
    assert told.out == ""


def test_settings_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("workspaces:\n  registries: {r.example: {user: x}}\n")
    assert main(["catalogue", "probe", "--settings", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"{path}:2: workspaces.registries.r.example.user: is not a setting" in told


@pytest.mark.parametrize("text", ["nonsense", "=http://a", "host=", "host=ftp://a"])
def test_a_wrong_registry_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "catalogue.yaml"
    assert main(["catalogue", "example"]) == 0
    path.write_text(capsys.readouterr().out)
    assert main(["catalogue", "probe", str(path), "--registry", text]) == 2
    assert "studiolo: " in capsys.readouterr().err


def test_the_command_line_goes_before_the_settings() -> None:
    known = {HOST: Registry(endpoint="https://mirror.example", trusted_hosts=("auth.example",))}
    found = settings_of(known, [f"{HOST}=http://127.0.0.1:5000"])[HOST]
    assert (found.endpoint, found.insecure, found.allow_private, found.trusted_hosts) == (
        "http://127.0.0.1:5000",
        True,
        True,
        ("auth.example",),
    )
