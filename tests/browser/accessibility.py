"""An automated accessibility checker for every page that the browser tests reach.

`assert_accessible(page)` runs axe-core, which the development dependency axe-playwright-python
carries, in the page as it stands: in the light and in the dark scheme, with what is open open. A
finding that axe calls serious or critical fails the test; each stands in the message with its rule
and the elements. What no program can judge (whether a text says anything) is for people.

For playwright's asynchronous pages there is `assert_accessible_async`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Literal, cast

from playwright import async_api
from playwright.sync_api import Page

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_RUN = """async (within) => {
  const found = await axe.run(within ?? document, {resultTypes: ["violations"]});
  return found.violations.map(({id, impact, help, nodes}) => ({
    id, impact, help, nodes: nodes.map(({html, failureSummary}) => ({html, failureSummary})),
  }));
}"""
_GRAVE = {"serious", "critical"}

Scheme = Literal["light", "dark"]
Finding = dict[str, Any]


def assert_accessible(
    page: Page, *, within: str | None = None, schemes: tuple[Scheme, ...] = ("light", "dark")
) -> None:
    """Fail with every serious or critical finding.

    ``within``: a selector, where a part of the page is somebody else's (JupyterLab's own).
    """
    told: list[str] = []
    page.evaluate(_AXE)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        told += _told(scheme, page.evaluate(_RUN, within))
    page.emulate_media(color_scheme=None, reduced_motion="reduce")
    assert told == [], f"{page.url}:\n" + "\n".join(told)


async def assert_accessible_async(
    page: async_api.Page,
    *,
    within: str | None = None,
    schemes: tuple[Scheme, ...] = ("light", "dark"),
) -> None:
    """The same for a page of playwright's asynchronous API."""
    told: list[str] = []
    await page.evaluate(_AXE)
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        told += _told(scheme, await page.evaluate(_RUN, within))
    await page.emulate_media(color_scheme=None, reduced_motion="reduce")
    assert told == [], f"{page.url}:\n" + "\n".join(told)


def _told(scheme: Scheme, violations: object) -> list[str]:
    """The grave findings, each with the elements that it was found at."""
    told: list[str] = []
    for finding in cast("list[Finding]", violations):
        if finding["impact"] in _GRAVE:
            told.append(f"[{scheme}] {finding['impact']}: {finding['id']}: {finding['help']}")
            told += [f"    {n['html']}\n    {n['failureSummary']}" for n in finding["nodes"]]
    return told
