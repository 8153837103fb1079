"""The panel's texts in other languages: complete, sound, and where JupyterLab looks for them."""

from __future__ import annotations

import json
import re

import pytest
from jupyterlab_server.translation_utils import get_installed_packages_locale

from tests.hub.texts import is_translated
from tests.labextension.texts import DOMAIN, as_json, catalogue_of, catalogues, forms, texts

LANGUAGES = sorted(catalogues())


def test_german_is_there() -> None:
    assert "de_DE" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_complete_and_keeps_what_is_filled_in(language: str) -> None:
    catalogue = catalogue_of(language)
    wanted = {message.id for message in texts() if message.id}
    assert {message.id for message in catalogue if message.id} == wanted
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
