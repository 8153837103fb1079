"""The language of the pages: jinja2's gettext, for JupyterHub's template environments.

Our templates write every text as `_("…")`. JupyterHub's environments know no `_`, and its
configuration can only add extensions to them; so this is one. Without a translation the texts are
shown as they stand. Words that Python code makes (errors, states) are English for now.
"""

from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import InternationalizationExtension


def pages_extension(translation: Path | None) -> type[InternationalizationExtension]:
    """Return an extension that installs the texts of a compiled gettext file (.mo), or none."""
    texts = NullTranslations()
    if translation is not None:
        with translation.open("rb") as file:
            texts = GNUTranslations(file)

    class PagesTranslation(InternationalizationExtension):
        def __init__(self, environment: Environment) -> None:
            super().__init__(environment)
            # Not "newstyle": that formats every text, and a message may hold a percent sign.
            environment.install_gettext_translations(texts, newstyle=False)  # type: ignore[attr-defined]

    return PagesTranslation
