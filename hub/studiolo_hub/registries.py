"""The settings of registries as the spawner's trait takes them. Pure.

The result holds passwords in plain text: it goes into configuration, never into a message.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from studiolo_hub.settings import Registry


def plain_registries(registries: Mapping[str, Registry]) -> dict[str, dict[str, object]]:
    """Return plain mappings, by the host that stands in references."""
    return {
        host: {
            name: _plain(value)
            for name, value in registry.model_dump(
                exclude_none=True, exclude={"password_file"}
            ).items()
        }
        for host, registry in registries.items()
    }


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value
