"""What a reference without a tag means is the administrator's to say."""

from __future__ import annotations

import pytest
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.errors import CatalogueError

TEXT = """
version: 1
defaults: {{missing_tag: {missing_tag}}}
images:
  - {{id: a, display_name: A, reference: {reference}}}
profiles:
  - {{id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}}
"""
DIGEST = f"@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("missing_tag", "reference", "meant"),
    [
        pytest.param("stable", "ghcr.io/lab/a", "ghcr.io/lab/a:stable", id="no tag"),
        pytest.param("latest", "python", "python:latest", id="no registry either"),
        pytest.param("stable", "lab:5000/a", "lab:5000/a:stable", id="a port is no tag"),
        pytest.param("stable", "ghcr.io/lab/a:1", "ghcr.io/lab/a:1", id="a tag"),
        pytest.param("stable", f"ghcr.io/lab/a{DIGEST}", f"ghcr.io/lab/a{DIGEST}", id="a digest"),
        pytest.param("refuse", "ghcr.io/lab/a:1", "ghcr.io/lab/a:1", id="refused, a tag"),
    ],
)
def test_reference(missing_tag: str, reference: str, meant: str) -> None:
    text = TEXT.format(missing_tag=missing_tag, reference=f'"{reference}"')
    assert parse_catalogue(text).images[0].reference == meant


@pytest.mark.parametrize(
    ("missing_tag", "reference", "path", "word"),
    [
        pytest.param("refuse", "ghcr.io/lab/a", "images[0].reference", "neither tag", id="refused"),
        pytest.param("stable", "GHCR.io/a", "images[0].reference", "not", id="not a reference"),
        pytest.param('"a b"', "ghcr.io/a:1", "defaults.missing_tag", "not a tag", id="not a tag"),
        pytest.param("3", "ghcr.io/a:1", "defaults.missing_tag", "text", id="a number"),
        pytest.param("[]", "ghcr.io/a", "defaults.missing_tag", "text", id="a list"),
    ],
)
def test_refused(missing_tag: str, reference: str, path: str, word: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        parse_catalogue(TEXT.format(missing_tag=missing_tag, reference=reference))
    assert path in [problem.path for problem in refused.value.problems]
    assert word in refused.value.user_message


def test_refuse_is_what_holds_where_nothing_is_said() -> None:
    with pytest.raises(CatalogueError):
        parse_catalogue(
            TEXT.replace("defaults: {{missing_tag: {missing_tag}}}", "").format(
                reference="ghcr.io/lab/a"
            )
        )
