"""The stand-in for NVML, for all tests of the lab extension."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest
from studiolo_local.gpu import build

from tests.labextension.running_server import Servers


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled stand-in, in a folder that LD_LIBRARY_PATH can name."""
    made = build(tmp_path_factory.mktemp("nvml"))
    if made.library is None:
        pytest.skip(made.reason)
    return made.library


@pytest.fixture(scope="session")
def nvml_loaded(nvml_library: Path) -> Path:
    """Loads it into this process: by its soname it is from now on what nvidia-ml-py finds."""
    ctypes.CDLL(str(nvml_library))
    return nvml_library


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Starts Jupyter servers on demand, one for each environment, and ends them."""
    with Servers(tmp_path_factory.mktemp("jupyter")) as running:
        yield running
