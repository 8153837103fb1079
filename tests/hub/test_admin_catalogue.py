from importlib.resources import files

import pytest
from studiolo_hub.admin_catalogue import as_json, as_yaml, catalogue_report
from studiolo_spawner.catalogue import parse_catalogue

CATALOGUE = parse_catalogue(
    """
version: 1
images:
  - {id: open, display_name: Open, reference: "registry.example/a:1"}
  - id: closed
    display_name: Closed
    reference: "registry.example/b:1"
    groups: [research, admins]
    hidden: true
    deprecated: Use the other one.
    fallback_allowed: false
  - id: moved
    display_name: Moved
    reference: "registry.example/c:1"
    redirect: {to: open}
profiles:
  - {id: cpu, display_name: CPU, cpu: 2, memory: 4Gi, idle: {timeout: never}}
  - id: gpu
    display_name: One L4
    cpu: 4
    memory: 16Gi
    resource: nvidia.com/gpu
    count: 1
    gpu: {model: NVIDIA L4, memory_gib: 24}
    groups: [research]
quotas:
  - id: students
    display_name: Students
    groups: [students]
    users: [ben]
    scope: together
    resources: {nvidia.com/gpu: 4}
    workspaces: 1
  - id: all
    display_name: Everybody
    everyone: true
    largest: {nvidia.com/gpu: 2}
    profiles: [gpu]
custom_images:
  patterns: ["registry.example/people/**"]
  groups: [research]
"""
)


def test_what_is_allowed_to_whom() -> None:
    report = catalogue_report(CATALOGUE)
    assert [(row.id, row.groups, row.marks) for row in report.images] == [
        ("open", (), ()),
        ("closed", ("admins", "research"), ("hidden", "deprecated", "no fallback")),
        ("moved", (), ("redirected",)),
    ]
    cpu, gpu = report.profiles
    assert cpu.detail == "2 CPU · 4 GiB · Runs until stopped"
    assert gpu.detail.startswith("NVIDIA L4, 24 GiB · 4 CPU · 16 GiB · Stops by itself after")
    assert gpu.groups == ("research",)
    assert [(row.id, row.whom, row.what) for row in report.quotas] == [
        ("students", "students, ben", "4 × nvidia.com/gpu, 1 workspace (together)"),
        (
            "all",
            "everyone",
            "2 × nvidia.com/gpu in one workspace (each member), counting gpu only",
        ),
    ]
    assert report.custom is not None
    assert report.custom.patterns == ("registry.example/people/**",)
    assert as_json(report)["custom_images"] == {
        "patterns": ["registry.example/people/**"],
        "groups": ["research"],
        "profiles": [],
    }


@pytest.mark.parametrize(
    "text",
    [
        as_yaml(CATALOGUE),
        (files("studiolo_spawner") / "data" / "example-catalogue.yaml").read_text("utf-8"),
        (files("studiolo_local") / "data" / "catalogue.yaml").read_text("utf-8"),
    ],
    ids=["all-there-is", "example", "demo"],
)
def test_what_is_downloaded_means_the_same(text: str) -> None:
    catalogue = parse_catalogue(text)
    assert parse_catalogue(as_yaml(catalogue)) == catalogue
