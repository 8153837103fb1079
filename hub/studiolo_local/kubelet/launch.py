"""Makes the order for one container: environment, command, volumes. Reads the API and the disk."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from studiolo_local.client import ApiError
from studiolo_local.kubelet.command import command_line, expand
from studiolo_local.kubelet.devices import plugin_variables, simulation_variables
from studiolo_local.kubelet.environment import (
    ConfigProblem,
    Source,
    image_variables,
    sources,
    variables,
)
from studiolo_local.kubelet.image_root import NotExecutable, Program, find_program, image_settings
from studiolo_local.kubelet.image_store import ImageStore, StoredImage
from studiolo_local.kubelet.process import Order
from studiolo_local.kubelet.services import Scene, Services
from studiolo_local.kubelet.volumes import Layout, plan_layout, planned_links, prepare

_IMAGE_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_RESOURCES: Final = {"Secret": "secrets", "ConfigMap": "configmaps"}


class CannotCreate(Exception):  # noqa: N818 - the runtime's answer about a container
    """The runtime refuses to create the container; the message is what it says."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A container that is ready to be started."""

    order: Order
    skipped: list[str]
    """Volumes that found no place in the home because something stands there."""


async def plan(
    services: Services,
    scene: Scene,
    spec: Mapping[str, Any],
    image: StoredImage,
    *,
    container_id: str,
    log: Path,
) -> Plan:
    """All that the container needs. Raises ConfigProblem, CannotCreate, NotExecutable."""
    settings = image_settings(services.images.config(image))
    objects = await _read_sources(services, scene, spec)
    own = variables(scene.pod, spec, objects, addresses=scene.addresses)
    devices = scene.devices.get(spec["name"], {})
    from_plugins = plugin_variables(devices)
    words = command_line(spec, settings, {**from_plugins, **own})
    if not words:
        raise CannotCreate(
            f'failed to generate container "{container_id}" spec: failed to generate spec: '
            "no command specified"
        )
    from_image = image_variables(settings)
    home_paths = _home_paths(spec, own, settings, from_image)
    layout = plan_layout(spec, scene.places, home_paths, scene.directory / "home")
    links = planned_links(layout, _home_path(layout, home_paths))
    made, skipped = await asyncio.to_thread(prepare, layout, links)
    scene.links.extend(link for link in made if link not in scene.links)
    told = {**from_image, **from_plugins, **own}
    environment = {
        **{name: layout.translate(value) for name, value in told.items() if name != "PATH"},
        **_base(services, scene, told),
        **layout.variables(),
    }
    environment |= simulation_variables(devices, environment, services.gpu_library)
    image_path = own.get("PATH") or from_image.get("PATH") or _IMAGE_PATH
    program, arguments = await asyncio.to_thread(
        _locate, services, services.images, image, words, image_path
    )
    order = Order(
        container_id=container_id,
        program=program,
        arguments=[layout.translate(word) for word in arguments],
        environment=environment,
        directory=_working_directory(spec, settings, layout),
        log=log,
        marks=scene.marks,
    )
    return Plan(order, skipped)


def command_order(order: Order, services: Services, command: list[str], log: Path) -> Order:
    """The order for a further command in a running container, for a probe."""
    words = [expand(word, order.environment) for word in command]
    program = shutil.which(words[0], path=services.search_path) if words else None
    return Order(
        container_id=f"{order.container_id}-probe",
        program=Path(program or (words or [""])[0]),
        arguments=words,
        environment=order.environment,
        directory=order.directory,
        log=log,
        marks=order.marks,
    )


async def _read_sources(
    services: Services, scene: Scene, spec: Mapping[str, Any]
) -> dict[Source, Mapping[str, Any] | None]:
    found: dict[Source, Mapping[str, Any] | None] = {}
    for source in sources(spec):
        try:
            item = await services.client.get(_RESOURCES[source.kind], scene.namespace, source.name)
            found[source] = {"kind": source.kind, **item}
        except ApiError as error:
            if not error.missing:
                raise ConfigProblem(f"failed to sync {source.kind.lower()} cache") from error
            found[source] = None
    return found


def _base(services: Services, scene: Scene, told: Mapping[str, str]) -> dict[str, str]:
    """What a process needs on this machine. PATH is the machine's, whatever the image has."""
    return {
        "PATH": services.search_path,
        "LANG": told.get("LANG", "C.UTF-8"),
        "HOSTNAME": told.get("HOSTNAME") or str(scene.pod["metadata"]["name"]),
    }


def _home_paths(
    spec: Mapping[str, Any],
    own: Mapping[str, str],
    settings: Mapping[str, Any],
    from_image: Mapping[str, str],
) -> list[str]:
    named = [
        own.get("HOME"),
        spec.get("workingDir"),
        from_image.get("HOME"),
        settings.get("WorkingDir"),
    ]
    return [str(path).rstrip("/") for path in named if path]


def _home_path(layout: Layout, home_paths: list[str]) -> str | None:
    """The path of the container at which the home is mounted."""
    mounted = {mount.path for mount in layout.mounts if mount.place == layout.home}
    return next((path for path in home_paths if path in mounted), None)


def _working_directory(
    spec: Mapping[str, Any], settings: Mapping[str, Any], layout: Layout
) -> Path:
    path = str(spec.get("workingDir") or settings.get("WorkingDir") or "").rstrip("/")
    place = layout.place_of(path) if path else None
    return place if place is not None and place.is_dir() else layout.home


def _locate(
    services: Services, store: ImageStore, image: StoredImage, words: list[str], image_path: str
) -> tuple[Path, list[str]]:
    """The file to execute and its arguments: this machine's program for the image's."""
    program = find_program(store.root(image), words[0], image_path)
    if not program.script:
        return _on_this_machine(services, program.name), words
    interpreter, *options = program.interpreter
    script = _script_file(services, program)
    return _on_this_machine(services, interpreter), [
        interpreter,
        *options,
        str(script),
        *words[1:],
    ]


def _on_this_machine(services: Services, name: str) -> Path:
    found = shutil.which(name, path=services.search_path)
    if found is None:
        raise NotExecutable(
            f'exec: "{name}": the embedded cluster runs the programs of this machine, and it has '
            "none of this name"
        )
    return Path(found)


def _script_file(services: Services, program: Program) -> Path:
    """The script's text as a file; the same text is the same file."""
    content = program.script.encode("utf-8", "surrogateescape")
    directory = services.data_dir / "scripts"
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / f"{hashlib.sha256(content).hexdigest()[:16]}-{program.name}"
    if not path.is_file():
        # Pods of one image may be started at the same time, by threads of one process.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        temporary.write_bytes(content)
        temporary.replace(path)
    return path
