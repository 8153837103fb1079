"""The panel before its own server and the stand-in for a driver: what goes and comes back."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from studiolo_local.gpu import build

from tests.browser.lab_fixtures import Labs, Look
from tests.browser.running_lab import RunningLab, example, open_lab, panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

A100 = "NVIDIA A100-SXM4-80GB (simulated)"


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled stand-in."""
    made = build(tmp_path_factory.mktemp("driver"))
    assert made.library is not None, made.reason
    return made.library.parent


def lab_with(
    labs: Labs, driver: Path, name: str, devices: list[dict[str, object]], **more: str
) -> RunningLab:
    """A JupyterLab that may use these devices, and a file that says what is the matter."""
    fault = driver / f"{name}.fault"
    fault.write_text("", "utf-8")
    workspace = example("workspace", "whole GPU")
    return labs.get(
        name,
        {
            "LD_LIBRARY_PATH": str(driver),
            "STUDIOLO_SIMULATED_GPUS": json.dumps(devices),
            "STUDIOLO_SIMULATED_FAULT_FILE": str(fault),
            "STUDIOLO_WORKSPACE": json.dumps(workspace),
            **more,
        },
        hub_prefix="",
    )


def gpu(number: int, **more: object) -> dict[str, object]:
    """A card."""
    return {"uuid": f"GPU-{number}", "name": A100, "memory_mib": 81920, "mig": False} | more


def see(page: Page, lab: RunningLab) -> Locator:
    """Open it, and the panel in it."""
    open_lab(page, lab)
    return panel(page)


def test_a_gpu_is_lost_and_comes_back(look: Look, labs: Labs, driver: Path) -> None:
    page = look()
    shown = see(page, lab_with(labs, driver, "two", [gpu(0), gpu(1)]))
    load = shown.locator("[data-figure=utilisation_percent] .st-Tile-value")
    expect(load).to_have_count(2)
    expect(load.first).to_have_text(re.compile(r"^\d+ %$"))
    expect(page.locator(".st-Status-button")).to_contain_text("2 GPUs")
    (driver / "two.fault").write_text("gpu_lost:1", "utf-8")
    # The user is told within 10 seconds, and the other GPU goes on.
    expect(shown.get_by_role("alert")).to_be_visible(timeout=10_000)
    expect(load).to_have_count(1)
    (driver / "two.fault").write_text("", "utf-8")
    expect(load).to_have_count(2, timeout=30_000)
    expect(shown.get_by_role("alert")).to_have_count(0)


def test_a_driver_that_is_not_loaded_and_then_is(look: Look, labs: Labs, driver: Path) -> None:
    page = look()
    lab = lab_with(labs, driver, "unloaded", [gpu(0)])
    (driver / "unloaded.fault").write_text("driver_not_loaded", "utf-8")
    shown = see(page, lab)
    expect(shown).to_contain_text("The GPU driver is missing")
    (driver / "unloaded.fault").write_text("", "utf-8")
    expect(shown).to_contain_text("NVIDIA A100", timeout=60_000)


def test_a_driver_that_hangs_does_not_hold_up_the_server(
    look: Look, labs: Labs, driver: Path
) -> None:
    page = look()
    lab = lab_with(labs, driver, "hung", [gpu(0)])
    shown = see(page, lab)
    expect(shown).to_contain_text("NVIDIA A100")
    (driver / "hung.fault").write_text("slow:60000", "utf-8")
    expect(shown).to_contain_text("The GPU driver does not answer", timeout=30_000)
    assert page.request.get(f"{lab.url}/api/status", timeout=2000).ok


def test_mig_slices_are_devices_of_their_own(
    look: Look, labs: Labs, driver: Path, screenshots: Path
) -> None:
    slices = [
        {"uuid": f"MIG-{card}", "name": f"NVIDIA {card} MIG 1g.10gb", "memory_mib": 9856,
         "mig": True, "parent": f"GPU-{card}"}
        for card in ("H100", "A100")  # only the first one's driver tells a slice's load
    ]  # fmt: skip
    page = look()
    shown = see(page, lab_with(labs, driver, "mig", slices))
    expect(shown.get_by_role("listitem").filter(has_text="MIG slice")).to_have_count(2)
    load = shown.locator("[data-figure=utilisation_percent] .st-Tile-value")
    expect(load).to_have_text([re.compile(r"^\d+ %$"), "not reported for this slice"])
    expect(shown.get_by_text("counts as used while a program on it uses the CPU")).to_have_count(1)
    page.screenshot(path=screenshots / "lab-driver-mig.png", animations="disabled")


def test_what_is_wrong_with_a_card_is_said(look: Look, labs: Labs, driver: Path) -> None:
    page = look()
    shown = see(page, lab_with(labs, driver, "wrong", [gpu(0)]))
    expect(shown).to_contain_text("NVIDIA A100")
    for fault, words in (
        ("hot:0", "slowed down"),
        ("ecc:0", "not corrected"),
    ):
        (driver / "wrong.fault").write_text(fault, "utf-8")
        expect(shown.locator(".st-Troubles").first).to_contain_text(words, timeout=15_000)


def test_no_library_at_all(look: Look, labs: Labs, tmp_path: Path) -> None:
    workspace = json.dumps(example("workspace", "whole GPU"))
    page = look()
    shown = see(page, labs.get("bare", {"STUDIOLO_WORKSPACE": workspace}, hub_prefix=""))
    expect(shown).to_contain_text(re.compile("library is missing|driver is missing"))
    expect(shown).to_contain_text("CPU")


def test_nobody_looks_and_nothing_is_asked(look: Look, labs: Labs, driver: Path) -> None:
    counter = driver / "calls"
    counter.write_bytes(bytes(8))
    page = look()
    shown = see(
        page,
        lab_with(labs, driver, "counted", [gpu(0)], STUDIOLO_SIMULATED_COUNTER=str(counter)),
    )
    expect(shown.locator("[data-figure=power_watts] .st-Tile-value")).to_have_text(
        re.compile(" W$")
    )

    def calls() -> int:
        return int(struct.unpack("=Q", counter.read_bytes()[:8])[0])

    while_seen = calls()
    page.wait_for_timeout(5000)
    assert calls() > while_seen
    page.goto("about:blank")
    page.wait_for_timeout(20_000)
    asleep = calls()
    page.wait_for_timeout(8000)
    # It wakes for the activity twice a minute, and reads once.
    assert calls() - asleep <= (calls() - while_seen) / 2


def test_the_server_goes_away_and_another_one_comes(
    look: Look, labs: Labs, driver: Path, tmp_path: Path
) -> None:
    page = look()
    lab = lab_with(labs, driver, "frozen", [gpu(0)])
    shown = see(page, lab)
    expect(shown).to_contain_text("NVIDIA A100")
    lab.stop()
    expect(shown).to_contain_text("The workspace does not answer", timeout=20_000)
    again = RunningLab.start(tmp_path, port=int(lab.url.rpartition(":")[2]))
    try:
        # It knows of no GPU; what counts is that the panel has found it by itself.
        expect(shown).to_contain_text("CPU, memory and home", timeout=40_000)
        page.goto("about:blank")
    finally:
        again.stop()
