"""What `studiolo catalogue probe` tells: a table for people, JSON for programs. Pure.

The words are for administrators: what the check found, and what they can do about it. Texts of
the catalogue are shown as they are (it lets no control characters in); of a registry's answer
only our own words are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from studiolo_spawner.catalogue_probe import ProbedImage, Standing
from studiolo_spawner.image_check import MACHINES_ONLY
from studiolo_spawner.registry_answer import NODES_ONLY, Outcome
from studiolo_spawner.translation import marked, translate
from studiolo_spawner.units import human_size
from studiolo_spawner.verdict import Verdict

_COLUMNS = ("IMAGE", "OUTCOME", "DIGEST", "SIZE", "REASON")
_GAP = "  "
# As container tools cut them, so that eyes find them again; the whole one is in the JSON.
_SHORT_DIGEST = len("sha256:") + 12

_NEXT_STEPS = {
    "image_missing": marked("Push the image, or correct `reference` in the catalogue."),
    "image_forbidden": marked(
        "Correct `reference`, or give the registry credentials that may read it "
        "(workspaces.registries in the settings, or the entry's pull_secret)."
    ),
    "wrong_platform": marked("Build the image for linux/amd64 too."),
    "image_damaged": marked("Push the image again."),
    "image_format": marked("Build the image again with current tools."),
    "registry_busy": marked("Ask less often, or give the settings a username and password for it."),
    "registry_away": marked(
        "Check the network from here to the registry, and what the settings say of it "
        "(workspaces.registries)."
    ),
    NODES_ONLY: marked("Nothing: a start will show it."),
    MACHINES_ONLY: marked("Nothing: the running hub checks it with the pull secret."),
}
_FAILING = frozenset({Standing.BAD, Standing.SILENT})


def all_well(probed: Sequence[ProbedImage]) -> bool:
    """Whether no entry is bad and every registry that we may see answered."""
    return not any(one.standing in _FAILING for one in probed)


def table(probed: Sequence[ProbedImage]) -> str:
    """Return the results as lines with columns; reasons and next steps stand in the last one."""
    rows = [_COLUMNS, *(_row(one) for one in probed)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    indent = " " * (sum(widths) + len(_GAP) * len(widths))
    lines: list[str] = []
    for row, one in zip(rows, (None, *probed), strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(_GAP.join([*cells, row[-1]]).rstrip())
        if one is not None and (step := next_step(one)):
            lines.append(f"{indent}Next: {step}")
    return "\n".join(lines)


def summary(probed: Sequence[ProbedImage]) -> str:
    """Return how many there are of each, such as “6 images: 4 good, 2 bad”."""
    count = len(probed)
    found = Counter(one.standing for one in probed)
    told = ", ".join(f"{found[each]} {each.value}" for each in Standing if found[each])
    return f"{count} image{'s' if count != 1 else ''}: {told}"


def as_json(probed: Sequence[ProbedImage], *, source: str, at: datetime) -> dict[str, object]:
    """Return the results for programs; fields are only ever added to it."""
    return {
        "version": 1,
        "source": source,
        "probed_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "all_well": all_well(probed),
        "images": list(map(_entry, probed)),
    }


def next_step(one: ProbedImage) -> str:
    """Return what an administrator can do; empty when there is nothing to do."""
    if one.checked is None or one.standing is Standing.GOOD:
        return ""
    return step_after(one.checked.verdict)


def step_after(verdict: Verdict) -> str:
    """Return what an administrator can do about a check that did not go well."""
    known = _NEXT_STEPS.get(verdict.reason)
    return translate(known) if known else verdict.hint


def reason(one: ProbedImage) -> str:
    """Return what was found, in a sentence, with what the registry's answer adds to it."""
    if one.checked is None:
        target = one.image.redirect.to if one.image.redirect else ""
        return f"It is redirected to {target} and never starts."
    answer = one.checked.answer
    # Of an image that is not there the answer knows nothing more to tell.
    detail = "" if answer.outcome is Outcome.MISSING else answer.detail
    return f"{one.checked.verdict.message}{f' ({detail})' if detail else ''}"


def _row(one: ProbedImage) -> tuple[str, ...]:
    answer = one.checked.answer if one.checked else None
    digest = answer.digest if answer else None
    size = answer.size if answer else None
    return (
        one.image.id,
        one.standing.value,
        digest[:_SHORT_DIGEST] if digest else "-",
        human_size(size) if size is not None else "-",
        reason(one),
    )


def _entry(one: ProbedImage) -> dict[str, object]:
    return dict(_fields(one))


def _fields(one: ProbedImage) -> Iterator[tuple[str, object]]:
    answer = one.checked.answer if one.checked else None
    yield "id", one.image.id
    yield "display_name", one.image.display_name
    yield "reference", one.image.reference
    yield "outcome", one.standing.value.replace(" ", "_")
    yield "reason", one.checked.verdict.reason if one.checked else "redirected"
    yield "digest", answer.digest if answer else None
    yield "size", answer.size if answer else None
    yield "message", reason(one)
    yield "next_step", next_step(one) or None
