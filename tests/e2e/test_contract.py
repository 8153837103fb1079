"""The contract that the embedded API keeps, asked of a real API server: it must hold there, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]


def test_the_embedded_apis_contract_holds(cluster: Cluster) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contract", "-q", "-p", "no:cacheprovider"],
        cwd=REPOSITORY,
        env={**os.environ, "STUDIOLO_CONTRACT_KUBECONFIG": str(cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
