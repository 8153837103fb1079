"""How often images are checked, from the settings to the spawner's trait."""

from pathlib import Path

import pytest

from tests.hub.test_configure import configured


@pytest.mark.parametrize(
    ("every", "seconds"), [(None, 600), ("never", 0), ("90s", 90), ("1h", 3600)]
)
def test_period(tmp_path: Path, every: str | None, seconds: int) -> None:
    workspaces = {"check_images_every": every} if every else {}
    c = configured(tmp_path, workspaces=workspaces)
    assert c.WorkspaceSpawner.image_check_period == seconds
