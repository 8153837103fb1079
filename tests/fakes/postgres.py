"""A real PostgreSQL of the machine's own (Debian's package), on a loopback port. I/O, processes."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

USER = "studiolo"
_UNPRIVILEGED = ("postgres", "nobody")


def _program(name: str) -> str:
    found = sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))
    program = found[-1] if found else shutil.which(name)
    assert program, f"PostgreSQL's {name} is not on this machine: apt-get install postgresql"
    return program


class Postgres:
    """One server; it can be stopped and started again on the same port."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        # It refuses to run as root.
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            known = {each.pw_name: each for each in pwd.getpwall()}
            person = next(known[name] for name in _UNPRIVILEGED if name in known)
            self._as = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
            os.chown(folder, person.pw_uid, person.pw_gid)

    @property
    def url(self) -> str:
        """As SQLAlchemy writes it."""
        return f"postgresql+pg8000://{USER}@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """Make its files."""
        words = ["--auth=trust", f"--username={USER}", "--no-sync"]
        words += ["-D", str(self._folder / "data")]
        subprocess.run(
            [_program("initdb"), *words],
            check=True,
            capture_output=True,
            cwd="/",
            **self._as,  # type: ignore[call-overload]
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["-h", "127.0.0.1", "-p", str(self._port), "-k", "", "-F"]
        self._process = subprocess.Popen(
            [_program("postgres"), "-D", str(self._folder / "data"), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._as,  # type: ignore[call-overload]
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "PostgreSQL ended at once"
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not answer")

    def stop(self) -> None:
        """Stop it at once: every connection is cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """A server until the block ends; ``folder``: an empty one that others may enter."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = Postgres(folder, port)
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()
