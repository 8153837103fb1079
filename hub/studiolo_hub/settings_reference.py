"""docs/settings.md, written from the models of `settings`. Pure.

`python -m studiolo_hub.settings_reference > docs/settings.md` writes it anew; a test holds the file
to what is written here.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from studiolo_spawner.quantities import format_duration

from studiolo_hub.settings import Settings
from studiolo_hub.settings_file import PATH_VARIABLE, SECRETS

_HEAD = f"""# Settings

The hub reads one YAML file, named by the environment variable `{PATH_VARIABLE}`. What is not in
the file keeps its default; what is not in the list below is refused. All mistakes are told at
once, each with its line and field, and the hub does not start before they are mended.

```yaml
sign_in:
  issuer: https://dex.example.org
  client_secret_file: /etc/studiolo/client-secret
  allowed_groups: [researchers]
  admin_groups: [platform]
workspaces:
  catalogue_path: /etc/studiolo/catalogue.yaml
```

Durations are written `90s`, `30m`, `12h` or `7d`. A secret is given in one of three ways: in
the file, by the name of a file that holds it (`…_file`), or by the environment:

| Setting | Environment variable |
| --- | --- |
"""

_TAIL = """
## How idleness is judged

Every profile of the catalogue says after how long without use a workspace is stopped
(`idle.timeout`, or `never`) and how long it may run in all (`max_lifetime`). Use is what
happens in the workspace: running kernels and terminals, a page in view, and a GPU that is at least
`idle.gpu_busy_percent` busy. Traffic through the proxy is no use: a forgotten tab keeps no GPU.
The workspace reports to the hub every `culling.report_every`; a training run is never
stopped for want of clicks. Files are kept. The hub never deletes people, and
`culling.unknown_profile_timeout` is used only for workspaces whose profile has left the
catalogue, or that were started without one.

## Who is who

With `username_claim: email` (the default) people are known by their e-mail address in lower
case, and only if the sign-in service has verified it. Other claims are compared exactly;
because JupyterHub lower-cases names, a capital A is kept as `~a` and a tilde as `~~`. Groups
must be a list of names: a single string is refused, not read as a list of its letters. While a
person uses the hub, groups and administration follow the sign-in service every `refresh_every`;
while it is away, people stay signed in with what it said last, and the sign-in page says that
it does not answer.
"""


def settings_reference() -> str:
    """Return the text of docs/settings.md."""
    secrets = "".join(f"| `{'.'.join(path)}` | `{name}` |\n" for path, name in SECRETS.items())
    return _HEAD + secrets + "".join(map(_table, sections("", Settings))) + _TAIL


@dataclass(frozen=True)
class Section:
    """One mapping of the file: where it stands, and the model that reads it."""

    path: str
    model: type[BaseModel]

    @property
    def leaves(self) -> dict[str, FieldInfo]:
        """The fields that hold a value, and not a mapping that has a section of its own."""
        return {
            name: field
            for name, field in self.model.model_fields.items()
            if _model_of(field.annotation) is None
        }


def sections(path: str, model: type[BaseModel]) -> Iterator[Section]:
    """Yield this section and all within it, in the order of the models."""
    yield Section(path, model)
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        if inner is not None:
            many = ".HOST" if get_origin(field.annotation) is dict else ""
            yield from sections(f"{path}.{name}{many}".lstrip("."), inner)


def _table(section: Section) -> str:
    rows = "".join(
        f"| `{name}` | {_kind(field.annotation)} | {_default(field)} | {field.description} |\n"
        for name, field in section.leaves.items()
    )
    title = f"`{section.path}`" if section.path else "Top level"
    return (
        f"\n## {title}\n\n{section.model.__doc__}\n\n"
        f"| Setting | Kind | Default | What it does |\n| --- | --- | --- | --- |\n{rows}"
    )


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


_KINDS: Mapping[object, str] = {
    str: "text",
    bool: "true or false",
    int: "number",
    Path: "path",
    timedelta: "duration",
    SecretStr: "secret",
    tuple: "list",
    frozenset: "list",
    dict: "mapping",
}


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    for candidate in (annotation, get_origin(annotation)):
        if candidate in _KINDS:
            return _KINDS[candidate]
    # What an optional or annotated type is about comes first in it.
    return _kind(get_args(annotation)[0])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | frozenset | dict):
        return f"`[{', '.join(sorted(value))}]`" if value else "none"
    return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(settings_reference())
