from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import RunningHub, hub_settings, running_hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer() -> AsyncIterator[FakeIssuer]:
    async with FakeIssuer() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    issuer: FakeIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHub]:
    """One hub for the tests of a module; each signs in people of its own."""
    folder: Path = tmp_path_factory.mktemp("hub")
    async with running_hub(folder, hub_settings(folder, issuer)) as running:
        yield running
