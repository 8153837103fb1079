"""What labels say that an image provides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.catalogue import Provides
from studiolo_spawner.label_provides import provides_of

PREFIX = "dev.studiolo.provides."


def test_labels_of_the_contract() -> None:
    labels = {
        f"{PREFIX}tools": "jupyterlab, tensorboard",
        f"{PREFIX}frameworks": "pytorch=2.9.1,torchvision=0.24.1",
        f"{PREFIX}cuda": "12.8",
        f"{PREFIX}python": "3.12",
        "something.else": "x",
    }
    assert provides_of(labels) == Provides(
        tools=frozenset({"jupyterlab", "tensorboard"}),
        frameworks={"pytorch": "2.9.1", "torchvision": "0.24.1"},
        cuda="12.8",
        python="3.12",
    )


def test_what_is_no_name_or_version_is_passed_over() -> None:
    labels = {
        f"{PREFIX}tools": "jupyterlab,,Not A Name, <b>",
        f"{PREFIX}frameworks": "pytorch, keras=three, =1, jax=0.7",
        f"{PREFIX}cuda": "new",
    }
    assert provides_of(labels) == Provides(
        tools=frozenset({"jupyterlab"}), frameworks={"jax": "0.7"}
    )


def test_no_labels() -> None:
    assert provides_of({}) == Provides()


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=100))
def test_any_labels_are_read(tools: str, frameworks: str, version: str) -> None:
    labels = {"tools": tools, "frameworks": frameworks, "cuda": version, "python": version}
    found = provides_of({f"{PREFIX}{key}": value for key, value in labels.items()})
    assert Provides.model_validate(found.model_dump(mode="json")) == found


def test_few_are_kept_of_very_many() -> None:
    labels = {f"{PREFIX}tools": ",".join(f"tool-{number}" for number in range(10_000))}
    assert len(provides_of(labels).tools) == 50
