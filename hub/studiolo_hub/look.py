"""The brand as browsers get it: a style sheet with its colours, and its icon. Files are read once.

The colours were checked when the settings were read: whatever stands here can be read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from jupyterhub.handlers import BaseHandler

from studiolo_hub.colours import DARK, LIGHT, Scheme, colour, readable, shades_of
from studiolo_hub.settings_brand import ICON_TYPES, Brand

_OUR_ICON = Path(__file__).parent / "static" / "logo.svg"

#: Of our own pages: nothing but the hub's own files, and no script or style within the page.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "object-src 'none'; base-uri 'self'"
)
#: Of every answer of the hub. JupyterHub's own pages hold scripts and styles; nothing comes from
#: another host there either. A header has to name what JupyterHub's own would have said, too.
HUB_POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the brand adds to our style sheet; `css` is empty where it has no colours."""

    css: str
    icon: bytes
    icon_type: str

    @property
    def digest(self) -> str:
        """Changes with the content, so that browsers may keep it."""
        return hashlib.sha256(self.css.encode() + self.icon).hexdigest()[:16]


def look_of(brand: Brand) -> Look:
    """Read the icon and work out the colours."""
    icon = brand.icon or brand.logo or _OUR_ICON
    return Look(_css(brand), icon.read_bytes(), ICON_TYPES[icon.suffix.lower()])


def _css(brand: Brand) -> str:
    if brand.accent is None:
        return ""
    light = _rules(brand.accent, LIGHT)
    # Without one of its own the dark scheme has the nearest shade that can be read there.
    dark = _rules(brand.accent_dark or str(readable(colour(brand.accent), DARK)), DARK)
    return (
        f':root,[data-bs-theme="light"]{{{light}}}\n'
        f'[data-bs-theme="dark"]{{{dark}}}\n'
        f"@media (prefers-color-scheme: dark){{:root:not([data-bs-theme]){{{dark}}}}}\n"
    )


def _rules(accent: str, scheme: Scheme) -> str:
    shades = shades_of(colour(accent), scheme)
    return (
        f"--st-accent:{shades.accent};--st-accent-strong:{shades.strong};"
        f"--st-on-accent:{shades.on_accent};--st-accent-soft:{shades.soft};"
    )


class _LookHandler(BaseHandler):
    def initialize(self, look: Look) -> None:
        """Take what to serve; the sign-in page needs it, so everybody gets it."""
        self.look = look

    def _serve(self, content: bytes | str, kind: str) -> None:
        self.set_header("Content-Type", kind)
        self.set_header("X-Content-Type-Options", "nosniff")
        kept = "v" in self.request.arguments
        self.set_header("Cache-Control", "max-age=31536000" if kept else "no-cache")
        self.finish(content)


class BrandStyleHandler(_LookHandler):
    """The brand's colours."""

    def get(self) -> None:
        """Serve them as a style sheet."""
        self._serve(self.look.css, "text/css; charset=utf-8")


class IconHandler(_LookHandler):
    """The small picture in a browser's tab."""

    def get(self) -> None:
        """Serve the picture."""
        self._serve(self.look.icon, self.look.icon_type)


def look_handlers(look: Look) -> list[tuple[object, ...]]:
    """Return the handlers for JupyterHub's `extra_handlers`."""
    return [
        (r"/studiolo/brand\.css", BrandStyleHandler, {"look": look}),
        (r"/studiolo/icon", IconHandler, {"look": look}),
    ]
