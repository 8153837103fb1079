"""Every page before a workspace, in each of its states, passes the accessibility checker.

The waiting page, the list of workspaces and the administration have theirs beside their own tests.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_sign_in(page: Page) -> None:
    page.goto("/hub/login")
    expect(page.get_by_role("link", name="Sign in with")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Sign in with").click()
    expect(page.get_by_role("heading", name="Local sign-in")).to_be_visible()
    assert_accessible(page)


def test_the_menu_in_its_states(page: Page) -> None:
    steps.sign_in(page, "Ana")
    steps.open_menu(page)
    assert_accessible(page)
    page.get_by_label("Train a model").check()
    page.get_by_label("PyTorch", exact=True).select_option("any version")
    assert_accessible(page)
    page.get_by_label("Teach and learn").check()
    expect(page.locator("#st-fits")).to_contain_text("No image provides all of this")
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert_accessible(page)


def test_the_menu_of_somebody_with_less(page: Page) -> None:
    """Ben is a student: what is for others is shown to him, and for whom it is."""
    steps.sign_in(page, "Ben")
    steps.open_menu(page)
    others = page.get_by_text("Profiles for others")
    others.click()
    expect(page.get_by_text("For members of research.").first).to_be_visible()
    assert page.locator("input[name=profile][value=gpu-4]").count() == 0
    assert_accessible(page)


def test_a_refused_choice_and_a_filled_in_link(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/spawn?opt-colour=red")
    expect(page.get_by_role("alert")).to_contain_text('there is no option "colour"')
    assert_accessible(page)
    page.goto("/hub/spawn?opt-image=pytorch-2.8&opt-profile=mig-1g.10gb&opt-task=explore")
    expect(page.get_by_role("status").first).to_contain_text("Nothing was started")
    expect(page.get_by_role("radio", name="PyTorch 2.8")).to_be_checked()
    expect(page.get_by_role("radio", name="A slice of a GPU")).to_be_checked()
    assert_accessible(page)


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/hub/nothing-here", "There is nothing here"),
        ("/hub/admin", "This is not for you"),
        ("/hub/token", "Manage JupyterHub Tokens"),
    ],
    ids=["not found", "forbidden", "tokens"],
)
def test_other_pages(page: Page, path: str, heading: str) -> None:
    steps.sign_in(page, "Ana")
    page.goto(path)
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_attached()
    assert_accessible(page)


def test_the_page_of_tokens_still_works_within_ours(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/token")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Request new API token").click()
    expect(page.locator("#token-result")).not_to_be_empty()


def test_without_a_script_the_menu_narrows_by_its_button(visit: Visit, page: Page) -> None:
    steps.sign_in(page, "Ana")
    context = page.context.browser.new_context(  # type: ignore[union-attr]
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
        base_url=page.url.partition("/hub")[0],
    )
    plain = context.new_page()
    plain.goto("/hub/spawn")
    plain.locator("input[name=task][value=teach]").check()
    plain.get_by_role("button", name="Show what fits").click()
    expect(plain.get_by_role("heading", name="Choose your workspace")).to_be_visible()
    expect(plain.locator("#st-fits")).to_contain_text("images fit. Recommended:")
    expect(plain.locator("input[name=task][value=teach]")).to_be_checked()
    chosen = plain.locator("input[name=image]:checked").get_attribute("value")
    assert chosen in {"python-3.13", "data-science"}
    lacks = plain.locator(".st-option", has_text="Lacks the task teach.")
    assert lacks.count() > 0
    assert "_xsrf" not in plain.url
    context.close()


PATHS = (
    "/hub/home",
    "/hub/spawn",
    "/hub/token",
    "/hub/admin",
    "/hub/studiolo/admin",
    "/hub/studiolo/admin/workspaces",
    "/hub/studiolo/admin/gpus",
    "/hub/studiolo/admin/images",
    "/hub/studiolo/admin/catalogue",
    "/hub/studiolo/admin/people",
    "/hub/studiolo/admin/people/carla",
    "/hub/studiolo/admin/volumes",
    "/hub/logout",
    "/hub/nothing-here",
)


def test_no_page_needs_what_its_policy_forbids_or_asks_another_host(page: Page) -> None:
    refused: list[str] = []
    page.on(
        "console",
        lambda said: (
            refused.append(f"{page.url} {said.text}")
            if "Content Security Policy" in said.text
            else None
        ),
    )
    steps.sign_in(page, "Carla")
    ours = page.url.partition("/hub")[0]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in PATHS:
        answer = page.goto(path)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        page.wait_for_timeout(500)
    assert refused == []
    assert [url for url in asked if not url.startswith((ours, "data:"))] == []
