"""What a person may not have is refused in words, whichever way they ask; and nothing starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.running_demo import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        pytest.param("image.value = 'not-there'", 400, "not-there", id="an unknown image"),
        pytest.param("profile.value = 'gpu-4'", 403, "gpu-4", id="a profile of another group"),
        pytest.param(
            "image.insertAdjacentHTML('afterend', '<input name=node_selector value=x>')",
            400,
            "node_selector",
            id="a field that is not asked for",
        ),
        pytest.param(
            "image.value = '<img src=x onerror=alert(1)>'", 400, "<img", id="markup stays text"
        ),
    ],
)
def test_a_form_that_was_tampered_with_is_refused(
    page: Page,
    demo: RunningDemo,
    screenshots: Path,
    change: str,
    status: int,
    words: str,
) -> None:
    steps.sign_in(page, "ben")
    steps.open_menu(page)
    page.evaluate(
        f"""() => {{
          const image = document.querySelector('input[name=image]:checked');
          const profile = document.querySelector('input[name=profile]:checked');
          {change};
        }}"""
    )
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        steps.start(page)
    assert posted.value.status == status
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(words)
    expect(page.locator("img[src=x]")).to_have_count(0)
    assert demo.pods() == []
    steps.picture(page, screenshots, "menu-refused")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param({"image": "not-there", "profile": "cpu"}, 400, id="unknown image"),
        pytest.param({"image": "python-3.13", "profile": "gpu-4"}, 403, id="profile of others"),
        pytest.param({"image": ["python-3.13"]}, 400, id="a list"),
        pytest.param({"image": {"x": 1}}, 400, id="a mapping"),
        pytest.param({"profile_list": []}, 400, id="a key of KubeSpawner's"),
        pytest.param({"image": "x" * 100_000}, 400, id="a very long text"),
    ],
)
def test_the_api_refuses_the_same(
    page: Page, demo: RunningDemo, options: dict[str, Any], status: int
) -> None:
    steps.sign_in(page, "ben")
    answer = _ask_hub(page, "POST", "users/ben/server", options)
    assert answer["status"] == status, answer
    assert "Traceback" not in answer["text"]
    assert demo.pods() == []


def test_a_profile_of_another_group_is_not_on_the_menu(page: Page) -> None:
    steps.sign_in(page, "ben")
    steps.open_menu(page)
    expect(page.locator("input[name=profile][value='cpu']")).to_have_count(1)
    expect(page.locator("input[name=profile][value='gpu-4']")).to_have_count(0)


def test_a_link_starts_nothing(page: Page, demo: RunningDemo) -> None:
    steps.sign_in(page, "ben")
    elsewhere = page.context.new_page()
    # Another site: what a browser sends with it says so.
    elsewhere.route(
        "http://elsewhere.test/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<a href='{demo.address}/hub/spawn?opt-image=python-3.13&opt-profile=cpu'>go</a>",
        ),
    )
    elsewhere.goto("http://elsewhere.test/")
    elsewhere.get_by_role("link", name="go").click()
    expect(elsewhere.get_by_role("heading", name="Choose your workspace")).to_be_visible()
    expect(elsewhere.locator("input[name=image][value='python-3.13']")).to_be_checked()
    assert demo.pods() == []

    servers = _ask_hub(page, "GET", "users/ben", None)
    assert '"servers": {}' in servers["text"]


def _ask_hub(page: Page, method: str, path: str, body: object) -> dict[str, Any]:
    """Ask the hub's API with the person's own session and XSRF token."""
    answer: dict[str, Any] = page.evaluate(
        """async ([method, path, body]) => {
             const token = document.querySelector('input[name=_xsrf]').value;
             const answer = await fetch(`/hub/api/${path}?_xsrf=${token}`, {
               method,
               headers: {'Content-Type': 'application/json'},
               body: body === null ? undefined : JSON.stringify(body),
             });
             return {status: answer.status, text: await answer.text()};
           }""",
        [method, path, body],
    )
    return answer
