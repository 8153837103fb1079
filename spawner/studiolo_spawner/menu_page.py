"""The menu as HTML: the inner fields of the form that JupyterHub's spawn page holds. Pure but for
its files.

Template, style sheet and script are read once, when this module is imported; a page is then
rendered from memory alone. Everything that comes from the catalogue or the user is escaped. The
page works without JavaScript, by keyboard and by screen reader; the script only narrows the list
while one ticks.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from studiolo_spawner.menu import Menu

_HERE = Path(__file__).parent

MENU_CSS: str = (_HERE / "static" / "menu.css").read_text(encoding="utf-8")
MENU_JS: str = (_HERE / "static" / "menu.js").read_text(encoding="utf-8")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATE = _ENVIRONMENT.get_template("menu.html")
# Our own files, not the catalogue's words: the only text that is not escaped.
_STYLE, _SCRIPT = Markup(MENU_CSS), Markup(MENU_JS)  # noqa: S704


def render_menu(menu: Menu, *, inline_assets: bool = True) -> str:
    """The form's fields. With `inline_assets` the style sheet and the script stand in it.

    A page that includes both by itself passes False.
    """
    return _TEMPLATE.render(
        menu=menu,
        style=_STYLE if inline_assets else "",
        script=_SCRIPT if inline_assets else "",
    )
