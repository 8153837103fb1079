"""Sessions of other tools: real sockets of a real process that calls itself by a tool's name."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.tools import ToolSession, ToolWatch

_LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
other, _ = server.accept()
print("connected", flush=True)
sys.stdin.read()
"""


@dataclass
class Tool:
    process: subprocess.Popen[bytes]
    port: int

    def line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def tool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tool]:
    # A name in the command line is what tools are told by: node runs code-server, for one.
    script = tmp_path / getattr(request, "param", "code-server")
    script.write_text(_LISTEN)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Tool(process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def watch() -> ToolWatch:
    return ToolWatch(OwnProcesses(contained=False))


def test_a_tool_that_only_listens_has_no_session(tool: Tool) -> None:
    assert watch().sessions() == ()


def test_a_connection_is_a_session_until_it_ends(tool: Tool) -> None:
    looking = watch()
    with socket.create_connection(("127.0.0.1", tool.port)):
        tool.line()
        assert looking.sessions() == (ToolSession("code-server", tool.port),)
    tool.process.kill()
    tool.process.wait()
    assert looking.sessions() == ()


@pytest.mark.parametrize("tool", ["tensorboard", "my-code-servers"], indirect=True)
def test_what_is_no_such_tool_has_no_session(tool: Tool) -> None:
    with socket.create_connection(("127.0.0.1", tool.port)):
        tool.line()
        assert watch().sessions() == ()


def test_a_neighbours_tool_is_not_ours(tool: Tool) -> None:
    stranger = OwnProcesses(server=1, contained=False)
    stranger._group = "0::/other\n"
    with socket.create_connection(("127.0.0.1", tool.port)):
        tool.line()
        assert ToolWatch(stranger).sessions() == ()
