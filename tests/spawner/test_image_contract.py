"""Images that say themselves that they cannot work here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.image_contract import (
    ANYWHERE,
    Host,
    Surroundings,
    broken_contract,
    fits_gpu,
)
from studiolo_spawner.registry_answer import Outcome, RegistryAnswer
from studiolo_spawner.verdict import Decision, verdict_of_answer

# As in NVIDIA's own CUDA images
CUDA_IMAGE = (
    "cuda>=12.8 brand=unknown,driver>=470,driver<471 brand=grid,driver>=470,driver<471 "
    "brand=tesla,driver>=535,driver<536"
)
NEW = Host(driver="570.86.10", cuda="12.8")
OLD = Host(driver="525.60.13", cuda="12.0")
TESLA_535 = Host(driver="535.104.05", cuda="12.2")
UNKNOWN = Host()


def on(*hosts: Host, hub: str | None = "6.1.1") -> Surroundings:
    return Surroundings(hub=hub, hosts=frozenset(hosts), nvidia=True)


REQUIRE = {
    "nothing": ("", OLD, True),
    "new enough": ("cuda>=12.8", NEW, True),
    "too old": ("cuda>=12.8", OLD, False),
    "equal": ("cuda>=12.0", OLD, True),
    "NVIDIA's own, new driver": (CUDA_IMAGE, NEW, True),
    "NVIDIA's own, old driver": (CUDA_IMAGE, OLD, False),
    "NVIDIA's own, compatible driver": (CUDA_IMAGE, TESLA_535, True),
    "both demands": ("cuda>=12.0,driver>=530", OLD, False),
    "only the brand is unknown": ("brand=geforce", OLD, True),
    "surroundings unknown": ("cuda>=99", UNKNOWN, True),
    "not understood": ("cuda~12", OLD, True),
    "version that is none": ("cuda>=new", OLD, True),
    "upper bound": ("driver<500", OLD, False),
    "exclusion": ("cuda!=12.0", OLD, False),
}


@pytest.mark.parametrize(("requirement", "where", "fits"), REQUIRE.values(), ids=REQUIRE)
def test_gpu(requirement: str, where: Host, fits: bool) -> None:
    assert fits_gpu({"NVIDIA_REQUIRE_CUDA": requirement}, where) is fits


def test_every_requirement_counts_unless_they_are_switched_off() -> None:
    wanted = {"NVIDIA_REQUIRE_CUDA": "cuda>=11", "NVIDIA_REQUIRE_DRIVER": "driver>=999"}
    assert not fits_gpu(wanted, NEW)
    assert fits_gpu({**wanted, "NVIDIA_DISABLE_REQUIRE": "true"}, NEW)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        pytest.param("none", "no_singleuser", id="none"),
        pytest.param(" None ", "no_singleuser", id="none, written otherwise"),
        pytest.param("5.4.0", "singleuser_too_old", id="older major version"),
        pytest.param("6.0.0", None, id="same major version"),
        pytest.param("7.0.0", None, id="newer"),
        pytest.param("", None, id="empty"),
        pytest.param("six", None, id="not a version"),
        pytest.param(None, None, id="not stated"),
    ],
)
def test_single_user_server(server: str | None, reason: str | None) -> None:
    labels = {} if server is None else {"dev.studiolo.jupyterhub": server}
    found = broken_contract(labels, {}, on(NEW))
    assert (found.reason if found else None) == reason


def test_image_that_is_there_but_cannot_work_falls_back() -> None:
    answer = RegistryAnswer(Outcome.FOUND, environment={"NVIDIA_REQUIRE_CUDA": CUDA_IMAGE})
    assert verdict_of_answer(answer).decision is Decision.ACCEPTED
    verdict = verdict_of_answer(answer, on(OLD))
    assert (verdict.decision, verdict.reason) == (Decision.FALL_BACK, "driver_too_old")


@given(st.text(max_size=200), st.text(max_size=30))
def test_any_text_is_read(requirement: str, version: str) -> None:
    where = on(Host(driver=version, cuda=version), hub=version)
    labels = {"dev.studiolo.jupyterhub": version}
    found = broken_contract(labels, {"NVIDIA_REQUIRE_CUDA": requirement}, where)
    assert found is None or found.reason in {"driver_too_old", "no_singleuser"}


def test_one_machine_that_fits_is_enough() -> None:
    wanted = {"NVIDIA_REQUIRE_CUDA": CUDA_IMAGE}
    assert broken_contract({}, wanted, on(OLD, NEW)) is None
    found = broken_contract({}, wanted, on(OLD, Host(driver="460.1", cuda="11.2")))
    assert found is not None
    assert found.reason == "driver_too_old"


NOT_CHECKED = {
    "no machine is known": ("cuda>=12.8", on(), True),
    "no machine says its driver": ("cuda>=12.8", on(UNKNOWN), True),
    "one machine says it": ("cuda>=12.8", on(UNKNOWN, NEW), False),
    "nothing is demanded": ("", on(), False),
    "only a brand is demanded": ("brand=tesla", on(), False),
    "no GPU is handed out": ("cuda>=12.8", ANYWHERE, False),
}


@pytest.mark.parametrize(("requirement", "where", "told"), NOT_CHECKED.values(), ids=NOT_CHECKED)
def test_what_could_not_be_checked_is_said(
    requirement: str, where: Surroundings, told: bool
) -> None:
    answer = RegistryAnswer(Outcome.FOUND, environment={"NVIDIA_REQUIRE_CUDA": requirement})
    verdict = verdict_of_answer(answer, where)
    assert verdict.decision is Decision.ACCEPTED
    assert ("was not checked" in verdict.hint) is told
