"""``python -m tests.e2e``: the cluster of these tests with Studiolo on it, until it is interrupted.

For looking at something by hand: it prints where the pages are and which KUBECONFIG to use.
"""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.e2e import release, tools
from tests.e2e.cluster import running
from tests.e2e.installation import install, push_images


def main() -> None:
    """Start everything, say where it is, and wait."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="studiolo-e2e-") as folder,
        running(Path(folder), tools.build()) as cluster,
        suppress(KeyboardInterrupt),
    ):
        print(f"export KUBECONFIG={cluster.kubeconfig}", flush=True)
        try:
            push_images(cluster)
            install(cluster)
            print(f"{release.URL}  (ana@example.org, {release.PASSWORD})", flush=True)
        except AssertionError as error:
            # Kept as it is, to be looked at.
            print(error, flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
