"""The menu's page: everything escaped, every input labelled, one of each selected."""

from collections import Counter
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.choice import Choice, choice_from_form
from studiolo_spawner.image_health import ImageProblem
from studiolo_spawner.menu import build_menu
from studiolo_spawner.menu_page import MENU_CSS, MENU_JS, render_menu
from studiolo_spawner.offer import Person
from studiolo_spawner.resolve import resolve

from tests.spawner.catalogues import catalogue, example, gpu_profile, image, profile

ANA = Person("ana")
VOID = {"input", "br", "meta", "link"}


class Page(HTMLParser):
    """What a browser makes of it: elements in order, text, and whether tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.selected: list[tuple[str, str]] = []
        """The option of each select that is sent: the one that is marked, or the first."""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "select":
            self.selected.append((dict(attrs)["name"] or "", ""))
        if tag == "option" and "selected" in dict(attrs):
            self.selected[-1] = (self.selected[-1][0], dict(attrs)["value"] or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.texts.append(data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in attributes.items())
        ]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def submitted(self) -> dict[str, list[str]]:
        """The form's data when nothing was touched, as a browser sends it."""
        data: dict[str, list[str]] = {}
        for field in self.all("input"):
            if field["type"] in {"radio", "checkbox"} and "checked" not in field:
                continue
            if name := field.get("name"):
                data.setdefault(name, []).append(field.get("value") or "")
        for name, value in self.selected:
            data.setdefault(name, []).append(value)
        return data


def page_of(parsed: Catalogue, saved: Choice | None = None, person: Person = ANA) -> Page:
    return Page(render_menu(build_menu(parsed, person, saved=saved)))


def test_the_groups_in_their_order() -> None:
    html = render_menu(build_menu(example(), ANA))
    legends = [part.partition("<")[0] for part in html.split("<legend>")[1:]]
    assert legends == [
        "What do you want to do?",
        "With what?",
        "Image",
        "GPU profile",
        "If this image cannot start",
    ]
    assert len(Page(html).all("fieldset")) == 5


def test_one_of_each_is_selected() -> None:
    page = page_of(example())
    for name in ("image", "profile", "fallback"):
        checked = [f for f in page.all("input", type="radio", name=name) if "checked" in f]
        assert len(checked) == 1


def test_every_input_has_a_label_and_what_it_refers_to_exists() -> None:
    page = page_of(example())
    labelled = {label["for"] for label in page.all("label")}
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    for field in (*page.all("input"), *page.all("select")):
        assert field.get("id") in labelled or field.get("aria-labelledby") in ids
        described = field.get("aria-describedby")
        assert described is None or described in ids
        assert "list" not in field or field["list"] in ids


def test_untouched_it_submits_the_default_choice() -> None:
    choice = choice_from_form(page_of(example()).submitted())
    assert choice == Choice("pytorch-2.9", "cpu", fallback=True)
    assert resolve(example(), ANA, choice).requested.id == "pytorch-2.9"


def test_untouched_it_submits_the_saved_choice() -> None:
    saved = Choice(
        "pytorch-2.9",
        "gpu",
        frozenset({"train"}),
        frozenset({"vscode"}),
        {"pytorch": ">=2.8"},
        False,
    )
    assert choice_from_form(page_of(example(), saved).submitted()) == saved


HOSTILE = [
    "{{7*7}}",
    "{% raise %}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "' onmouseover='alert(1)",
    "{0.__class__}",
    "%(secret)s",
    "</style><script>x</script>",
    "&lt;b&gt;",
    "<!--",
]


def hostile_catalogue(text: str) -> Catalogue:
    return catalogue(
        [
            image("a", display_name=text, description=text, deprecated=text),
            image("b", redirect={"to": "a", "message": text}),
        ],
        [
            gpu_profile(
                "p", display_name=text, description=text, gpu={"model": text, "memory_gib": 1}
            )
        ],
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_what_the_catalogue_says_is_shown_literally(text: str) -> None:
    plain = page_of(hostile_catalogue("harmless"))
    page = page_of(hostile_catalogue(text))
    assert page.text.count(" ".join(text.split())) >= 7
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert [set(a) for _, a in page.elements] == [set(a) for _, a in plain.elements]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=40))
def test_no_text_adds_an_element(text: str) -> None:
    display = {"display_name": text}
    try:
        parsed = catalogue([image("a", **display)], [profile("p", **display)])
    except ValueError:
        return
    plain = page_of(catalogue([image("a")], [profile("p")]))
    assert [tag for tag, _ in page_of(parsed).elements] == [tag for tag, _ in plain.elements]


def test_notices_and_saved_names_are_escaped() -> None:
    saved = Choice("<b>bold</b>", frameworks={"<i>": '"><script>'})
    page = page_of(example(), saved)
    assert 'The image "<b>bold</b>" is not offered to you now.' in page.text
    assert page.all("b") == page.all("i") == []


def test_the_facts_of_a_profile_are_shown() -> None:
    text = page_of(example()).text
    for fact in (
        "NVIDIA L40S, 48 GiB",
        "8 CPU cores",
        "64 GiB memory",
        "1.20 EUR per hour",
        "Stopped after 1 hour without activity; a GPU at 5 % or more is activity.",
        "Stopped 3 days after the start, used or not.",
        "Shared in turns: others compute on the same GPU.",
    ):
        assert fact in text


def test_the_facts_of_an_image_are_shown() -> None:
    text = page_of(example()).text
    assert "Deprecated. Will be removed in the autumn." in text
    assert "PyTorch 2.9.1" in text
    assert "For: explore, fine-tune, train" in text


def test_a_problem_is_shown_as_text_beside_a_sign_and_the_image_can_be_chosen() -> None:
    problems = {"python-3.13": ImageProblem("Its last check failed. <b>Gone</b>.", avoid=True)}
    page = Page(render_menu(build_menu(example(), ANA, problems=problems)))
    assert "Its last check failed. <b>Gone</b>." in page.text
    assert page.all("span", **{"aria-hidden": "true"})
    (field,) = page.all("input", name="image", value="python-3.13")
    assert "disabled" not in field


def test_simulated_gpus_are_marked() -> None:
    gpu: dict[str, Any] = {"model": "X", "memory_gib": 1}
    marked = catalogue(profiles=[gpu_profile(gpu={**gpu, "simulated": True})])
    assert "Simulated: there is no real GPU behind it." in page_of(marked).text
    assert "Simulated" not in page_of(catalogue(profiles=[gpu_profile(gpu=gpu)])).text


def test_without_fallback_it_is_not_asked() -> None:
    page = page_of(catalogue(defaults={"fallback": {"allowed": False}}))
    assert page.all("input", name="fallback") == []
    assert choice_from_form(page.submitted()) == Choice("python", "cpu")


def test_an_empty_menu_says_so() -> None:
    parsed = catalogue([image("a", groups=["g"])], [profile("c", groups=["g"])])
    assert "No image is offered to you." in page_of(parsed).text


def test_nothing_comes_from_another_host() -> None:
    page = page_of(example())
    for _, attributes in page.elements:
        assert not {"src", "href", "action", "style", "onclick"} & set(attributes)
    for asset in (MENU_CSS, MENU_JS):
        assert "//" not in asset.replace("// ", "")
        assert "url(" not in asset
        assert "@import" not in asset


def test_style_and_script_stand_in_it_or_not() -> None:
    menu = build_menu(example(), ANA)
    assert f"<style>{MENU_CSS}</style>" in render_menu(menu)
    assert f"<script>{MENU_JS}</script>" in render_menu(menu)
    without = Page(render_menu(menu, inline_assets=False))
    assert without.all("style") == without.all("script") == []


def test_style_and_script_cannot_end_their_element() -> None:
    assert "</" not in MENU_CSS
    assert "</" not in MENU_JS


# -- fixed fields, quotas, links and what is followed


def test_a_fixed_field_is_shown_with_its_value_and_sent() -> None:
    lock = {"image": "a", "profile": "p", "fallback": False, "message": "For the exam."}
    parsed = catalogue([image("a"), image("b")], [profile("p")], menu={"locked": [lock]})
    page = page_of(parsed)
    assert page.all("input", type="radio") == []
    assert [f["value"] for f in page.all("input", type="hidden")] == ["a", "p"]
    assert page.text.count("Fixed by your administrators. For the exam.") == 3
    assert "The b" not in page.text
    choice = choice_from_form(page.submitted())
    assert resolve(parsed, ANA, choice).requested.id == "a"


def test_what_a_quota_refuses_has_its_reason_and_cannot_be_chosen() -> None:
    refused = {"gpu": "4 of 4 GPUs are in use by <b>ben</b>."}
    menu = build_menu(example(), ANA, refused=refused, quotas=["4 of 4 GPUs in use"])
    page = Page(render_menu(menu))
    (radio,) = page.all("input", name="profile", value="gpu")
    assert "disabled" in radio
    assert [f["value"] for f in page.all("input", name="profile") if "disabled" in f] == ["gpu"]
    assert "Not to be had now. 4 of 4 GPUs are in use by <b>ben</b>." in page.text
    assert "4 of 4 GPUs in use" in page.text


def test_what_is_for_others_cannot_be_chosen() -> None:
    parsed = catalogue([image("a"), image("b", groups=["<lab>"])], menu={"not_permitted": "show"})
    page = page_of(parsed)
    assert "For members of <lab>." in page.text
    assert [f["value"] for f in page.all("input", name="image")] == ["a"]


@pytest.mark.parametrize(
    "saved",
    [
        None,
        Choice("python-3.13", "gpu", fallback=False),
        Choice("pytorch-2.9", tasks=frozenset({"train"}), frameworks={"pytorch": ">=2"}),
    ],
    ids=["untouched", "plain", "with wishes"],
)
def test_a_link_to_the_choice_fills_the_same_in(saved: Choice | None) -> None:
    menu = build_menu(example(), ANA, saved=saved)
    (link,) = Page(render_menu(menu, spawn_url="/hub/spawn")).all("a", id="st-link")
    address = urlsplit(link["href"] or "")
    assert address.path == "/hub/spawn"
    query = {name.removeprefix("opt-"): v for name, v in parse_qs(address.query).items()}
    again = build_menu(example(), ANA, saved=choice_from_form(query), origin="link")
    assert (again.selected_image, again.selected_profile) == (
        menu.selected_image,
        menu.selected_profile,
    )
    assert again.selected.frameworks == menu.selected.frameworks
    assert again.selected.tasks == menu.selected.tasks


def test_without_a_hub_there_is_neither_link_nor_stream() -> None:
    page = page_of(example())
    assert page.all("a") == []
    (menu,) = page.all("div", id="st-menu")
    assert menu["data-capacity"] == ""
