"""A brand's colours can be read, or are refused with one that can."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from studiolo_hub.colours import (
    BLACK,
    DARK,
    LIGHT,
    READABLE,
    WHITE,
    Colour,
    Scheme,
    colour,
    contrast,
    legibility,
    readable,
    shades_of,
)
from studiolo_hub.look import look_of
from studiolo_hub.pages import STATIC_DIR
from studiolo_hub.settings_brand import Brand

COLOURS = st.builds(Colour, *[st.integers(0, 255)] * 3)
SCHEMES = st.sampled_from([LIGHT, DARK])


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000", "#fff", 21.0), ("#777777", "#ffffff", 4.48), ("#0f766e", "#ffffff", 5.47)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(colour(one), colour(other)) == pytest.approx(ratio, abs=0.01)
    assert contrast(colour(other), colour(one)) == contrast(colour(one), colour(other))


@pytest.mark.parametrize("text", ["", "red", "#12345", "#12345g", "0f766e", "#0f766e\n", "#١١١"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        colour(text)


@given(COLOURS)
def test_a_colour_is_read_as_it_is_written(given_colour: Colour) -> None:
    assert colour(str(given_colour)) == given_colour


@given(COLOURS, SCHEMES)
def test_a_readable_shade_is_always_found_and_what_can_be_read_stays(
    given_colour: Colour, scheme: Scheme
) -> None:
    shade = readable(given_colour, scheme)
    assert legibility(shade, scheme) >= READABLE
    if legibility(given_colour, scheme) >= READABLE:
        assert shade == given_colour


@given(COLOURS, SCHEMES)
def test_every_shade_of_what_is_accepted_can_be_read(given_colour: Colour, scheme: Scheme) -> None:
    shades = shades_of(readable(given_colour, scheme), scheme)
    assert contrast(shades.on_accent, shades.accent) >= READABLE
    assert contrast(scheme.text, shades.soft) >= READABLE
    assert shades.on_accent in {WHITE, BLACK}


def test_the_schemes_are_those_of_the_style_sheet() -> None:
    css = (STATIC_DIR / "studiolo.css").read_text("utf-8")
    for scheme, start in (
        (LIGHT, css.index(":root,")),
        (DARK, css.index('[data-bs-theme="dark"] {')),
    ):
        block = css[start : css.index("}", start)]
        for name in ("ground", "surface", "text"):
            (found,) = re.findall(rf"--st-{name}: (#\w+);", block)
            assert colour(found) == getattr(scheme, name)


def test_our_own_colours_pass_what_we_ask_of_others() -> None:
    css = (STATIC_DIR / "studiolo.css").read_text("utf-8")
    light, dark = re.findall(r"--st-accent: (#\w+);", css)[:2]
    assert legibility(colour(light), LIGHT) >= READABLE
    assert legibility(colour(dark), DARK) >= READABLE


def test_an_accent_that_cannot_be_read_is_refused_with_one_that_can() -> None:
    with pytest.raises(ValidationError, match="cannot be read on the light pages") as refused:
        Brand.model_validate({"accent": "#ffcc00"})
    (shade,) = re.findall(r"can be read is (#\w+)", str(refused.value))
    assert Brand.model_validate({"accent": shade}).accent == shade
    with pytest.raises(ValidationError, match="cannot be read on the dark pages"):
        Brand.model_validate({"accent": "#1d4ed8", "accent_dark": "#000080"})
    with pytest.raises(ValidationError, match="without accent"):
        Brand.model_validate({"accent_dark": "#ffcc00"})


def test_the_look_has_both_schemes_and_an_icon(tmp_path: Path) -> None:
    assert look_of(Brand.model_validate({})).css == ""
    icon = tmp_path / "icon.PNG"
    icon.write_bytes(b"png")
    look = look_of(Brand.model_validate({"accent": "#1d4ed8", "icon": str(icon)}))
    assert (look.icon, look.icon_type) == (b"png", "image/png")
    light, dark, before_script = look.css.strip().splitlines()
    assert "--st-accent:#1d4ed8;" in light
    (shade,) = re.findall(r"--st-accent:(#\w+);", dark)
    assert legibility(colour(shade), DARK) >= READABLE
    assert shade in before_script
    again = look_of(Brand.model_validate({"accent": "#1d4ed9"}))
    assert again.digest != look.digest


def test_an_icon_that_browsers_do_not_show_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not a picture"):
        Brand.model_validate({"icon": "icon.bmp"})
