"""Three hours of a workspace in a real JupyterLab, in a minute: nothing grows, nothing is missed.

The browser's clock is moved on a minute at a time, and the server's answers with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab_fixtures import Labs
from tests.browser.running_lab import Answers, example, later, open_lab, panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MINUTES = 180
LOST = range(60, 70)
"""Minutes for which the second GPU does not answer."""
WARNED = 10
"""Minutes before the end of the longest run from which one is warned."""
SETTLING = range(1, 4)
"""Minutes in which JupyterLab still loads what it has put off."""
NEAR_THE_END = (MINUTES - WARNED - 2, MINUTES - WARNED + 2, MINUTES - 2)


@dataclass
class Hours:
    """A workspace whose longest run is over after three hours, by the minute."""

    began: float
    minute: int = 0

    def state(self) -> Any:
        base = example("state", "two GPUs at work, a notebook and a terminal")
        now = self.began + 60 * self.minute
        state = later(base, now - base["at"])
        end = self.began + 60 * MINUTES
        state["stops"] |= {
            "at": end,
            "reason": "lifetime",
            "message": "Stopped at the end of its longest run.",
            "warn": self.minute >= MINUTES - WARNED,
            "warn_from": end - 60 * WARNED,
            "idle_at": None,
            "lifetime_at": end,
        }
        first, second = state["gpus"]["devices"]
        first["figures"]["utilisation_percent"] = float(self.utilisation)
        if self.minute in LOST:
            lost = example("state", "a MIG slice, a lost GPU, kept alive, near its longest run")
            told = next(d for d in lost["gpus"]["devices"] if d["condition"] == "lost")
            second |= {
                name: told[name] for name in ("condition", "problem", "problem_said", "figures")
            }
        return state

    @property
    def utilisation(self) -> int:
        return self.minute * 7 % 100


class Simulated(Answers):
    """Answers that stand where the browser's clock does."""

    def moved(self) -> float:
        return 0.0


def nodes_of(page: Page) -> int:
    found: int = page.evaluate("document.querySelectorAll('.st-Panel *').length")
    return found


def settle(page: Page) -> None:
    """Wait until nothing more is loaded: what is on its way is given up after two minutes."""
    before, quiet = -1, 0
    for _ in range(60):
        loaded: int = page.evaluate("performance.getEntriesByType('resource').length")
        quiet = quiet + 1 if loaded == before else 0
        if quiet == 4:
            return
        before = loaded
        time.sleep(0.25)


def test_three_hours(page: Page, labs: Labs) -> None:
    hours = Hours(time.time())
    Simulated(hours.state).install(page)
    page.clock.install(time=hours.began)
    open_lab(page, labs.get("states"))
    region = panel(page)
    countdown = region.get_by_role("status").filter(has_text="This workspace stops in")
    sizes: dict[int, int] = {}
    settle(page)
    for minute in range(1, MINUTES - 1):
        hours.minute = minute
        page.clock.fast_forward(60_000)
        if minute in SETTLING:
            settle(page)
        if minute % 15 == 0 or minute in (LOST.start, LOST.stop, *NEAR_THE_END):
            # Not just moved on, but seen: the figure of this very minute.
            expect(region).to_contain_text(f"{hours.utilisation} %")
            expect(region.get_by_text("The GPU does not answer any more")).to_have_count(
                1 if minute in LOST else 0
            )
            expect(countdown).to_have_count(1 if minute >= MINUTES - WARNED else 0)
            sizes[minute] = nodes_of(page)
    quiet = {size for minute, size in sizes.items() if minute not in LOST and minute < 165}
    assert len(quiet) == 1, sizes
