"""The hub on a real PostgreSQL: a workspace outlives its absence, and people are told."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.fakes.oidc import FakeIssuer
from tests.fakes.postgres import Postgres, running_postgres
from tests.hub.running_hub import Browser, RunningHub, hub_settings, running_hub

ANA = {
    "sub": "ana",
    "email": "ana@example.org",
    "email_verified": True,
    "groups": ["ml"],
}
TOO_LATE = 30


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    # Not below pytest's folders, which another user than ours may not enter.
    with (
        tempfile.TemporaryDirectory(prefix="studiolo-postgres-") as folder,
        running_postgres(Path(folder)) as server,
    ):
        yield server


async def until(browser: Browser, state: str) -> None:
    """Open home until the workspace is in that state."""
    async with asyncio.timeout(TOO_LATE):
        while f'data-state="{state}"' not in (await browser.get("home")).text:
            await asyncio.sleep(0.2)


def still_there(hub: RunningHub) -> bool:
    return hub.process.returncode is None


async def test_a_workspace_outlives_the_absence_of_the_database(
    tmp_path: Path, postgres: Postgres
) -> None:
    async with FakeIssuer() as issuer:
        issuer.claims = ANA
        settings = hub_settings(tmp_path, issuer, hub={"db_url": postgres.url})
        async with running_hub(tmp_path, settings) as hub, Browser(hub) as browser:
            assert (await browser.sign_in()).status == 200
            await browser.press(await browser.get("spawn"), "", image="good")
            await until(browser, "running")

            postgres.stop()
            page = await browser.get("home")
            assert page.status == 503
            assert "Try again in a minute" in page.words
            assert "Sign in" not in page.words
            assert "Traceback" not in page.text
            assert "sqlalche" not in page.text
            answer = await browser.get("api/user")
            assert (answer.status, '"status": 503' in answer.text) == (503, True)
            # Alive: Kubernetes must not restart it for what it cannot help.
            async with Browser(hub) as kubelet:
                assert (await kubelet.get("health")).status == 200

            postgres.start()
            await until(browser, "running")
            assert still_there(hub)
            await browser.press(await browser.get("home"), "/stop")
            await until(browser, "stopped")

    engine = create_engine(postgres.url)
    with engine.connect() as link:
        assert link.execute(text("SELECT name FROM users")).scalars().all() == ["ana@example.org"]
        (options,) = link.execute(text("SELECT user_options FROM spawners")).scalars()
    engine.dispose()
    assert "good" in options


async def test_a_hub_without_its_database_ends_and_tells_no_password(
    tmp_path: Path, postgres: Postgres
) -> None:
    postgres.stop()
    url = postgres.url.replace("@", ":canary-password@")
    async with FakeIssuer() as issuer:
        settings = hub_settings(tmp_path, issuer, hub={"db_url": url})
        with pytest.raises(AssertionError, match="the hub ended") as ended:
            async with running_hub(tmp_path, settings):
                pass
    # Kubernetes starts it again until the database is there.
    assert "Can't create a connection to host 127.0.0.1" in str(ended.value)
    assert "canary-password" not in str(ended.value)
