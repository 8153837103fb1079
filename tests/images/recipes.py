"""The images' recipes as tests read them. I/O: the project's own files."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_images", ROOT / "images" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


builder = _load()


def dockerfile(folder: str) -> str:
    """A Dockerfile."""
    return (ROOT / "images" / folder / "Dockerfile").read_text()


def instructions(folder: str) -> list[tuple[str, str]]:
    """Its instructions, each with its words on one line."""
    lines = [line for line in dockerfile(folder).splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(words[0], words[1]) for words in found]


def pins(lock: str) -> dict[str, str]:
    """The versions that a lock file pins, by name."""
    found = re.findall(r"^([a-zA-Z0-9._-]+)(?:\[[^\]]*\])?==([^ \\]+)", lock, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}
