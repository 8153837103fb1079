"""Patterns of images that people may name themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.image_pattern import ImagePattern, allows, parse_pattern
from studiolo_spawner.reference import parse_reference

FITS = {
    "one step": ("registry.lab/team/*", "registry.lab/team/train:1", True),
    "one step, not two": ("registry.lab/team/*", "registry.lab/team/a/b:1", False),
    "one step, not none": ("registry.lab/team/*", "registry.lab/team:1", False),
    "any depth": ("registry.lab/team/**", "registry.lab/team/a/b/c:1", True),
    "any depth, one step": ("registry.lab/team/**", "registry.lab/team/a:1", True),
    "any depth, not none": ("registry.lab/team/**", "registry.lab/team:1", False),
    "beginning of a step": ("ghcr.io/lab/train-*", "ghcr.io/lab/train-7:1", True),
    "beginning of another": ("ghcr.io/lab/train-*", "ghcr.io/lab/retrain-7:1", False),
    "both ends of a step": ("ghcr.io/lab/a*b", "ghcr.io/lab/a-long-b:1", True),
    "ends do not overlap": ("ghcr.io/lab/aa*aa", "ghcr.io/lab/aaa:1", False),
    "star before the end": ("ghcr.io/*/train", "ghcr.io/lab/train:1", True),
    "written out": ("ghcr.io/lab/train", "ghcr.io/lab/train:1", True),
    "written out, longer": ("ghcr.io/lab/train", "ghcr.io/lab/train/evil:1", False),
    "written out, longer word": ("ghcr.io/lab/train", "ghcr.io/lab/training:1", False),
    "whole registry": ("registry.lab:5000/**", "registry.lab:5000/a/b:1", True),
    "port": ("registry.lab:5000/**", "registry.lab:5001/a:1", False),
    "no port": ("registry.lab/**", "registry.lab:5000/a:1", False),
    "another host": ("registry.lab/**", "registry.lab.evil.example/a:1", False),
    "host in the repository": ("registry.lab/**", "evil.example/registry.lab/a:1", False),
    "a dot is a dot": ("registry.lab/**", "registryxlab.io/a:1", False),
    "by digest": ("ghcr.io/lab/*", f"ghcr.io/lab/a@sha256:{'0' * 64}", True),
    "Docker Hub": ("docker.io/pytorch/*", "pytorch/pytorch:2.9", True),
    "Docker Hub's own": ("docker.io/python", "python:3.13", True),
    "all of Docker Hub's own": ("docker.io/*", "python:3.13", True),
    "all of Docker Hub": ("docker.io/**", "pytorch/pytorch:2.9", True),
    "Docker Hub by another name": ("index.docker.io/library/*", "python:3.13", True),
    "address": ("[::1]:5000/**", "[::1]:5000/a:1", True),
    "localhost": ("localhost/**", "localhost/a:1", True),
}


@pytest.mark.parametrize(("pattern", "reference", "fits"), FITS.values(), ids=FITS)
def test_fits(pattern: str, reference: str, fits: bool) -> None:
    assert parse_pattern(pattern).matches(parse_reference(reference)) is fits
    assert allows([pattern], parse_reference(reference)) is fits


REFUSED = {
    "empty": ("", "begins with the registry"),
    "star alone": ("*", "written out"),
    "star in the host": ("*.example/team/*", "written out"),
    "no registry": ("team/train", "begins with the registry"),
    "only a registry": ("registry.lab.example", "for all of them"),
    "slash and no repository": ("registry.lab.example/", "for all of them"),
    "empty step": ("registry.lab.example/a//b", "no part"),
    "two stars in a step": ("registry.lab.example/a*b*c", "more than one"),
    "deep in the middle": ("registry.lab.example/**/a", "last step"),
    "deep and more": ("registry.lab.example/a**", "last step"),
    "tag": ("registry.lab.example/a:1", "no part"),
    "upper case": ("registry.lab.example/Team/*", "no part"),
    "expression": ("registry.lab.example/(a|b)", "no part"),
    "space": ("registry.lab.example/a /b", "no part"),
    "line end": ("registry.lab.example/a\n", "no part"),
    "URL": ("https://registry.lab.example/a", "the scheme"),
    "user": ("me@registry.lab.example/a", "digest|host"),
    "way up": ("registry.lab.example/../a", "no part"),
    "host of dots": ("../a", "host"),
    "long": (f"registry.lab.example/{'a' * 300}", "longer"),
}


@pytest.mark.parametrize(("pattern", "word"), REFUSED.values(), ids=REFUSED)
def test_refused(pattern: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_pattern(pattern)


def read(text: str) -> ImagePattern | str:
    try:
        return parse_pattern(text)
    except ValueError as error:
        return str(error)


@given(st.text(alphabet="ab*/.:-_\n %[]", max_size=30))
def test_any_text_is_a_pattern_or_refused_with_words(text: str) -> None:
    found = read(text)
    assert found
    if isinstance(found, ImagePattern):
        assert found.registry
        assert "*" not in found.registry


STEP = st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,5})?", fullmatch=True)


@given(st.lists(STEP, min_size=1, max_size=4), st.lists(STEP, min_size=1, max_size=4))
def test_a_pattern_without_stars_fits_itself_alone(wanted: list[str], found: list[str]) -> None:
    pattern = parse_pattern(f"registry.lab/{'/'.join(wanted)}")
    reference = parse_reference(f"registry.lab/{'/'.join(found)}:1")
    assert pattern.matches(reference) is (wanted == found)
