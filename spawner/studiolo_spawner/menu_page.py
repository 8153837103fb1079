"""The menu as HTML: the inner fields of the form that JupyterHub's spawn page holds. Pure but for
its files.

Templates, style sheet and script are read once, when this module is imported; a page is then
rendered from memory alone, and the card of an image or a profile that was shown before in the same
way is not made again. Everything that comes from the catalogue or the user is escaped. The page
works without JavaScript, by keyboard and by screen reader; the script narrows the list while one
ticks and keeps what is free up to date.
"""

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from studiolo_spawner.catalogue_menu import Lock
from studiolo_spawner.choice import Choice
from studiolo_spawner.menu import ImageOption, Menu, ProfileOption
from studiolo_spawner.menu_words import forget_words
from studiolo_spawner.translation import translate, translate_number
from studiolo_spawner.wishes import forget_wishes

_HERE = Path(__file__).parent

ASSETS_DIR = _HERE / "static"
MENU_CSS, MENU_JS = (
    "\n".join(
        (ASSETS_DIR / f"{name}.{kind}").read_text(encoding="utf-8")
        for name in ("menu", "custom_image")
    )
    for kind in ("css", "js")
)

_KEPT_CARDS = 8192
"""A few hundred bytes to two kilobytes each."""

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    extensions=["jinja2.ext.i18n"],
)
# Not "newstyle": that formats every text, and a text may hold a percent sign.
_ENVIRONMENT.install_gettext_callables(  # type: ignore[attr-defined]
    translate, translate_number, newstyle=False
)
_TEMPLATE = _ENVIRONMENT.get_template("menu.html")
_CARDS = _ENVIRONMENT.get_template("menu_cards.html").module
# Our own files, not the catalogue's words: the only text that is not escaped.
_STYLE, _SCRIPT = Markup(MENU_CSS), Markup(MENU_JS)  # noqa: S704


def render_menu(
    menu: Menu,
    *,
    inline_assets: bool = True,
    capacity_url: str = "",
    spawn_url: str = "",
    check_url: str = "",
) -> str:
    """The form's fields. With `inline_assets` the style sheet and the script stand in it.

    A page that includes both by itself passes False. ``capacity_url``: where what is free is told
    while the page is open; ``spawn_url``: what a link to a choice begins with; ``check_url``: where
    an image is checked while it is typed. Without them there is none of it.
    """
    locks = menu.locks
    return _TEMPLATE.render(
        menu=menu,
        images=_joined([_image_card(option, locks.image) for option in menu.images]),
        profiles=_joined([_profile_card(option, locks.profile) for option in menu.profiles]),
        capacity_url=capacity_url,
        spawn_url=spawn_url,
        check_url=check_url,
        link=link_query(menu),
        style=_STYLE if inline_assets else "",
        script=_SCRIPT if inline_assets else "",
    )


def link_query(menu: Menu) -> str:
    """What is selected as the query of a link that fills the menu in."""
    choice = menu.selected
    shown = Choice(
        image=menu.selected_image,
        profile=menu.selected_profile,
        tasks=choice.tasks,
        tools=choice.tools,
        frameworks=choice.frameworks,
        fallback=choice.fallback,
        custom_image=choice.custom_image,
    )
    fields: list[tuple[str, str]] = []
    for name in ("image", "custom_image", "profile"):
        value = getattr(shown, name)
        fields += [(name, value)] if value is not None else []
    fields += [("task", task) for task in sorted(shown.tasks)]
    fields += [("tool", tool) for tool in sorted(shown.tools)]
    fields += [("framework", name + v) for name, v in sorted(shown.frameworks.items())]
    fields += [("fallback", "only")] if shown.fallback is False else []
    return urlencode([(f"opt-{name}", value) for name, value in fields])


def forget_pages() -> None:
    """Render everything anew, in another language."""
    forget_words()
    forget_wishes()
    _image_card.cache_clear()
    _profile_card.cache_clear()


def _joined(cards: list[str]) -> Markup:
    # Each card has been escaped by its template.
    return Markup("".join(cards))  # noqa: S704


@lru_cache(maxsize=_KEPT_CARDS)
def _image_card(option: ImageOption, lock: Lock | None) -> str:
    return str(_CARDS.image_card(option, lock))  # type: ignore[attr-defined]


@lru_cache(maxsize=_KEPT_CARDS)
def _profile_card(option: ProfileOption, lock: Lock | None) -> str:
    return str(_CARDS.profile_card(option, lock))  # type: ignore[attr-defined]
