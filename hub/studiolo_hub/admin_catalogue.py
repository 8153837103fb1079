"""The catalogue that is in effect, as administrators read it: what is allowed to whom. Pure."""

from dataclasses import dataclass

import yaml
from studiolo_spawner.catalogue import Catalogue, Image, Profile
from studiolo_spawner.catalogue_custom import CustomImages
from studiolo_spawner.catalogue_quotas import Quota
from studiolo_spawner.spoken import listed
from studiolo_spawner.translation import translate as _
from studiolo_spawner.translation import translate_number
from studiolo_spawner.wording import memory, number

from studiolo_hub.workspace_view import end_words, gpu_words


@dataclass(frozen=True)
class EntryRow:
    """One image or profile."""

    id: str
    display_name: str
    groups: tuple[str, ...]
    """Whose members may use it; empty: everyone."""
    detail: str
    marks: tuple[str, ...]


@dataclass(frozen=True)
class QuotaRow:
    """One quota."""

    id: str
    display_name: str
    whom: str
    what: str


@dataclass(frozen=True)
class CustomRow:
    """Which images people may name themselves."""

    patterns: tuple[str, ...]
    groups: tuple[str, ...]
    """Whose members may; empty: everyone."""
    profiles: tuple[str, ...]
    """With which profiles; empty: all."""


@dataclass(frozen=True)
class CatalogueReport:
    """What the page shows."""

    images: tuple[EntryRow, ...]
    profiles: tuple[EntryRow, ...]
    quotas: tuple[QuotaRow, ...]
    custom: CustomRow | None
    """None: nobody may name an image."""


def catalogue_report(catalogue: Catalogue) -> CatalogueReport:
    """Return what each entry is and who may use it."""
    return CatalogueReport(
        images=tuple(map(_image, catalogue.images)),
        profiles=tuple(map(_profile, catalogue.profiles)),
        quotas=tuple(map(_quota, catalogue.quotas)),
        custom=_custom(catalogue.custom_images),
    )


def as_json(report: CatalogueReport) -> dict[str, object]:
    """Return the report for programs; fields are only ever added to it."""
    return {
        "images": list(map(_entry, report.images)),
        "profiles": list(map(_entry, report.profiles)),
        "quotas": [
            {"id": row.id, "display_name": row.display_name, "whom": row.whom, "what": row.what}
            for row in report.quotas
        ],
        "custom_images": {
            "patterns": list(report.custom.patterns),
            "groups": list(report.custom.groups),
            "profiles": list(report.custom.profiles),
        }
        if report.custom
        else None,
    }


def as_yaml(catalogue: Catalogue) -> str:
    """Return the catalogue that is in effect as a file; what is not set is left out."""
    document = catalogue.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _entry(row: EntryRow) -> dict[str, object]:
    return {
        "id": row.id,
        "display_name": row.display_name,
        "groups": list(row.groups),
        "detail": row.detail,
        "marks": list(row.marks),
    }


def _image(image: Image) -> EntryRow:
    marks = {
        _("hidden"): image.hidden,
        _("deprecated"): image.deprecated is not None,
        _("redirected"): image.redirect is not None,
        _("no fallback"): not image.fallback_allowed,
    }
    return EntryRow(
        id=image.id,
        display_name=image.display_name,
        groups=tuple(sorted(image.groups)),
        detail=image.reference,
        marks=tuple(mark for mark, holds in marks.items() if holds),
    )


def _profile(profile: Profile) -> EntryRow:
    parts = (
        gpu_words(profile),
        f"{number(profile.cpu)} CPU",
        memory(profile.memory_octets),
        end_words(profile),
    )
    return EntryRow(
        id=profile.id,
        display_name=profile.display_name,
        groups=tuple(sorted(profile.groups)),
        detail=" · ".join(part for part in parts if part),
        marks=() if profile.fallback_allowed else (_("no fallback"),),
    )


def _quota(quota: Quota) -> QuotaRow:
    what = [f"{count} × {resource}" for resource, count in quota.resources.items()]
    if (most := quota.workspaces) is not None:
        told = translate_number("%(count)s workspace", "%(count)s workspaces", most)
        what.append(told % {"count": most})
    what += [
        _("%(count)s × %(resource)s in one workspace") % {"count": count, "resource": name}
        for name, count in quota.largest.items()
    ]
    words = {
        "what": ", ".join(what),
        "scope": _("each member") if quota.scope == "each member" else _("together"),
        "profiles": listed(sorted(quota.profiles)),
    }
    told = _("%(what)s (%(scope)s)")
    if quota.profiles:
        told = _("%(what)s (%(scope)s), counting %(profiles)s only")
    whom = [_("everyone")] if quota.everyone else [*sorted(quota.groups), *sorted(quota.users)]
    return QuotaRow(
        id=quota.id,
        display_name=quota.display_name,
        whom=", ".join(whom),
        what=told % words,
    )


def _custom(custom: CustomImages | None) -> CustomRow | None:
    if custom is None:
        return None
    return CustomRow(custom.patterns, tuple(sorted(custom.groups)), tuple(sorted(custom.profiles)))
