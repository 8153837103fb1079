"""Values are laid over and taken off again, whatever happens between."""

from __future__ import annotations

import pytest
from studiolo_spawner.trait_overlay import overlaid
from traitlets import Dict, HasTraits, Unicode


class Holder(HasTraits):
    name = Unicode("before")
    labels = Dict({"a": "1"})


def test_inside_and_after() -> None:
    holder = Holder()
    labels = holder.labels
    with overlaid(holder, {"name": "during", "labels": {"b": "2"}}):
        assert (holder.name, holder.labels) == ("during", {"b": "2"})
        holder.labels["c"] = "3"
    assert (holder.name, holder.labels) == ("before", {"a": "1"})
    assert holder.labels is labels


def test_after_an_error() -> None:
    holder = Holder()
    with pytest.raises(RuntimeError), overlaid(holder, {"name": "during"}):
        raise RuntimeError
    assert holder.name == "before"


def test_a_value_that_is_refused_leaves_nothing_changed() -> None:
    holder = Holder()
    with pytest.raises(Exception, match="name"), overlaid(holder, {"labels": {}, "name": 3}):
        pass
    assert (holder.name, holder.labels) == ("before", {"a": "1"})
