"""The panel's texts, read out of its sources; and their translations as JupyterLab reads them.

They are those of the front end, the sentences of the server (`Said`), and the titles and
descriptions of the settings.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.catalog import Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jupyterlab_server.translation_utils import DEFAULT_SCHEMA_SELECTORS
from jupyterlab_studiolo.said import Said

from tests.hub.texts import REPOSITORY, add_text, updated, write_catalogue

DOMAIN = "jupyterlab_studiolo"
SOURCES = REPOSITORY / "labextension" / "src"
SERVER = REPOSITORY / "labextension" / DOMAIN
SCHEMAS = REPOSITORY / "labextension" / "schema"
LOCALES = SERVER / "locale"
SAID = Said.__name__
_KEYWORDS: dict[str, tuple[int, ...] | None] = {"__": None, "_n": (1, 2)}
_CONTEXT_END = "\4"
"""Between a text's context and the text itself, in gettext's files and in JupyterLab's."""


def texts() -> Catalog:
    """Every text with the files that it is in."""
    catalogue = Catalog(project="studiolo", charset="utf-8", fuzzy=False)
    for file in sorted(SOURCES.rglob("*.ts*")):
        content = BytesIO(file.read_bytes())
        found = extract("javascript", content, _KEYWORDS, options={"parse_template_string": True})
        for _line, message, _comments, _context in found:
            add_text(catalogue, message, file)
    for file in server_modules():
        for message in said_templates(file.read_text("utf-8")):
            add_text(catalogue, message, file)
    for file in sorted(SCHEMAS.glob("*.json")):
        for context, message in schema_texts(json.loads(file.read_text("utf-8"))):
            add_text(catalogue, message, file, context)
    return catalogue


def server_modules() -> list[Path]:
    """Every module of the server extension."""
    return sorted(SERVER.glob("*.py"))


def said_templates(source: str) -> Iterator[str]:
    """Of each sentence that a module says, those within another included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == SAID:
            template = node.args[0]
            assert isinstance(template, ast.Constant), f"line {node.lineno}: write it out"
            yield str(template.value)


def schema_texts(part: dict[str, Any], path: str = "/") -> Iterator[tuple[str, str]]:
    """What people read of a settings' schema, each with the context that JupyterLab gives it."""
    for key, value in part.items():
        if isinstance(value, dict):
            yield from schema_texts(value, f"{path}{key}/")
        elif isinstance(value, str):
            for selector, context in DEFAULT_SCHEMA_SELECTORS.items():
                if re.fullmatch(f"/{selector}", path + key):
                    yield context, value


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


def key_of(message: Message) -> str:
    """By which a text is looked up."""
    text = forms(message.id)[0]
    return text if message.context is None else f"{message.context}{_CONTEXT_END}{text}"


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
            messages[key_of(message)] = list(forms(message.string))
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
