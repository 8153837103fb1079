"""The catalogue: what is refused and how it is told, the models, the schema, the example."""

import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from studiolo_spawner.catalogue import (
    Catalogue,
    Image,
    Profile,
    catalogue_schema,
    parse_catalogue,
)
from studiolo_spawner.errors import CatalogueError, Problem

from tests.spawner.catalogues import DATA, EXAMPLE, catalogue, example, image, profile

MINIMAL = {"version": 1, "images": [image("python")], "profiles": [profile()]}


def problems_of(data: object) -> dict[str, Problem]:
    """The problems of the data by their path."""
    text = data if isinstance(data, str) else json.dumps(data)
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text)
    return {problem.path: problem for problem in caught.value.problems}


def with_image(**fields: Any) -> dict[str, Any]:
    return {**MINIMAL, "images": [image("python", **fields)]}


def with_profile(**fields: Any) -> dict[str, Any]:
    return {**MINIMAL, "profiles": [profile("cpu", **fields)]}


def test_the_least_catalogue() -> None:
    parsed = parse_catalogue(json.dumps(MINIMAL))
    (only,) = parsed.images
    assert only.fallback_allowed
    assert only.groups == frozenset()
    assert parsed.defaults.home.size == "10Gi"
    assert parsed.defaults.fallback.max_attempts == 3
    assert parsed.profiles[0].count == 0
    assert parsed.profiles[0].idle.timeout == timedelta(hours=1)
    assert parsed.profiles[0].max_lifetime is None


def test_lookup() -> None:
    parsed = catalogue([image("a"), image("b")], [profile("c")])
    assert parsed.image("b") is parsed.images[1]
    assert parsed.profile("c") is parsed.profiles[0]
    assert parsed.image("c") is None
    assert parsed.profile("") is None


def test_everything_is_frozen() -> None:
    parsed = example()
    with pytest.raises(ValidationError):
        parsed.images[0].id = "x"  # type: ignore[misc]


WRONG_IMAGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "misspelt key": ({"refernce": "x:1"}, "images[0].refernce", 'did you mean "reference"?'),
    "unknown key": ({"zzzz": 1}, "images[0].zzzz", "there are: id, display_name"),
    "bad id": ({"id": "Py Torch"}, "images[0].id", "is not an id"),
    "id with line end": ({"id": "python\n"}, "images[0].id", "is not an id"),
    "id ends with dash": ({"id": "python-"}, "images[0].id", "is not an id"),
    "number for text": ({"display_name": 3}, "images[0].display_name", "must be text"),
    "control characters": ({"display_name": "a\x1b[31m"}, "images[0].display_name", "control"),
    "override": ({"display_name": "a\u202eb"}, "images[0].display_name", "control"),
    "blank name": ({"display_name": "  "}, "images[0].display_name", "empty"),
    "long name": ({"display_name": "x" * 81}, "images[0].display_name", "longer than 80"),
    "reference without tag": ({"reference": "ghcr.io/x"}, "images[0].reference", "neither tag nor"),
    "reference as URL": ({"reference": "https://x/y:1"}, "images[0].reference", "is a URL"),
    "text for true": ({"hidden": "yes"}, "images[0].hidden", "true or false, not text"),
    "text for list": ({"tasks": "train"}, "images[0].tasks", "must be a list, not text"),
    "list for mapping": ({"provides": []}, "images[0].provides", "mapping"),
    "bad version": (
        {"provides": {"frameworks": {"pytorch": "two"}}},
        "images[0].provides.frameworks.pytorch",
        "not a version",
    ),
    "no tries": ({"start_tries": 0}, "images[0].start_tries", "greater than or equal to 1"),
    "reserved environment": (
        {"environment": {"JUPYTERHUB_API_TOKEN": "x"}},
        "images[0].environment",
        "set by Studiolo",
    ),
    "GPUs for a CPU profile": (
        {"environment": {"NVIDIA_VISIBLE_DEVICES": "all"}},
        "images[0].environment",
        "set by Studiolo",
    ),
    "bad environment": ({"environment": {"a-b": "x"}}, "images[0].environment", "environment"),
    "bad secret": ({"pull_secret": "My Secret"}, "images[0].pull_secret", "Kubernetes name"),
    "unknown fallback": ({"fallback": ["pythn"]}, "images[0].fallback[0]", 'did you mean "python"'),
    "own fallback": ({"fallback": ["python"]}, "images[0].fallback[0]", "stand in for itself"),
    "own redirect": ({"redirect": {"to": "python"}}, "images[0].redirect.to", "for itself"),
    "unknown redirect": ({"redirect": {"to": "zz"}}, "images[0].redirect.to", "there are: python"),
    "all hidden": ({"hidden": True}, "images", "menu would be empty"),
}


@pytest.mark.parametrize(("fields", "path", "part"), WRONG_IMAGES.values(), ids=WRONG_IMAGES.keys())
def test_wrong_images(fields: dict[str, Any], path: str, part: str) -> None:
    assert part in str(problems_of(with_image(**fields))[path])


WRONG_PROFILES: dict[str, tuple[dict[str, Any], str, str]] = {
    "count without resource": ({"count": 1}, "profiles[0]", "no resource"),
    "resource without count": ({"resource": "nvidia.com/gpu"}, "profiles[0]", "no count"),
    "gpu without resource": (
        {"gpu": {"model": "L4", "memory_gib": 24}},
        "profiles[0]",
        "there is no resource",
    ),
    "bad resource": ({"resource": "gpu", "count": 1}, "profiles[0].resource", "nvidia.com/gpu"),
    "negative cpu": ({"cpu": -1}, "profiles[0].cpu", "greater than 0"),
    "cpu as text": ({"cpu": "4"}, "profiles[0].cpu", "must be a number"),
    "cpu true": ({"cpu": True}, "profiles[0].cpu", "must be a number"),
    "bad memory": ({"memory": "32GB"}, "profiles[0].memory", "32Gi"),
    "cpu guarantee": ({"cpu_guarantee": 5}, "profiles[0]", "more than cpu"),
    "memory guarantee": ({"memory_guarantee": "17Gi"}, "profiles[0]", "more than memory"),
    "bad duration": ({"idle": {"timeout": "1 hour"}}, "profiles[0].idle.timeout", "12h or 7d"),
    "number as duration": ({"idle": {"timeout": 3}}, "profiles[0].idle.timeout", "12h or 7d"),
    "late warning": (
        {"idle": {"timeout": "5m", "warn_before": "5m"}},
        "profiles[0].idle",
        "shorter than timeout",
    ),
    "busy percent": ({"idle": {"gpu_busy_percent": 0}}, "profiles[0].idle.gpu_busy_percent", "1"),
    "bad label": ({"node_selector": {"a b": "c"}}, "profiles[0].node_selector", "label's key"),
    "toleration effect": (
        {"tolerations": [{"key": "a", "effect": "Never"}]},
        "profiles[0].tolerations[0].effect",
        "NoSchedule",
    ),
    "toleration value": (
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        "profiles[0].tolerations[0]",
        "takes no value",
    ),
    "toleration key": ({"tolerations": [{}]}, "profiles[0].tolerations[0]", "needs a key"),
    "toleration seconds": (
        {"tolerations": [{"key": "a", "toleration_seconds": 3}]},
        "profiles[0].tolerations[0]",
        "NoExecute",
    ),
}


@pytest.mark.parametrize(
    ("fields", "path", "part"), WRONG_PROFILES.values(), ids=WRONG_PROFILES.keys()
)
def test_wrong_profiles(fields: dict[str, Any], path: str, part: str) -> None:
    assert part in str(problems_of(with_profile(**fields))[path])


VOLUME = {"name": "data", "claim": "data", "mount_path": "/data"}
WRONG_WHOLES: dict[str, tuple[object, str, str]] = {
    "nothing": ("", "", "the file is empty"),
    "a list": ("[]", "", "not a mapping"),
    "other version": ({**MINIMAL, "version": 2}, "version", "should be 1"),
    "no images": ({**MINIMAL, "images": []}, "images", "the list is empty"),
    "no profiles": ({"version": 1, "images": []}, "profiles", "missing"),
    "images no list": ({**MINIMAL, "images": {}}, "images", "must be a list, not a mapping"),
    "entry no mapping": ({**MINIMAL, "images": [3]}, "images[0]", "not the number 3"),
    "default image": (
        {**MINIMAL, "defaults": {"image": "pythn"}},
        "defaults.image",
        'did you mean "python"?',
    ),
    "default profile": ({**MINIMAL, "defaults": {"profile": "x"}}, "defaults.profile", "cpu"),
    "hidden default": (
        {
            **MINIMAL,
            "images": [image("a", hidden=True), image("b")],
            "defaults": {"image": "a"},
        },
        "defaults.image",
        "is hidden",
    ),
    "deadline": (
        {**MINIMAL, "defaults": {"start_deadline": "5m", "spawn_timeout": "5m"}},
        "defaults",
        "shorter than spawn_timeout",
    ),
    "currency": ({**MINIMAL, "defaults": {"currency": "euro\n"}}, "defaults.currency", "pattern"),
    "same image": (
        {**MINIMAL, "images": [image("a"), image("a")]},
        "images[1].id",
        "images[0] is also called",
    ),
    "same profile": (
        {**MINIMAL, "profiles": [profile("a"), profile("a")]},
        "profiles[1].id",
        "a name of its own",
    ),
    "fallback twice": (
        {**MINIMAL, "images": [image("a", fallback=["b", "b"]), image("b")]},
        "images[0].fallback[1]",
        "named twice",
    ),
    "redirects go round": (
        {
            **MINIMAL,
            "images": [
                image("x"),
                image("a", redirect={"to": "b"}),
                image("b", redirect={"to": "c"}),
                image("c", redirect={"to": "a"}),
            ],
        },
        "images[1].redirect.to",
        "a → b → c → a",
    ),
    "volume in system": (
        {**MINIMAL, "volumes": [{**VOLUME, "mount_path": "/etc/x"}]},
        "volumes[0].mount_path",
        "belongs to the container",
    ),
    "volume goes up": (
        {**MINIMAL, "volumes": [{**VOLUME, "mount_path": "/data/../etc"}]},
        "volumes[0].mount_path",
        "not an absolute path",
    ),
    "volume over home": (
        {**MINIMAL, "volumes": [{**VOLUME, "mount_path": "/home/jovyan"}]},
        "volumes[0].mount_path",
        "the home is mounted there",
    ),
    "volume hides home": (
        {**MINIMAL, "volumes": [{**VOLUME, "mount_path": "/home"}]},
        "volumes[0].mount_path",
        "would hide the home",
    ),
    "volumes at one place": (
        {**MINIMAL, "volumes": [VOLUME, {**VOLUME, "name": "other"}]},
        "volumes[1].mount_path",
        "volumes[0] is mounted there",
    ),
    "volumes of one name": (
        {**MINIMAL, "volumes": [VOLUME, {**VOLUME, "mount_path": "/data2"}]},
        "volumes[1].name",
        "also called",
    ),
}


@pytest.mark.parametrize(("data", "path", "part"), WRONG_WHOLES.values(), ids=WRONG_WHOLES.keys())
def test_wrong_wholes(data: object, path: str, part: str) -> None:
    assert part in str(problems_of(data)[path])


def test_a_cycle_is_told_once() -> None:
    images = [
        image("x"),
        image("in", redirect={"to": "a"}),
        image("a", redirect={"to": "b"}),
        image("b", redirect={"to": "a"}),
    ]
    assert list(problems_of({**MINIMAL, "images": images})) == ["images[2].redirect.to"]


def test_every_problem_at_once_with_its_line() -> None:
    text = """\
version: 1
defaults: {image: pyton}
images:
  - id: python
    display_name: Python
    refernce: ghcr.io/x:1
    provides:
      frameworks: {pytorch: 2.10}
    fallback: [nothing]
  - 7
profiles:
  - {id: cpu, display_name: CPU, cpu: yes, memory: 1Gi}
  - {id: cpu, display_name: &x Again, cpu: 1, memory: *y}
"""
    told = {(p.line, p.path) for p in problems_of(text).values()}
    assert told == {
        (2, "defaults.image"),
        (4, "images[0].reference"),
        (6, "images[0].refernce"),
        (8, "images[0].provides.frameworks.pytorch"),
        (9, "images[0].fallback[0]"),
        (10, "images[1]"),
        (12, "profiles[0].cpu"),
        (13, "profiles[1].id"),
        (13, "profiles[1].display_name"),
        (13, "profiles[1].memory"),
    }


def test_a_version_without_quotes_is_told_as_it_was_written() -> None:
    text = json.dumps(MINIMAL).replace('"reference"', '"provides": {"python": 3.10}, "reference"')
    problem = problems_of(text)["images[0].provides.python"]
    assert problem.hint == 'put it in quotes: "3.10"'


def test_the_error_names_its_source() -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue("", source="/etc/studiolo/catalogue.yaml")
    assert caught.value.user_message.startswith("/etc/studiolo/catalogue.yaml has 1 problem:")


def test_many_problems_are_bounded() -> None:
    keys = {f"key{number}": number for number in range(5000)}
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(json.dumps({**MINIMAL, **keys}))
    assert len(caught.value.problems) == 51
    assert "more problems" in caught.value.problems[-1].message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10) | st.sampled_from(sorted(Image.model_fields)), inner)
    ),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {"version": JSON | st.just(1), "images": JSON | st.lists(JSON), "profiles": JSON},
        optional={"defaults": JSON, "volumes": st.lists(JSON)},
    )
)
def test_any_data_is_a_catalogue_or_one_error(data: dict[str, Any]) -> None:
    try:
        parsed = parse_catalogue(json.dumps(data))
    except CatalogueError as error:
        assert error.problems  # noqa: PT017
    else:
        assert isinstance(parsed, Catalogue)


def test_the_example_covers_what_a_cluster_may_have() -> None:
    parsed = example()
    by_resource = {p.resource: p for p in parsed.profiles}
    assert {"nvidia.com/mig-1g.10gb", "nvidia.com/gpu.shared", "amd.com/gpu"} <= set(by_resource)
    assert None in by_resource
    assert {p.count for p in parsed.profiles if p.resource == "nvidia.com/gpu"} == {1, 4}
    shared = by_resource["nvidia.com/gpu.shared"].gpu
    assert shared is not None
    assert shared.shared
    frameworks = [name for i in parsed.images for name in i.provides.frameworks]
    assert frameworks.count("pytorch") >= 2
    assert "tensorflow" in frameworks
    assert any(not i.provides.frameworks for i in parsed.images)
    assert len({p.idle.timeout for p in parsed.profiles}) > 3
    assert any(v.read_only for v in parsed.volumes)
    assert any(i.groups for i in parsed.images)
    assert any(p.groups for p in parsed.profiles)


def test_a_catalogue_round_trips_as_json() -> None:
    parsed = example()
    assert parse_catalogue(parsed.model_dump_json()) == parsed


def test_the_schema_in_the_repository_is_fresh() -> None:
    stored = json.loads(DATA.joinpath("catalogue.schema.json").read_text(encoding="utf-8"))
    assert stored == catalogue_schema(), "run: studiolo catalogue schema > the file"


def test_the_schema_accepts_the_example_and_refuses_what_is_misspelt() -> None:
    validator = jsonschema.Draft202012Validator(catalogue_schema())
    data = yaml.safe_load(EXAMPLE)
    validator.validate(data)
    data["images"][0]["refernce"] = "x"
    assert not validator.is_valid(data)


def test_the_schema_speaks_the_file_s_language() -> None:
    schema = catalogue_schema()
    definitions = {"Catalogue": schema, **schema["$defs"]}
    idle = definitions["IdlePolicy"]["properties"]
    assert idle["timeout"]["default"] == "1h"
    assert idle["warn_before"]["default"] == "5m"
    for name, model in definitions.items():
        for key, field in model["properties"].items():
            assert field["description"], f"{name}.{key} has no description"


def test_never_is_written_as_never() -> None:
    parsed = Profile.model_validate(profile("a", idle={"timeout": "never"}, max_lifetime="never"))
    assert parsed.idle.timeout is None
    assert parsed.max_lifetime is None
    written = parsed.model_dump(mode="json")
    assert written["idle"]["timeout"] == "never"
    assert Profile.model_validate(written) == parsed
