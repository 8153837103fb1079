"""The menu's script and style in a real browser: narrowing, recommending, what is free, the wide
target, the keyboard, no script.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from jupyterhub._data import DATA_FILES_PATH
from playwright.sync_api import Browser, Page, Route, expect
from studiolo_hub.pages import STATIC_DIR
from studiolo_spawner.capacity import Free
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.choice import choice_from_form
from studiolo_spawner.image_health import ImageProblem
from studiolo_spawner.menu import build_menu
from studiolo_spawner.menu_page import render_menu
from studiolo_spawner.offer import Person

from tests.browser.accessibility import assert_accessible
from tests.spawner.catalogues import catalogue, example, gpu_profile, image, profile, pytorch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

ANA = Person("ana")
SENT = "() => Object.fromEntries(new FormData(document.getElementById('spawn_form')))"
WIRE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contract" / "capacity.json").read_text("utf-8")
)
Show = Callable[..., Page]


def document(parsed: Catalogue, **options: Any) -> str:
    """The form alone, without a hub around it."""
    urls = {"capacity_url": options.pop("capacity_url", ""), "spawn_url": "/hub/spawn"}
    form = render_menu(build_menu(parsed, ANA, **options), **urls)
    return (
        "<!doctype html><html lang='en'><body><form id='spawn_form'>"
        f"{form}<button type='submit'>Start</button><p id='st-chosen'></p></form></body></html>"
    )


@pytest.fixture
def show(chromium: Browser) -> Iterator[Show]:
    """Open a menu; a fault of the script fails the test."""
    page = chromium.new_page(offline=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def opened(parsed: Catalogue | None = None, **options: Any) -> Page:
        page.set_content(document(parsed or example(), **options))
        return page

    yield opened
    page.close()
    assert errors == []


@pytest.fixture
def menu(show: Show) -> Page:
    """The example's menu."""
    return show()


def shown(page: Page) -> list[str]:
    """The images that can be seen, by their names."""
    images = page.get_by_role("group", name="Image", exact=True).get_by_role("radio")
    return [image.get_attribute("value") or "" for image in images.all() if image.is_visible()]


def choose(page: Page, field: str, name: str) -> None:
    """Press a card, which its label covers."""
    page.locator(f"label[for='st-{field}-{name}']").click()


def picked(page: Page) -> dict[str, str]:
    """What is marked as recommended, with the reasons, by the names of images and profiles."""
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries(Array.from(document.querySelectorAll(".st-pick"), (line) => [
             line.closest(".st-option").querySelector(".st-name").textContent,
             line.querySelector("span").textContent]))"""
    )
    return found


def test_ticking_narrows_and_unticking_widens(menu: Page) -> None:
    everything = shown(menu)
    assert len(everything) == 4
    menu.get_by_label("TensorBoard").check()
    assert shown(menu) == ["pytorch-2.9", "pytorch-2.8", "tensorflow-2.20"]
    expect(menu.locator("#st-fits")).to_contain_text("3 of 4 images fit.")
    menu.get_by_label("fine-tune").check()
    assert shown(menu) == ["pytorch-2.9", "pytorch-2.8"]
    menu.get_by_label("TensorBoard").uncheck()
    menu.get_by_label("fine-tune").uncheck()
    assert shown(menu) == everything
    expect(menu.locator("#st-fits")).to_have_text("")


def test_a_framework_and_its_version_narrow(menu: Page) -> None:
    select = menu.get_by_label("PyTorch", exact=True)
    assert select.locator("option").all_text_contents() == [
        "not needed",
        "any version",
        "2.9",
        "2.8",
        "2.8 or newer",
    ]
    select.select_option("any version")
    assert shown(menu) == ["pytorch-2.9", "pytorch-2.8"]
    select.select_option("2.8")
    assert shown(menu) == ["pytorch-2.8"]
    assert menu.evaluate(SENT)["image"] == "pytorch-2.8"
    assert picked(menu)["PyTorch 2.8"] == "Has PyTorch 2.8.0."


def test_what_is_not_seen_is_not_sent(menu: Page) -> None:
    assert menu.evaluate(SENT)["image"] == "pytorch-2.9"
    menu.get_by_label("teach").check()
    assert shown(menu) == ["python-3.13"]
    assert menu.evaluate(SENT)["image"] == "python-3.13"


def test_when_nothing_fits_everything_stays(menu: Page) -> None:
    menu.get_by_label("teach").check()
    menu.get_by_label("TensorBoard").check()
    assert len(shown(menu)) == 4
    expect(menu.locator("#st-fits")).to_contain_text("No image provides all of this")


FAST = [
    profile("cpu", tasks=["teach"]),
    gpu_profile("large", price_per_hour=2, tasks=["train"]),
    gpu_profile("small", price_per_hour=1),
]


def several() -> Catalogue:
    """Images that overlap, with a deprecated and a moved one; profiles with and without tasks."""
    images = [
        image("plain", tasks=["teach"], provides={"tools": ["jupyterlab"]}),
        pytorch("2.8.0", deprecated="Old.", tasks=["train", "explore"]),
        pytorch("2.9.1", tasks=["train", "explore"]),
        image(
            "jax",
            tasks=["train"],
            provides={"tools": ["vscode"], "frameworks": {"jax": "0.8.0"}, "cuda": "12.8"},
        ),
    ]
    return catalogue(images, FAST)


def test_whoever_has_not_chosen_gets_what_is_recommended(show: Show) -> None:
    page = show(several())
    assert page.evaluate(SENT)["profile"] == "cpu"
    page.get_by_label("train").check()
    assert (page.evaluate(SENT)["image"], page.evaluate(SENT)["profile"]) == (
        "pytorch-2.9.1",
        "large",
    )
    expect(page.locator("#st-chosen")).to_have_text("The pytorch-2.9.1 with The large")
    assert page.locator("#st-take").is_hidden()


def test_whoever_has_chosen_keeps_it_and_may_take_the_recommendation(show: Show) -> None:
    page = show(several())
    choose(page, "image", "jax")
    choose(page, "profile", "small")
    page.get_by_label("train").check()
    assert page.evaluate(SENT)["image"] == "jax"
    page.get_by_role("button", name="Take what is recommended").click()
    assert page.evaluate(SENT)["image"] == "pytorch-2.9.1"
    assert page.evaluate(SENT)["profile"] == "large"
    expect(page.get_by_role("button", name="Start")).to_be_focused()
    assert page.locator("#st-take").is_hidden()


def test_the_last_choice_is_kept_as_long_as_it_fits(show: Show) -> None:
    saved = choice_from_form({"image": ["jax"], "profile": ["small"]})
    page = show(several(), saved=saved)
    page.get_by_label("train").check()
    assert (page.evaluate(SENT)["image"], page.evaluate(SENT)["profile"]) == ("jax", "small")
    page.get_by_label("TensorBoard").check()
    assert page.evaluate(SENT)["image"] == "pytorch-2.9.1"


FIELDS = [
    ("task", "explore"),
    ("task", "train"),
    ("task", "teach"),
    ("tool", "tensorboard"),
    ("tool", "vscode"),
    ("framework", "pytorch"),
    ("framework", "pytorch==2.8.*"),
    ("framework", "jax"),
]
STATES = {
    "unknown": {},
    "free": {"large": Free(0, 4, 0), "small": Free(3, 4, 2, fits=3)},
    "full": {"large": Free(0, 4, 0), "small": Free(0, 4, 0), "cpu": Free(0, 0, 0, fits=1)},
}


@pytest.mark.parametrize("capacity", STATES.values(), ids=STATES)
def test_the_script_recommends_what_the_server_does(show: Show, capacity: dict[str, Free]) -> None:
    page = show(several(), capacity=capacity)
    for count in range(4):
        for asked in combinations(FIELDS, count):
            if sum(field == "framework" and "pytorch" in value for field, value in asked) > 1:
                continue
            form: dict[str, list[str]] = {}
            for field, value in asked:
                form.setdefault(field, []).append(value)
            saved = choice_from_form(form)
            server = build_menu(several(), ANA, saved=saved, origin="form", capacity=capacity)
            page.evaluate(
                """(asked) => {
                  for (const box of document.querySelectorAll("[name=task], [name=tool]")) {
                    box.checked = asked.some(([f, v]) => f === box.name && v === box.value);
                  }
                  for (const select of document.querySelectorAll("[name=framework]")) {
                    const mine = asked.find(([f, v]) => f === "framework" &&
                      v.split("=")[0] === select.dataset.id);
                    select.value = mine ? mine[1] : "";
                  }
                  document.querySelector("[name=task]").dispatchEvent(
                    new Event("change", {bubbles: true}));
                }""",
                [list(each) for each in asked],
            )
            images = {i.words.display_name: i.recommended for i in server.images}
            profiles = {p.words.display_name: p.recommended for p in server.profiles}
            expected = {name: why for name, why in (images | profiles).items() if why}
            # Where no image fits the server still names a profile; the page names neither.
            assert picked(page) == (expected if any(images.values()) else {}), asked
            assert page.locator("#st-fits").text_content() == server.summary, asked


def test_searching_by_name_shows_what_is_called_so(menu: Page) -> None:
    menu.get_by_label("Search by name").fill("pyTORCH 2.8")
    # The chosen one is always seen.
    assert shown(menu) == ["pytorch-2.9", "pytorch-2.8"]
    expect(menu.locator("#st-fits")).to_have_text("1 of 4 images are called so.")
    menu.get_by_label("Search by name").fill("nothing of the kind")
    expect(menu.locator("#st-fits")).to_have_text("No image is called so.")
    assert len(shown(menu)) == 4
    menu.get_by_label("Search by name").press("Enter")
    assert "Start" in menu.content()
    menu.get_by_label("Search by name").fill("")
    expect(menu.locator("#st-fits")).to_have_text("")


def test_of_very_many_images_the_first_are_shown_until_one_asks(show: Show) -> None:
    many = catalogue([image(f"i{n}") for n in range(40)], defaults={"image": "i30"})
    page = show(many)
    assert shown(page) == [*(f"i{n}" for n in range(12)), "i30"]
    page.get_by_role("button", name="Show all 40 images").click()
    assert len(shown(page)) == 40
    expect(page.get_by_role("radio", name="The i13", exact=True)).to_be_focused()


def test_the_link_follows_the_choice(menu: Page) -> None:
    menu.get_by_label("fine-tune").check()
    choose(menu, "image", "pytorch-2.8")
    href = menu.get_by_role("link", name="Link to this choice").get_attribute("href") or ""
    assert href.startswith("/hub/spawn?")
    assert "opt-image=pytorch-2.8" in href
    assert "opt-task=fine-tune" in href
    assert "xsrf" not in href


def test_a_fixed_field_stays_as_it_is(show: Show) -> None:
    lock = {"image": "jax", "profile": "small"}
    parsed = several().model_dump(mode="json") | {"menu": {"locked": [lock]}}
    page = show(Catalogue.model_validate(parsed))
    page.get_by_label("train").check()
    assert (page.evaluate(SENT)["image"], page.evaluate(SENT)["profile"]) == ("jax", "small")
    expect(page.locator("#st-images")).to_contain_text("Fixed by your administrators.")
    expect(page.locator("#st-chosen")).to_have_text("The jax with The small")


# -- what is free while the page is open


def live(chromium: Browser, told: list[dict[str, Any]]) -> Page:
    """A menu whose stream tells one document for each connection."""
    profiles = [
        profile("cpu"),
        gpu_profile("gpu"),
        gpu_profile("gpu-2"),
        gpu_profile("mig-1g.10gb"),
        gpu_profile("gpu-shared"),
    ]
    page = chromium.new_page()
    text = document(catalogue(profiles=profiles), capacity_url="/hub/studiolo/capacity")

    def answer(route: Route) -> None:
        if route.request.url.endswith("/capacity"):
            if not told:
                route.fulfill(status=503)
                return
            body = f"retry: 60000\ndata: {json.dumps(told.pop(0))}\n\n"
            route.fulfill(content_type="text/event-stream", body=body)
        else:
            route.fulfill(content_type="text/html", body=text)

    page.route("**/*", answer)
    page.goto("http://menu.test/hub/spawn")
    return page


def test_a_quota_that_fills_while_one_chooses(chromium: Browser) -> None:
    full = WIRE["a quota that is used up"]
    gone = {**full, "refused": {}}
    page = live(chromium, [full, gone])
    gpu = page.locator("[data-profile=gpu]")
    # It can be had again by the second document, which comes when the page looks again.
    expect(gpu.locator(".st-refusal")).to_have_text(f"Not to be had now. {full['refused']['gpu']}")
    expect(page.get_by_role("radio", name="The gpu", exact=True)).to_be_disabled()
    expect(page.locator("#st-quotas")).to_have_text("2 of 2 GPUs of Students in use by ben and eve")
    expect(gpu.locator(".st-refusal")).to_be_hidden()
    expect(page.get_by_role("radio", name="The gpu", exact=True)).to_be_enabled()
    page.close()


def test_what_is_chosen_stays_so_and_says_that_it_cannot_be_had(chromium: Browser) -> None:
    told: list[dict[str, Any]] = []
    page = live(chromium, told)
    choose(page, "profile", "gpu")
    told.append(WIRE["a quota that is used up"])
    expect(page.locator("#st-chosen")).to_contain_text("The gpu. Not to be had now. 2 of 2 GPUs")
    radio = page.get_by_role("radio", name="The gpu", exact=True)
    expect(radio).to_be_checked()
    expect(radio).to_be_enabled()
    choose(page, "profile", "cpu")
    expect(radio).to_be_disabled()
    expect(page.locator("#st-chosen")).not_to_contain_text("Not to be had")
    page.close()


def test_what_is_free_is_brought_up_to_date_and_nothing_is_chosen_by_it(chromium: Browser) -> None:
    documents = [WIRE["one GPU of several kinds, and a quota of a group"]]
    documents.append(WIRE["free, but not for a whole workspace"])
    page = live(chromium, list(documents))
    choose(page, "profile", "gpu")
    gpu = page.locator("[data-profile=gpu]")
    for wanted in documents:
        expect(gpu.locator(".st-free-words")).to_have_text(wanted["profiles"]["gpu"]["text"])
        expect(gpu).to_have_attribute("data-state", wanted["profiles"]["gpu"]["state"])
    quotas = page.locator("#st-quotas")
    expect(quotas).to_be_hidden()
    expect(page.get_by_role("radio", name="The gpu", exact=True)).to_be_checked()
    # The stream is gone for good: the figures stay, with the time that they are of.
    expect(page.locator("#st-as-of")).to_contain_text("What is free was last heard of at")
    page.close()


def test_quotas_are_told_as_text(chromium: Browser) -> None:
    told = json.loads(json.dumps(next(iter(WIRE.values()))))
    told["quotas"][0]["text"] = "<img src=x> 2 of 4"
    page = live(chromium, [told])
    expect(page.get_by_role("list", name="Quotas")).to_have_text("<img src=x> 2 of 4")
    assert page.locator("#st-quotas img").count() == 0
    page.close()


def test_a_page_that_nobody_looks_at_asks_for_nothing(chromium: Browser) -> None:
    page = live(chromium, [])
    page.evaluate(
        """() => { Object.defineProperty(document, "hidden", {value: true});
                   document.dispatchEvent(new Event("visibilitychange")); }"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    page.close()


# -- mouse, keyboard, no script


def test_the_whole_card_is_the_target(menu: Page) -> None:
    card = menu.locator("#st-profiles .st-option", has_text="A slice of a GPU").first
    box = card.bounding_box()
    assert box
    card.click(position={"x": box["width"] - 4, "y": box["height"] - 4})
    expect(menu.get_by_role("radio", name="A slice of a GPU")).to_be_checked()


def test_arrow_keys_choose_and_step_over_what_is_hidden(menu: Page) -> None:
    menu.get_by_label("VS Code").check()
    menu.get_by_role("radio", name="PyTorch 2.8").focus()
    menu.keyboard.press("ArrowDown")
    expect(menu.get_by_role("radio", name="Plain Python 3.13")).to_be_checked()


def test_without_script_everything_is_there(chromium: Browser) -> None:
    page = chromium.new_page(offline=True, java_script_enabled=False)
    page.set_content(document(example()))
    assert len(shown(page)) == 4
    expect(page.get_by_role("radio", name="PyTorch 2.9")).to_be_checked()
    expect(page.get_by_role("radio", name="One GPU")).to_be_visible()
    expect(page.get_by_role("button", name="Show what fits")).to_be_visible()
    expect(page.get_by_label("Search by name")).to_be_hidden()
    page.close()


# -- what few people see, with the look of the hub's pages


LOOKS = "".join(
    f"<style>{file.read_text('utf-8')}</style>"
    for file in (
        Path(DATA_FILES_PATH) / "static" / "css" / "style.min.css",
        STATIC_DIR / "studiolo.css",
    )
)


def seldom() -> dict[str, str]:
    """Menus with fixed, refused and missing entries, and problems of images."""
    locked = {"locked": [{"image": "jax", "profile": "small", "message": "For the exam."}]}
    parsed = several().model_dump(mode="json")
    reserved = [image("a"), image("b", groups=["lab"])]
    refused = {"large": "2 of 2 GPUs of the group are in use by ben."}
    gone = {"plain": ImageProblem("Its last check failed.", avoid=True)}
    return {
        "fixed": document(Catalogue.model_validate(parsed | {"menu": locked})),
        "refused by a quota": document(several(), refused=refused, quotas=["2 of 2 GPUs in use"]),
        "for others": document(catalogue(reserved, menu={"not_permitted": "show"})),
        "nothing at all": document(
            catalogue([image("a", groups=["lab"])], [profile("p", groups=["lab"])])
        ),
        "a problem": document(several(), problems=gone),
    }


@pytest.mark.parametrize("html", seldom().values(), ids=seldom())
def test_what_few_people_see_is_accessible_too(chromium: Browser, html: str) -> None:
    page = chromium.new_page(offline=True)
    start, end = "<body><main class='st-page'><h1>Choose</h1>", "</main></body>"
    framed = html.replace("<body>", f"<head><title>Menu</title>{LOOKS}</head>{start}")
    page.set_content(framed.replace("</body>", end))
    for details in page.locator("details").all():
        details.evaluate("(element) => { element.open = true; }")
    assert_accessible(page)
    page.close()
