"""What is said of what the watch finds."""

from __future__ import annotations

import pytest
from jupyterlab_studiolo.said import Said
from jupyterlab_studiolo.tools import ToolSession
from jupyterlab_studiolo.watch import connected

SSH = ToolSession("ssh", 22)
DESKTOP = ToolSession(Said("the remote desktop"), 5901)


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        ([], ""),
        ([SSH], "Connected: ssh (port 22)."),
        ([SSH, DESKTOP], "Connected: ssh (port 22), the remote desktop (port 5901)."),
    ],
    ids=["none", "one", "two"],
)
def test_names_the_tools_that_somebody_is_connected_to(
    sessions: list[ToolSession], words: str
) -> None:
    assert connected(sessions) == words
