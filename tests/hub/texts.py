"""The texts that can be translated, read out of templates and code; and the catalogues of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

REPOSITORY = Path(__file__).parents[2]
TRANSLATIONS = REPOSITORY / "hub" / "studiolo_hub" / "translations"
TEMPLATE_FOLDERS = (
    REPOSITORY / "hub" / "studiolo_hub" / "templates",
    REPOSITORY / "spawner" / "studiolo_spawner" / "templates",
)
CODE_FOLDERS = (
    REPOSITORY / "hub" / "studiolo_hub",
    REPOSITORY / "spawner" / "studiolo_spawner",
)
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "translate": None,
    "marked": None,
    "ngettext": (1, 2),
    "translate_number": (1, 2),
}

_NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""Dates in the files would change with every run and say nothing."""

_NOT_SHOWN = frozenset(
    {
        *("debug", "info", "warning", "error", "exception", "critical", "log"),
        # What these raise is for programmers; ours carry `user_message`.
        *("ValueError", "RuntimeError", "TypeError", "KeyError"),
        *("compile", "TextTable"),
    }
)
"""Calls whose arguments no person reads."""

_NOT_SHOWN_AS = frozenset({"name", "help", "description", "detail"})
"""Keywords whose values no person reads."""

_WORDS = re.compile(r"[A-Za-z]{2,}[,:;]? (?:\{\}|[A-Za-z(“])|\{\} [a-z]{2,}")
"""What has the look of a sentence: two words, or a word beside a value."""


def code() -> list[Path]:
    """Every module whose texts are collected."""
    return sorted(file for folder in CODE_FOLDERS for file in folder.glob("*.py"))


def bare_sentences(source: str, wrappers: Collection[str] = _KEYWORDS) -> list[str]:
    """What of a module would stay English in every language; `{}` stands for a value.

    `wrappers` are the calls whose texts are in the catalogues.
    """
    tree, skipped = ast.parse(source), set[int]()

    def skip(node: ast.AST) -> None:
        skipped.update(map(id, ast.walk(node)))

    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skip(node)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for argument in node.args if name in {*wrappers, *_NOT_SHOWN} else ():
                skip(argument)
            for keyword in node.keywords:
                if keyword.arg in _NOT_SHOWN_AS:
                    skip(keyword)
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skip(node)
            text = "".join(_text_of(part) for part in node.values)
        else:
            text = _text_of(node) if isinstance(node, ast.Constant) else ""
        if _WORDS.search(text):
            found.append(text)
    return found


def _text_of(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant):
        return "{}"
    return node.value if isinstance(node.value, str) else ""


def templates() -> list[Path]:
    """Every template of ours."""
    return sorted(file for folder in TEMPLATE_FOLDERS for file in folder.rglob("*.html"))


def texts() -> Catalog:
    """Every text with the files that it is in."""
    catalogue = Catalog(project="studiolo", charset="utf-8", fuzzy=False)
    for file in templates():
        with file.open("rb") as opened:
            found = list(babel_extract(opened, list(_KEYWORDS), (), {"trimmed": "true"}))
        for _line, _function, message, _comments in found:
            add_text(catalogue, message, file)
    for file in code():
        content = BytesIO(file.read_bytes())
        for _line, message, _comments, _context in extract("python", content, _KEYWORDS):
            add_text(catalogue, message, file)
    return catalogue


def catalogue_of(language: str) -> Catalog:
    """A language's catalogue as it stands."""
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """What gettext reads."""
    target = BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def update_catalogues() -> int:
    """Write all anew; return how many texts lack a translation."""
    lacking, known = 0, texts()
    for file in sorted(TRANSLATIONS.glob("*.po")):
        catalogue, empty = updated(
            catalogue_of(file.stem), known, f"# Studiolo's pages in the language {file.stem}."
        )
        write_catalogue(file, catalogue)
        file.with_suffix(".mo").write_bytes(compiled(catalogue))
        lacking += empty
    return lacking


def updated(catalogue: Catalog, known: Catalog, comment: str) -> tuple[Catalog, int]:
    """The catalogue with the known texts and no others, and how many lack a translation."""
    catalogue.update(known, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.project, catalogue.version = "Studiolo", ""
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    catalogue.header_comment = comment
    catalogue.creation_date = catalogue.revision_date = _NEVER
    empty = [message.id for message in catalogue if message.id and not is_translated(message)]
    return catalogue, len(empty)


def write_catalogue(file: Path, catalogue: Catalog) -> None:
    """What people edit."""
    with file.open("wb") as opened:
        write_po(opened, catalogue, sort_output=True, omit_header=False, width=100)
    empty = sum(bool(message.id) and not is_translated(message) for message in catalogue)
    name = file.relative_to(REPOSITORY)
    print(f"{name}: {len(catalogue)} texts, {empty} without a translation")


def is_translated(message: object) -> bool:
    """Whether each of its forms is."""
    string = getattr(message, "string", "")
    return all(string) if isinstance(string, tuple | list) else bool(string)


def add_text(catalogue: Catalog, message: Any, file: Path, context: str | None = None) -> None:
    """Note one text, and that it is in the file."""
    # Line numbers would change with every edit above.
    place = [(str(file.relative_to(REPOSITORY)), 0)]
    if isinstance(message, tuple | list):
        forms = tuple(part for part in message if part)
        message = forms if len(forms) > 1 else forms[0]
    if message:
        catalogue.add(message, locations=place, context=context)
