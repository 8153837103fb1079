"""A start that fails because the home is full, and one that starts nevertheless."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jupyterhub.spawner import SpawnException
from studiolo_spawner import rescue
from studiolo_spawner.choice import Choice, choice_from_form, choice_from_options
from studiolo_spawner.errors import InvalidChoice

from tests.fakes import pod_driver
from tests.fakes.pod_driver import Step
from tests.fakes.spawner_lab import HERE, SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1", fallback: [second]}
- {id: second, display_name: Second, reference: "unreachable.invalid/second:1"}
profiles: [{id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}]
"""


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        yield lab


async def test_a_full_home_is_told_and_a_rescue_starts(lab: SpawnerLab) -> None:
    full = pod_driver.crashed()
    ended = full["containerStatuses"][0]["state"]["terminated"]
    ended["message"] = "OSError: [Errno 28] No space left on device"
    lab.kubelet.script = lambda _pod: [Step(0, full)]
    spawner = lab.make()
    with pytest.raises(SpawnException, match="rescue mode") as refused:
        await started(spawner)
    assert refused.value.reason == rescue.REASON
    # Not the image's fault: nothing else was tried.
    assert len(spawner.workspace_state.attempts) == 1
    assert await lab.names("pods") == set()

    lab.kubelet.script = pod_driver.ready_after(0)
    spawner = lab.make()
    spawner.user_options = {"rescue": True}
    await started(spawner)
    (name,) = await lab.names("pods")
    pod = await lab.call("GET", f"/api/v1/namespaces/{HERE}/pods/{name}")
    (container,) = pod["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert variables.items() >= rescue.ENVIRONMENT.items()
    assert variables["HOME"] == "/home/jovyan"
    assert set(rescue.ARGUMENTS) <= set(container["args"])
    await spawner.stop()


def test_a_rescue_is_chosen_by_options_and_not_by_the_menu() -> None:
    assert choice_from_options({"rescue": True}) == Choice(rescue=True)
    assert Choice(rescue=True).to_options() == {"rescue": True}
    assert Choice().to_options() == {}
    with pytest.raises(InvalidChoice):
        choice_from_options({"rescue": "yes"})
    with pytest.raises(InvalidChoice):
        choice_from_form({"rescue": ["true"]})
