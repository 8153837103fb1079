"""Colours that can be read: contrast as WCAG 2.2 counts it, and a brand's shades from one colour.

Pure. https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

READABLE: Final = 4.5
"""Contrast of text that is not large (level AA)."""

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green and blue, 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """How light it is, 0 to 1."""
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (self.red / 255, self.green / 255, self.blue / 255)
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def mixed(self, other: Colour, part: float) -> Colour:
        """With so much of the other one."""
        return Colour(
            round(self.red + (other.red - self.red) * part),
            round(self.green + (other.green - self.green) * part),
            round(self.blue + (other.blue - self.blue) * part),
        )


def colour(text: str) -> Colour:
    """`#rgb` or `#rrggbb`; ValueError for everything else."""
    if not _HEX.fullmatch(text):
        raise ValueError("is not a colour: write it as #rrggbb")
    digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
    return Colour(int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white)."""
    dark, light = sorted((one.luminance, other.luminance))
    return (light + 0.05) / (dark + 0.05)


WHITE: Final = Colour(255, 255, 255)
BLACK: Final = Colour(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Scheme:
    """The colours of studiolo.css that an accent has to go with, light or dark."""

    name: str
    ground: Colour
    surface: Colour
    text: Colour


# The same as --st-ground, --st-surface and --st-text in static/studiolo.css: a test compares them.
LIGHT: Final = Scheme("light", colour("#f6f7f7"), colour("#ffffff"), colour("#1b2423"))
DARK: Final = Scheme("dark", colour("#101514"), colour("#181f1e"), colour("#e4eae9"))


@dataclass(frozen=True, slots=True)
class Shades:
    """What one accent becomes in a scheme."""

    accent: Colour
    strong: Colour
    """Under the pointer."""
    on_accent: Colour
    """Words on the accent."""
    soft: Colour
    """A ground that is tinted with it."""


def legibility(accent: Colour, scheme: Scheme) -> float:
    """The least contrast that links in this colour have on the scheme's grounds, tinted or not."""
    grounds = (scheme.ground, scheme.surface, _soft(accent, scheme))
    return min(contrast(accent, ground) for ground in grounds)


def readable(accent: Colour, scheme: Scheme) -> Colour:
    """The nearest shade of it that can be read in the scheme; itself if it can."""
    towards = BLACK if scheme is LIGHT else WHITE
    for step in range(101):
        shade = accent.mixed(towards, step / 100)
        if legibility(shade, scheme) >= READABLE:
            return shade
    return towards


def shades_of(accent: Colour, scheme: Scheme) -> Shades:
    """All that the style sheet needs of an accent that can be read."""
    strong = accent.mixed(BLACK if scheme is LIGHT else WHITE, 0.2)
    # One of black and white can be read on every colour.
    on_accent = max((WHITE, BLACK), key=lambda c: min(contrast(c, accent), contrast(c, strong)))
    return Shades(accent, strong, on_accent, _soft(accent, scheme))


def _soft(accent: Colour, scheme: Scheme) -> Colour:
    return scheme.surface.mixed(accent, 0.1 if scheme is LIGHT else 0.14)
