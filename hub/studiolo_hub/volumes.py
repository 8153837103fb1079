"""The volumes of the workspaces' namespaces and whose they are. A pure part, and one listing (I/O).

Whose a volume is, its own annotation says, and nothing else: one that does not say is shown as
nobody's, and one whose owner the hub does not know (any more) as an orphan. Nothing here deletes.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

import aiohttp
from studiolo_spawner import spoken
from studiolo_spawner.ownership import SERVERNAME, USERNAME
from studiolo_spawner.pod_view import mapping, mappings, moment, text
from studiolo_spawner.quantities import parse_memory
from studiolo_spawner.translation import translate as _

from studiolo_hub import admin_words

Owner = Literal["person", "gone", "unknown"]

PAGE = 500
MAX_PAGES = 20
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True)
class VolumeRow:
    """One volume claim."""

    name: str
    namespace: str
    owner: str
    """The name in its annotation; empty when it has none."""
    whose: Owner
    server: str
    size: str
    """What it has, or what was asked for while it has nothing yet."""
    phase: str
    storage_class: str
    since: datetime | None
    since_words: str

    @property
    def size_words(self) -> str:
        """Such as “10 GiB”; as it stands where it is written in another way."""
        try:
            return spoken.memory(parse_memory(self.size))
        except ValueError:
            return self.size


@dataclass(frozen=True)
class Claims:
    """What the cluster answered; `trouble` says in a sentence why there is nothing."""

    items: tuple[Mapping[str, Any], ...] = ()
    trouble: str = ""
    cut: bool = False
    """There are more than were read."""


def volume_rows(
    items: Iterable[Mapping[str, Any]], people: frozenset[str], now: datetime
) -> tuple[VolumeRow, ...]:
    """Return the volumes, those without a known owner first, then by owner and name."""
    rows = [_row(item, people, now) for item in items]
    return tuple(sorted(rows, key=lambda row: (row.whose == "person", row.owner, row.name)))


def as_json(rows: Iterable[VolumeRow]) -> list[dict[str, object]]:
    """Return the volumes for programs; fields are only ever added to it."""
    return [
        {
            "name": row.name,
            "namespace": row.namespace or None,
            "owner": row.owner or None,
            "whose": row.whose,
            "server": row.server or None,
            "size": row.size,
            "phase": row.phase,
            "storage_class": row.storage_class or None,
            "since": admin_words.moment(row.since),
        }
        for row in rows
    ]


async def claims_in(core: Any, namespace: str | None, *, begin: str = "") -> Claims:
    """List the claims of a namespace or, with None, of all whose names `begin` so.

    `core` is KubeSpawner's CoreV1Api. Never raises for it.
    """
    found: list[Mapping[str, Any]] = []
    if namespace is None:
        where = _("all namespaces")
    else:
        where = _("the namespace %(namespace)s") % {"namespace": namespace}
    token: str | None = None
    for _page_number in range(MAX_PAGES):
        try:
            status, body = await _page(core, namespace, token)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return Claims(trouble=_("The Kubernetes API does not answer now."))
        if status == 403:
            return Claims(
                trouble=_(
                    "The hub may not list volume claims: grant its service account `list` on "
                    "persistentvolumeclaims in %(where)s."
                )
                % {"where": where}
            )
        if status != 200:
            return Claims(
                trouble=_("The Kubernetes API refused the list (%(status)s).") % {"status": status}
            )
        found += [
            item
            for item in mappings(body.get("items"))
            if text(mapping(item.get("metadata")).get("namespace")).startswith(begin)
        ]
        token = text(mapping(body.get("metadata")).get("continue")) or None
        if token is None:
            break
        await asyncio.sleep(0)
    return Claims(tuple(found), cut=token is not None)


async def _page(
    core: Any, namespace: str | None, token: str | None
) -> tuple[int, Mapping[str, Any]]:
    more = {"_continue": token} if token else {}
    call = core.list_persistent_volume_claim_for_all_namespaces
    if namespace is not None:
        call = partial(core.list_namespaced_persistent_volume_claim, namespace)
    answer = await call(limit=PAGE, _preload_content=False, _request_timeout=_TIMEOUT, **more)
    try:
        raw = await answer.read()
    finally:
        answer.release()
    try:
        body = json.loads(raw)
    except ValueError:
        body = {}
    return answer.status, mapping(body)


def _row(item: Mapping[str, Any], people: frozenset[str], now: datetime) -> VolumeRow:
    metadata, spec = mapping(item.get("metadata")), mapping(item.get("spec"))
    status = mapping(item.get("status"))
    annotations = mapping(metadata.get("annotations"))
    owner = text(annotations.get(USERNAME))
    whose: Owner = "unknown" if not owner else "person" if owner in people else "gone"
    asked = mapping(mapping(spec.get("resources")).get("requests")).get("storage")
    since = moment(metadata.get("creationTimestamp"))
    return VolumeRow(
        name=text(metadata.get("name")),
        namespace=text(metadata.get("namespace")),
        owner=owner,
        whose=whose,
        server=text(annotations.get(SERVERNAME)),
        size=text(mapping(status.get("capacity")).get("storage")) or text(asked),
        phase=text(status.get("phase")),
        storage_class=text(spec.get("storageClassName")),
        since=since,
        since_words=admin_words.since_words(since, now),
    )
