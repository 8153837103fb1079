"""`studiolo catalogue probe`: ask the registries about a catalogue as the hub would. I/O.

Registries are asked with the hub's own client and settings, so that what is good here is good
there. The one difference: the command does not ask the cluster, so that images with a pull
secret are told as not visible where the registry does not show them to everybody.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from studiolo_spawner.catalogue import Catalogue, Image
from studiolo_spawner.catalogue_probe import ProbedImage, probe
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.image_check import CheckedImage, check_image
from studiolo_spawner.image_contract import Surroundings
from studiolo_spawner.registry import RegistryClient, RegistrySettings
from studiolo_spawner.shared_parts import registry_settings
from studiolo_spawner.surroundings import HUB_VERSION

from studiolo_hub.probe_record import record, where
from studiolo_hub.probe_report import all_well, as_json, summary, table
from studiolo_hub.registries import plain_registries
from studiolo_hub.settings import Registry

ALL_WELL, SOME_BAD, UNUSABLE = 0, 1, 2


def run_probe(
    catalogue: Catalogue,
    registries: Mapping[str, RegistrySettings],
    *,
    source: str,
    json_: bool,
    namespace: str | None = None,
) -> int:
    """Probe, print, and return the exit status.

    `namespace`: where the hub keeps the health of images, to record there what was found.
    """
    probed = asyncio.run(probed_catalogue(catalogue, registries))
    if json_:
        print(json.dumps(as_json(probed, source=source, at=datetime.now(UTC)), indent=2))
    else:
        print(table(probed))
        print(f"{source}: {summary(probed)}")
    if namespace is not None:
        try:
            asyncio.run(record(probed, namespace))
        except ClusterFault as fault:
            told = f"not recorded in {where(namespace)}: {fault.user_message}"
            print(f"studiolo: {told}", file=sys.stderr)
            return UNUSABLE
    return ALL_WELL if all_well(probed) else SOME_BAD


async def probed_catalogue(
    catalogue: Catalogue, registries: Mapping[str, RegistrySettings]
) -> tuple[ProbedImage, ...]:
    """Ask about all images with a client of our own."""
    client = RegistryClient(registries)

    async def check(image: Image) -> CheckedImage:
        return await check_image(image, client, surroundings=Surroundings(hub=HUB_VERSION))

    try:
        return await probe(catalogue.images, check)
    finally:
        await client.close()


def settings_of(
    registries: Mapping[str, Registry], elsewhere: Sequence[str]
) -> dict[str, RegistrySettings]:
    """Return the settings, with `HOST=URL` from the command line over them.

    Raises ValueError that says what is wrong. Whoever names an address by hand means it: it may be
    private, and without TLS where it says http.
    """
    named: dict[str, dict[str, object]] = dict(plain_registries(registries))
    for text in elsewhere:
        host, equals, url = text.partition("=")
        if not (host and equals and url):
            raise ValueError(
                "--registry takes HOST=URL, such as registry.example=http://[::1]:5000"
            )
        insecure = url.startswith("http://")
        named[host] = {
            **named.get(host, {}),
            "endpoint": url,
            "insecure": insecure,
            "allow_private": True,
        }
    return registry_settings(named)
