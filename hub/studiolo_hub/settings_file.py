"""Read the settings: one YAML file, secrets from files or the environment. I/O at the edge.

`load_settings` returns `Settings` or raises `SettingsError` with every problem at once, each with
the path of its field. No message repeats a secret's value.

Environment: STUDIOLO_SETTINGS names the file; the variables of `SECRETS` give secrets.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from studiolo_spawner.errors import Problem, StudioloError

from studiolo_hub.settings import Settings

MAX_BYTES = 256 * 1024
PATH_VARIABLE = "STUDIOLO_SETTINGS"

#: Where each secret belongs, and the environment variable that may carry it.
SECRETS: Mapping[tuple[str, str], str] = {
    ("sign_in", "client_secret"): "STUDIOLO_CLIENT_SECRET",
    ("hub", "cookie_secret"): "STUDIOLO_COOKIE_SECRET",
    ("hub", "crypt_key"): "STUDIOLO_CRYPT_KEY",
    ("hub", "db_url"): "STUDIOLO_DB_URL",
    ("proxy", "auth_token"): "STUDIOLO_PROXY_TOKEN",
}


class SettingsError(StudioloError):
    """The settings cannot be used; `problems` says all that is wrong."""

    reason = "settings"
    status = 500

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        head = f"The settings in {source} have {count}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in problems)]))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file that STUDIOLO_SETTINGS names, with secrets filled in."""
    name = environ.get(PATH_VARIABLE, "")
    if not name:
        raise SettingsError(
            PATH_VARIABLE,
            (Problem(PATH_VARIABLE, "is not set", "set it to the path of the settings file"),),
        )
    try:
        with Path(name).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = Problem("(file)", f"cannot be read: {error.strerror}", f"check {PATH_VARIABLE}")
        raise SettingsError(name, (problem,)) from error
    return parse_settings(text, environ, source=name)


def parse_settings(text: bytes | str, environ: Mapping[str, str], *, source: str) -> Settings:
    """Return the settings that `text` holds; reads the secret files that it names."""
    raw = _mapping_of(text, source)
    problems = _fill_secrets(raw, environ)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += _problems_of(error)
    if problems:
        raise SettingsError(source, tuple(sorted(set(problems), key=lambda each: each.path)))
    return settings


class _StrictLoader(yaml.SafeLoader):
    """YAML without what surprises: duplicate keys and aliases are refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not used in settings: write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (key_node, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: the key {key!r} stands there more than once")
        return super().construct_mapping(node, deep=deep)


def _mapping_of(text: bytes | str, source: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise SettingsError(source, (Problem("(file)", f"is larger than {MAX_BYTES} bytes"),))
    try:
        raw = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = f"is not valid YAML: {' '.join(str(error).split())}"
        raise SettingsError(source, (Problem("(file)", message),)) from error
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise SettingsError(source, (Problem("(file)", "is not a mapping of sections"),))
    return raw


def _fill_secrets(raw: dict[str, Any], environ: Mapping[str, str]) -> list[Problem]:
    """Put secrets from the environment and from files into `raw`; return what went wrong."""
    problems = []
    for (section_name, field), variable in SECRETS.items():
        section = raw.setdefault(section_name, {})
        if isinstance(section, dict):
            problems += _fill(section, f"{section_name}.{field}", environ.get(variable), variable)
    workspaces = raw.get("workspaces")
    registries = workspaces.get("registries") if isinstance(workspaces, dict) else None
    if isinstance(registries, dict):
        for host, registry in registries.items():
            if isinstance(registry, dict):
                problems += _fill(registry, f"workspaces.registries.{host}.password", None, "")
    return problems


def _fill(
    section: dict[str, Any], path: str, from_environment: str | None, variable: str
) -> list[Problem]:
    field = path.rpartition(".")[2]
    file = section.get(f"{field}_file")
    given = [
        name
        for name, value in (
            (field, section.get(field)),
            (f"{field}_file", file),
            (variable, from_environment),
        )
        if value
    ]
    if len(given) > 1:
        return [Problem(path, f"is given more than once: by {' and '.join(given)}", "keep one")]
    if from_environment:
        section[field] = from_environment
    elif isinstance(file, str):
        try:
            section[field] = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            return [Problem(f"{path}_file", f"cannot read {file}: {reason}")]
        if not section[field]:
            return [Problem(f"{path}_file", f"{file} is empty")]
    return []


def _problems_of(error: ValidationError) -> list[Problem]:
    """Turn pydantic's report into ours: paths as in the file, and never an input value."""
    problems = []
    for each in error.errors(include_input=False, include_url=False):
        path = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in each["loc"]
        ).lstrip(".")
        message = each["msg"].removeprefix("Value error, ")
        hint = ""
        if each["type"] == "extra_forbidden":
            message, hint = "is not a setting", "look for a typing error in docs/settings.md"
        elif each["type"] == "missing":
            message = "is missing"
        if not path and ": " in message:
            path, _, message = message.partition(": ")
        problems.append(Problem(path or "(settings)", message, hint))
    return problems
