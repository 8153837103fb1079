"""The log keeps what matters of refusals and nothing of links that fill the menu in."""

from __future__ import annotations

import logging

import pytest
from jupyterhub.spawner import SpawnException
from studiolo_spawner.prefill import PrefillOnly, QuietRefusals, install_filter


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    log = logging.getLogger("test_prefill")
    install_filter(log)
    install_filter(logging.LoggerAdapter(log))
    return log


def say(log: logging.Logger, error: Exception) -> None:
    try:
        raise error
    except Exception:
        log.exception("Failed to spawn %s", "ana")


def test_the_filter_is_there_once(log: logging.Logger) -> None:
    assert len([known for known in log.filters if isinstance(known, QuietRefusals)]) == 1


def test_a_link_is_no_record(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    say(log, PrefillOnly())
    assert not caplog.records


def test_a_refusal_is_one_line(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    say(log, SpawnException("100% not on the menu", reason="invalid_choice"))
    (record,) = caplog.records
    assert record.getMessage() == "Failed to spawn ana: 100% not on the menu"
    assert record.exc_info is None


def test_a_fault_keeps_its_traceback(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    say(log, RuntimeError("bug"))
    (record,) = caplog.records
    assert record.exc_info is not None


def test_prefill_says_nothing_and_succeeds() -> None:
    error = PrefillOnly()
    assert (error.status_code, error.jupyterhub_message) == (200, "")
