"""Every text of the pages can be translated, and the languages that are shipped are sound."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from jinja2 import Environment

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, hub_settings, running_hub
from tests.hub.texts import (
    TRANSLATIONS,
    bare_sentences,
    catalogue_of,
    code,
    compiled,
    templates,
    texts,
)

LANGUAGES = sorted(file.stem for file in TRANSLATIONS.glob("*.po"))
ENGLISH = {
    "catalogue's problems: they name keys of a file, in the log and on the command line alike": (
        *("catalogue", "catalogue_checks", "catalogue_fields", "catalogue_file", "catalogue_menu"),
        *("catalogue_model", "catalogue_quotas", "image_pattern", "quantities", "yamltree"),
        "wording",
    ),
    "the settings' problems: the hub does not start with them, so there is no page": (
        *("settings", "settings_brand", "settings_fields", "settings_file", "settings_sign_in"),
        *("colours", "configure", "dex", "registry_settings", "settings_namespaces"),
    ),
    "the command line": (
        *("cli", "catalogue_probe", "probe_command", "probe_record", "probe_report", "tryout"),
    ),
    "the log: what registries and the cluster's API answered, never shown to users": (
        *("addresses", "cluster_api", "cluster_watch", "queue_reader", "reflector"),
        *("registry", "registry_auth", "registry_fetch", "registry_http", "registry_manifest"),
        *("runtime_classes", "watch_stream", "lifecycle"),
    ),
    "documentation and metrics": ("settings_reference", "metrics", "admin_metrics", "roles"),
    "texts of other programs, to be recognised": ("podstatus",),
    "style sheets": ("look",),
    "names, which are the same in every language": ("known_names", "workspace_tools"),
}
"""Modules whose sentences are not translated, by why."""

NO_SENTENCES = {
    *("CUDA {}", "Python {}", "{} GiB", "{} MiB", "Server at {}"),
    *("application/yaml; charset=utf-8", 'attachment; filename="catalogue.yaml"'),
    "text/css; charset=utf-8",
    *("dict[str, object]", "dict[str, str | None]"),
    *("event: {}", "data: {}", "retry: {}\n\n"),
    # Of the catalogue's and the settings' file, of the log, and a value of an enumeration.
    *("the catalogue", "{} has {} problem{}", "line {}: {}", "each member"),
    *("kubectl label namespace {} {}", "it has no metadata.name"),
    "it names a namespace: leave metadata.namespace out",
    *("its apiVersion is {}: write {}", "its kind is {}: only {} are made"),
    *("The database does not answer", "the database failed in this request"),
    *(": the hub's role needs get on pods/log", "another user's", "nobody's: it does not say"),
}

_SHOWN = {"alt", "aria-label", "placeholder", "title", "label", "content"}
_NO_WORDS = re.compile(r"[\W\d_]*")
#: Words that are the same in every language, or that no person reads.
_SAME = {"width=device-width, initial-scale=1", "light dark"}
_NO_LANGUAGE = re.compile(r"\S*/\S*|\bUTC\b")
"""Addresses and names of time zones."""


class Words(HTMLParser):
    """The words of a template that stand outside of every expression."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        for name, value in attrs:
            if (name in _SHOWN or name.startswith("data-words")) and value:
                self._note(value)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._inside):
            self._note(data)

    def _note(self, text: str) -> None:
        text = " ".join(text.split())
        if text not in _SAME and not _NO_WORDS.fullmatch(_NO_LANGUAGE.sub("", text)):
            self.found.append(text)


def bare_words(file: Path) -> list[str]:
    """What of a template would stay English in every language."""
    lexer = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).lexer
    data = "".join(
        value if kind == "data" else "\0"
        for _line, kind, value in lexer.tokeniter(file.read_text("utf-8"), file.name)
        if kind in {"data", "variable_begin"}
    )
    # An expression stands for something without words; refresh and urls are no words either.
    found = Words(data.replace("\0", "0")).found
    return [text for text in found if not re.match(r"\d+; ?url=|\d+$|default-src", text)]


@pytest.mark.parametrize("file", templates(), ids=lambda file: file.name)
def test_every_word_of_a_template_can_be_translated(file: Path) -> None:
    assert bare_words(file) == []


def test_the_test_sees_words_that_are_not_wrapped(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(
        '{% block a %}<p title="Bare title">{{ _("Fine") }} Bare text {{ name }}</p>{% endblock %}'
        "<input placeholder=\"{{ _('Fine') }}\"><script>const bare = 1;</script>"
    )
    assert bare_words(file) == ["Bare title", "0 Bare text 0"]


def translated(message: Message) -> list[str]:
    """The translations of a message; none where one of its forms lacks."""
    forms = message.string if isinstance(message.string, tuple | list) else [message.string]
    return [form for form in forms if form] if all(forms) else []


def places(text: str) -> set[str]:
    """Where values stand in it."""
    return set(re.findall(r"%\(\w+\)s|\{\w+\}|%%", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_keeps_every_place_and_is_compiled(language: str) -> None:
    catalogue = catalogue_of(language)
    for message in catalogue:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple | list) else [message.id]
        for form in translated(message):
            assert places(form) == places(ids[-1]), message.id
            assert form[0].isspace() == ids[-1][0].isspace(), message.id
    mo = (TRANSLATIONS / f"{language}.mo").read_bytes()
    assert mo == compiled(catalogue), "run: scripts/update_translations"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text(language: str) -> None:
    has = {_key(m) for m in catalogue_of(language) if m.id and translated(m)}
    wanted = {_key(message) for message in texts() if message.id}
    assert sorted(wanted - has) == [], "run scripts/update_translations, and translate these"


def test_every_sentence_of_the_code_can_be_translated() -> None:
    modules = {file.stem: file for file in code()}
    english = {name for names in ENGLISH.values() for name in names}
    assert english <= modules.keys(), "a module of the list above is gone"
    found = {
        name: sorted(set(bare_sentences(file.read_text("utf-8"))) - NO_SENTENCES)
        for name, file in modules.items()
        if name not in english
    }
    told = {name: sentences for name, sentences in found.items() if sentences}
    assert told == {}, "write them with _() and %, or say above why they stay English"


def test_the_test_sees_sentences_that_are_not_wrapped() -> None:
    source = '''
"""Of a module."""
log.info("Seen by nobody %s", name)
raise Refused(_("All is well"), f"{count} workspaces are bare")
HINT = "Bare in a constant"
'''
    assert sorted(bare_sentences(source)) == ["Bare in a constant", "{} workspaces are bare"]


def _key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else str(message.id)


async def test_a_hub_speaks_its_language(tmp_path: Path) -> None:
    async with FakeIssuer() as issuer:
        settings = hub_settings(tmp_path, issuer, brand={"language": "de", "accent": "#1d4ed8"})
        settings["extra"]["JupyterHub"].pop("spawner_class")
        async with running_hub(tmp_path, settings) as hub, Browser(hub) as browser:
            login = await browser.get("login")
            assert '<html lang="de">' in login.text
            assert "Anmelden mit your account" in login.words
            issuer.claims = {"email": "a@example.org", "email_verified": True, "groups": ["ml"]}
            await browser.sign_in()
            missing = await browser.get("nothing-here")
            assert "Hier ist nichts" in missing.words
            style = await browser.get("studiolo/brand.css")
            assert style.headers["Content-Type"].startswith("text/css")
            assert "--st-accent:#1d4ed8" in style.text
