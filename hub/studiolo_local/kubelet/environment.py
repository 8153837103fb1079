"""A container's environment from its specification. Pure: referenced objects are handed in.

The order of Kubernetes: what the image sets, then envFrom, then env, later ones winning; `$(NAME)`
means variables that were defined before. Services' variables are not given.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, Final

from studiolo_local.api.quantities import parse_quantity
from studiolo_local.kubelet.command import expand

_LABEL_FIELD: Final = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class ConfigProblem(Exception):  # noqa: N818 - said of the pod, not of us
    """Something that the environment needs is not there; the message is the kubelet's."""


@dataclass(frozen=True, slots=True)
class Source:
    """A Secret or ConfigMap that a container refers to."""

    kind: str
    name: str


def sources(container: Mapping[str, Any]) -> set[Source]:
    """Everything that has to be read before `variables` can be called."""
    found: set[Source] = set()
    for entry in container.get("envFrom") or ():
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if field in entry:
                found.add(Source(kind, entry[field]["name"]))
    for entry in container.get("env") or ():
        origin = entry.get("valueFrom") or {}
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if field in origin:
                found.add(Source(kind, origin[field]["name"]))
    return found


def variables(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    objects: Mapping[Source, Mapping[str, Any] | None],
    *,
    addresses: Mapping[str, str],
) -> dict[str, str]:
    """The variables of the container's own specification.

    `objects` holds what `sources` asked for (None: it does not exist), `addresses` the values of
    the status fields, which are not in the pod yet. Raises ConfigProblem.
    """
    result = dict(_from_whole_objects(container, objects))
    for entry in container.get("env") or ():
        if entry.get("valueFrom"):
            value = _value_from(pod, container, entry["valueFrom"], objects, addresses)
            if value is None:
                continue
        else:
            value = expand(str(entry.get("value") or ""), result)
        result[entry["name"]] = value
    return result


def image_variables(image: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the image sets."""
    pairs = (str(entry).partition("=") for entry in image.get("Env") or ())
    return {name: value for name, _, value in pairs if name}


def _from_whole_objects(
    container: Mapping[str, Any], objects: Mapping[Source, Mapping[str, Any] | None]
) -> Iterator[tuple[str, str]]:
    for entry in container.get("envFrom") or ():
        prefix = entry.get("prefix", "")
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if field not in entry:
                continue
            found = objects.get(Source(kind, entry[field]["name"]))
            if found is None:
                if not entry[field].get("optional"):
                    raise ConfigProblem(_missing(kind, entry[field]["name"]))
                continue
            for key, value in data_of(found).items():
                yield prefix + key, value.decode("utf-8", "replace")


def _value_from(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    origin: Mapping[str, Any],
    objects: Mapping[Source, Mapping[str, Any] | None],
    addresses: Mapping[str, str],
) -> str | None:
    """One value; None when an optional source lacks it."""
    if "fieldRef" in origin:
        return _field(pod, origin["fieldRef"]["fieldPath"], addresses)
    if "resourceFieldRef" in origin:
        return _resource(container, origin["resourceFieldRef"])
    for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if field in origin:
            return _key(pod, kind, origin[field], objects)
    raise ConfigProblem("an environment variable has a source of an unknown kind")


def _key(
    pod: Mapping[str, Any],
    kind: str,
    selector: Mapping[str, Any],
    objects: Mapping[Source, Mapping[str, Any] | None],
) -> str | None:
    name, key = selector["name"], selector["key"]
    found = objects.get(Source(kind, name))
    if found is not None and key in (data := data_of(found)):
        return data[key].decode("utf-8", "replace")
    if selector.get("optional"):
        return None
    if found is None:
        raise ConfigProblem(_missing(kind, name))
    namespace = pod["metadata"]["namespace"]
    raise ConfigProblem(f"couldn't find key {key} in {kind} {namespace}/{name}")


def _missing(kind: str, name: str) -> str:
    return f'{kind.lower()} "{name}" not found'


def data_of(found: Mapping[str, Any]) -> dict[str, bytes]:
    """The entries of a Secret or ConfigMap."""
    encoded = {**(found.get("binaryData") or {})}
    plain = found.get("data") or {}
    if found.get("kind") == "Secret" or "type" in found:
        encoded, plain = plain, {}
    result = {key: str(value).encode() for key, value in plain.items()}
    result.update({key: base64.b64decode(value) for key, value in encoded.items()})
    return result


def _field(pod: Mapping[str, Any], path: str, addresses: Mapping[str, str]) -> str:
    metadata = pod["metadata"]
    if path in {"metadata.name", "metadata.namespace", "metadata.uid"}:
        return str(metadata[path.removeprefix("metadata.")])
    if path in {"spec.nodeName", "spec.serviceAccountName"}:
        return str(pod["spec"].get(path.removeprefix("spec."), ""))
    if path in addresses:
        return addresses[path]
    labelled = _LABEL_FIELD.fullmatch(path)
    if labelled:
        return str((metadata.get(labelled[1]) or {}).get(labelled[2], ""))
    raise ConfigProblem(f"unsupported fieldPath: {path}")


def _resource(container: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    part, _, resource = str(reference["resource"]).partition(".")
    amounts = (container.get("resources") or {}).get(part) or {}
    amount = parse_quantity(amounts.get(resource, "0")).amount
    divisor = parse_quantity(reference.get("divisor") or "1").amount or Fraction(1)
    return str(ceil(amount / divisor))
