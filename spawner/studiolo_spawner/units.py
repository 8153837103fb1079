"""Download sizes in the words people use.

Pure; one short text for any number.
"""

from __future__ import annotations

from studiolo_spawner.spoken import decimal
from studiolo_spawner.translation import translate as _

_SIZE_UNITS = ("kB", "MB", "GB", "TB", "PB")


def human_size(size: int) -> str:
    """Bytes as people write them, decimal as registries show them: 1_930_000_000 -> "1.9 GB"."""
    if size < 1000:
        return _("%(count)s bytes") % {"count": max(size, 0)}
    value = float(size)
    unit = ""
    for unit in _SIZE_UNITS:
        value /= 1000
        # 999.95 would print as "1000.0" in the smaller unit
        if value < 999.5 or unit == _SIZE_UNITS[-1]:
            break
    return f"{decimal(f'{value:.1f}')} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
