"""The kinds of patch that the API takes, by content type. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studiolo_local.api.json_patch import json_patch, merge_patch
from studiolo_local.api.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    JSON_PATCH: json_patch,
    MERGE_PATCH: merge_patch,
    STRATEGIC_PATCH: strategic_merge,
}
"""How each kind of patch turns an object and a patch into the new object."""
