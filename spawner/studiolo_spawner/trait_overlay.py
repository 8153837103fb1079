"""Other values for some traits, for a while; pure.

KubeSpawner merges overrides into its traits in place, so that what one attempt set is still there
in the next.  Here every value is put as a whole and the former one comes back at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from traitlets import HasTraits


@contextmanager
def overlaid(holder: HasTraits, values: Mapping[str, Any]) -> Iterator[None]:
    """Have ``holder``'s traits at these values while inside."""
    before: dict[str, Any] = {}
    try:
        for name, value in values.items():
            former = getattr(holder, name)
            # Setting a trait is slow, and most attempts leave most traits as they are.
            if former != value:
                setattr(holder, name, value)
                before[name] = former
        yield
    finally:
        for name, former in before.items():
            setattr(holder, name, former)
