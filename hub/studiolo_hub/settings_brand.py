"""The settings of how the pages look and which language they speak. Pure."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    field_validator,
    model_validator,
)

from studiolo_hub.colours import DARK, LIGHT, READABLE, Scheme, colour, legibility, readable
from studiolo_hub.settings_fields import Section

#: Pictures that browsers show in a tab, by the ending of the file's name.
ICON_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon"}


def _accent(value: str, scheme: Scheme) -> str:
    """A colour that links can be read in; ValueError with one that is near and can be."""
    given = colour(value)
    found = legibility(given, scheme)
    if found < READABLE:
        near = readable(given, scheme)
        raise ValueError(
            f"{value} cannot be read on the {scheme.name} pages: its contrast is {found:.1f} to 1, "
            f"and text needs {READABLE} to 1. The nearest shade that can be read is {near}"
        )
    return str(given)


Accent = Annotated[str, AfterValidator(lambda value: _accent(value, LIGHT))]
AccentDark = Annotated[str, AfterValidator(lambda value: _accent(value, DARK))]


class Brand(Section):
    """How the pages call themselves."""

    name: str = Field("Studiolo", min_length=1, max_length=60, description="Name on every page.")
    logo: Path | None = Field(
        None, description="Picture file (SVG or PNG) shown beside the name instead of ours."
    )
    icon: Path | None = Field(
        None,
        description="Picture file (SVG, PNG or ICO) for browsers' tabs. The logo when not given.",
    )
    accent: Accent | None = Field(
        None,
        description="Colour of buttons and links, as `#rrggbb`, instead of ours. One that cannot "
        "be read on light pages is refused, with the nearest shade that can.",
    )
    accent_dark: AccentDark | None = Field(
        None,
        description="The same on dark pages. The nearest shade of `accent` that can be read there "
        "when not given.",
    )
    language: Literal["en", "de"] = Field(
        "en", description="Language of the pages: English or German."
    )
    translation: Path | None = Field(
        None,
        description="Compiled gettext file (.mo) with the texts of the pages in another language, "
        "in place of `language`.",
    )
    contact: str = Field(
        "your administrator",
        max_length=200,
        description="Whom people turn to for help, as it reads after “Ask”.",
    )

    @field_validator("icon")
    @classmethod
    def _is_a_picture(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in ICON_TYPES:
            raise ValueError(f"is not a picture: its name ends in {' or '.join(ICON_TYPES)}")
        return value

    @model_validator(mode="after")
    def _dark_goes_with_light(self) -> Self:
        if self.accent_dark is not None and self.accent is None:
            raise ValueError("accent_dark is given without accent: give both, or accent alone")
        return self
