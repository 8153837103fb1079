"""The demo as a person starts it, as a process of its own, and what kubectl says about it."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from studiolo_local.kubelet.leftovers import marked
from studiolo_local.supervisor import DEMO_MARK

from tests.ports import free_port

#: One person for each journey, so that none meets what another has left.
PEOPLE = """
version: 1
users:
  - {name: ana, full_name: Ana Ferreira, email: ana@studiolo.test, groups: [research]}
  - {name: ben, full_name: Ben Okafor, email: ben@studiolo.test, groups: [students]}
  - {name: carla, full_name: Carla Lindqvist, email: carla@studiolo.test, groups: [admins]}
  - {name: dora, full_name: Dora Novak, email: dora@studiolo.test, groups: [research]}
  - {name: emil, full_name: Emil Haas, email: emil@studiolo.test, groups: [research]}
  - {name: fay, full_name: Fay Osei, email: fay@studiolo.test, groups: [research]}
  - {name: hal, full_name: Hal Bergmann, email: hal@studiolo.test, groups: [research]}
  - {name: ivy, full_name: Ivy Tanaka, email: ivy@studiolo.test, groups: [research]}
  - {name: kim, full_name: Kim Duarte, email: kim@studiolo.test, groups: [research]}
  - {name: gus, full_name: Gus Moreau, email: gus@studiolo.test, groups: [research]}
  - {name: nina, full_name: Nina Falk, email: nina@studiolo.test, groups: [research]}
  - {name: lea, full_name: Lea Sorel, email: lea@studiolo.test, groups: [research]}
"""

START_SECONDS = 90
STOP_SECONDS = 60
KUBECTL = Path(sys.executable).with_name("kubectl")


@dataclass
class RunningDemo:
    """A demo in a folder of its own."""

    folder: Path
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    started_in: float = 0.0
    address: str = ""
    _lines: queue.Queue[str | None] = field(default_factory=queue.Queue, repr=False)
    _reader: threading.Thread | None = field(default=None, repr=False)

    @classmethod
    def begin(cls, folder: Path, *, port: int | None = None) -> RunningDemo:
        """Start it as `make demo` does."""
        if not (folder / "users.yaml").exists():
            (folder / "users.yaml").write_text(PEOPLE)
        process = subprocess.Popen(
            [
                sys.executable, "-m", "studiolo_local", "demo",
                "--port", str(port or free_port()), "--data", str(folder),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )  # fmt: skip
        demo = cls(folder, process)
        demo._reader = threading.Thread(target=demo._read, daemon=True)
        demo._reader.start()
        return demo

    @classmethod
    def start(cls, folder: Path, *, port: int | None = None) -> RunningDemo:
        """Start it and wait until it says that it is ready; fails with all that it said."""
        began = time.monotonic()
        demo = cls.begin(folder, port=port)
        found = demo.until_said(r"Studiolo is ready: (\S+)")
        demo.address = found[1]
        demo.started_in = time.monotonic() - began
        return demo

    def until_said(self, words: str) -> re.Match[str]:
        """Wait until it says something; fails, and ends it, when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                line = self._lines.get(timeout=1)
            except queue.Empty:
                continue
            if line is None:
                break
            self.said.append(line)
            if found := re.search(words, line):
                return found
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"The demo did not say {words!r}, but:\n" + "".join(self.said))

    def stop(self) -> None:
        """Ctrl-C, and wait until it is gone."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(STOP_SECONDS) == 0, "".join(self.said)
        self.finish()

    def finish(self) -> str:
        """Wait for the end of what it says, and give all of it."""
        self.process.wait(STOP_SECONDS)
        if self._reader is not None:
            self._reader.join(STOP_SECONDS)
        while not self._lines.empty():
            if line := self._lines.get():
                self.said.append(line)
        return "".join(self.said)

    def left_behind(self) -> list[int]:
        """Processes that carry the mark of this demo or live in its folder."""
        found = set(marked({DEMO_MARK: str(self.folder)}))
        for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
            words = [process.info["cwd"] or "", *(process.info["cmdline"] or [])]
            if any(str(self.folder) in word for word in words):
                found.add(process.pid)
        return sorted(found)

    def kubectl(self, *arguments: str) -> str:
        """Ask the embedded cluster as a person would."""
        done = subprocess.run(
            [str(KUBECTL), "-n", "studiolo", *arguments],
            env={**os.environ, "KUBECONFIG": str(self.folder / "cluster" / "kubeconfig")},
            check=False,
            capture_output=True,
            text=True,
            timeout=40,
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def pods(self) -> list[dict[str, Any]]:
        """The workspaces' pods."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return items

    def stop_all_workspaces(self) -> None:
        """Leave a quiet cluster to the next journey, behind the hub's back."""
        if self.pods():
            self.kubectl("delete", "pods", "--all", "--wait=true", "--grace-period=1")

    def hub_answers(self) -> bool:
        """Whether the hub answers through the proxy."""
        try:
            with urllib.request.urlopen(f"{self.address}/hub/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def hub_pid(self) -> int:
        """The hub's own process; 0 when there is none."""
        for process in psutil.process_iter(["pid", "cmdline"]):
            words = process.info["cmdline"] or []
            if "jupyterhub" in words and self._is_ours(process):
                pid: int = process.pid
                return pid
        return 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self._lines.put(line)
        self._lines.put(None)

    def _is_ours(self, process: psutil.Process) -> bool:
        return any(parent.pid == self.process.pid for parent in process.parents())


def until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Wait for something that no page shows; fails with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Not within {seconds} s: {what}"
        time.sleep(0.1)
