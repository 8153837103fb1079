"""The panel's texts, read out of its sources; and their translations as JupyterLab reads them."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from tests.hub.texts import REPOSITORY, add_text, updated, write_catalogue

DOMAIN = "jupyterlab_studiolo"
SOURCES = REPOSITORY / "labextension" / "src"
LOCALES = REPOSITORY / "labextension" / DOMAIN / "locale"
_KEYWORDS: dict[str, tuple[int, ...] | None] = {"__": None, "_n": (1, 2)}


def texts() -> Catalog:
    """Every text with the files that it is in."""
    catalogue = Catalog(project="studiolo", charset="utf-8", fuzzy=False)
    for file in sorted(SOURCES.rglob("*.ts*")):
        found = extract("javascript", BytesIO(file.read_bytes()), _KEYWORDS)
        for _line, message, _comments, _context in found:
            add_text(catalogue, message, file)
    return catalogue


def catalogues() -> dict[str, Path]:
    """The file that people edit, by its language."""
    return {
        file.parents[1].name: file for file in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    }


def catalogue_of(language: str) -> Catalog:
    """A language's catalogue as it stands."""
    with catalogues()[language].open("rb") as file:
        return read_po(file, locale=language)


def forms(text: object) -> tuple[str, ...]:
    """A text, or its forms for one and for many."""
    return tuple(map(str, text)) if isinstance(text, tuple | list) else (str(text),)


def as_json(catalogue: Catalog, language: str) -> str:
    """The form in which JupyterLab's language packs are, too."""
    header = {
        "domain": DOMAIN,
        "language": language.replace("_", "-"),  # JupyterLab looks its texts up by this
        "plural_forms": catalogue.plural_forms,
        "version": "",
    }
    messages: dict[str, object] = {"": header}
    for message in sorted(catalogue, key=lambda each: str(each.id)):
        if message.id:
            messages[forms(message.id)[0]] = list(forms(message.string))
    return json.dumps(messages, ensure_ascii=False, indent=1) + "\n"


def update_catalogues() -> int:
    """Write all anew; return how many texts lack a translation."""
    lacking, known = 0, texts()
    for language, file in catalogues().items():
        comment = f"# Studiolo's panel in the language {language}."
        catalogue, empty = updated(catalogue_of(language), known, comment)
        write_catalogue(file, catalogue)
        file.with_suffix(".json").write_text(as_json(catalogue, language), "utf-8")
        lacking += empty
    return lacking
