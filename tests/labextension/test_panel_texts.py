"""The panel's texts in other languages: complete, sound, and where JupyterLab looks for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jupyterlab_server.translation_utils import get_installed_packages_locale

from tests.hub.texts import bare_sentences, is_translated
from tests.labextension.texts import (
    DOMAIN,
    SAID,
    as_json,
    catalogue_of,
    catalogues,
    forms,
    key_of,
    said_templates,
    server_modules,
    texts,
)

LANGUAGES = sorted(catalogues())
ENGLISH = {
    "metrics": "descriptions of metrics, for Prometheus",
    "workspace": "what is wrong with a description, for the log",
}
"""Modules whose sentences are not translated, and why."""

NO_SENTENCES = {
    *("GPU {}", "VS Code", "token {}", "{} min", "{} h {} min"),
    *("{} mem", "{} sm", "{} rx", "{} tx", "event: state\ndata: {}\n\n"),
    *("Unknown error", "from {} on", "from {} to {}"),
}
"""Names, keys, units, and the details of an error that is for programmers."""


def test_german_is_there() -> None:
    assert "de_DE" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_complete_and_keeps_what_is_filled_in(language: str) -> None:
    catalogue = catalogue_of(language)
    wanted = {key_of(message) for message in texts() if message.id}
    assert {key_of(message) for message in catalogue if message.id} == wanted
    for message in catalogue:
        if not message.id:
            continue
        assert is_translated(message), message.id
        for source, translated in zip(forms(message.id), forms(message.string), strict=True):
            places = sorted(re.findall(r"%\d", source))
            assert sorted(re.findall(r"%\d", translated)) == places, source


@pytest.mark.parametrize("language", LANGUAGES)
def test_jupyterlab_finds_it_as_it_stands(language: str) -> None:
    found, problem = get_installed_packages_locale(language)
    assert problem == ""
    assert found[DOMAIN] == json.loads(as_json(catalogue_of(language), language))


@pytest.mark.parametrize(
    "file",
    [each for each in server_modules() if each.stem not in ENGLISH],
    ids=lambda file: file.stem,
)
def test_every_sentence_of_the_server_can_be_translated(file: Path) -> None:
    # What a program sent wrongly is told to who wrote it.
    found = set(bare_sentences(file.read_text("utf-8"), [SAID, "BadRequest"]))
    assert found - NO_SENTENCES == set(), "say it with Said, or above why not"


def test_the_test_sees_sentences_of_the_server() -> None:
    source = """
words = Said("Fine: %1", Said("fine within") if name else "Bare within")
raise Refused(f"{count} workspaces are bare")
"""
    assert list(said_templates(source)) == ["Fine: %1", "fine within"]
    assert bare_sentences(source, [SAID]) == ["{} workspaces are bare"]
    with pytest.raises(AssertionError, match="write it out"):
        list(said_templates('Said(f"{name} is bare")'))
