"""The language of the pages: gettext, for JupyterHub's template environments and for our own words.

Our templates write every text as `_("…")`. JupyterHub's environments know no `_`, and its
configuration can only add extensions to them; so this is one. Texts that Python code makes for the
menu, the errors and the lists go through `studiolo_spawner.translation`, which is given the same
language here. Without a translation every text is shown as it stands.

What stays English: JupyterHub's own pages (API tokens, permissions for other applications), the
log, the API's labels, and what is wrong with the catalogue's or the settings' file.
"""

from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import InternationalizationExtension
from studiolo_spawner import menu_page, translation

from studiolo_hub.settings_brand import Brand

TRANSLATIONS_DIR = Path(__file__).parent / "translations"


class PagesTranslation(InternationalizationExtension):
    """Gives a template environment the installed language."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # Not "newstyle": that formats every text, and a message may hold a percent sign.
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            translation.translate, translation.translate_number, newstyle=False
        )


def install_language(brand: Brand) -> None:
    """Speak the brand's language from now on, in this process."""
    translation.install(_texts(brand))
    menu_page.forget_pages()


def _texts(brand: Brand) -> NullTranslations:
    file = brand.translation
    if file is None and brand.language != "en":
        file = TRANSLATIONS_DIR / f"{brand.language}.mo"
    if file is None:
        return NullTranslations()
    with file.open("rb") as opened:
        return GNUTranslations(opened)
