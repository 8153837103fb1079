"""Read the settings: one YAML file, secrets from files or the environment. I/O at the edge.

`load_settings` returns `Settings` or raises `SettingsError` with every problem at once, each with
the path of its field. No message repeats a secret's value.

Environment: STUDIOLO_SETTINGS names the file; the variables of `SECRETS` give secrets.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from studiolo_spawner.errors import Problem, StudioloError
from studiolo_spawner.yamltree import MAX_BYTES, Tree, path_text, read_yaml

from studiolo_hub.settings import Settings, Workspaces

PATH_VARIABLE = "STUDIOLO_SETTINGS"

#: Where each secret belongs, and the environment variable that may carry it.
SECRETS: Mapping[tuple[str, str], str] = {
    ("sign_in", "client_secret"): "STUDIOLO_CLIENT_SECRET",
    ("hub", "cookie_secret"): "STUDIOLO_COOKIE_SECRET",
    ("hub", "crypt_key"): "STUDIOLO_CRYPT_KEY",
    ("hub", "metrics_token"): "STUDIOLO_METRICS_TOKEN",
    ("hub", "db_url"): "STUDIOLO_DB_URL",
    ("proxy", "auth_token"): "STUDIOLO_PROXY_TOKEN",
}


class SettingsError(StudioloError):
    """The settings cannot be used; `problems` says all that is wrong."""

    reason = "settings"
    status = 500

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda each: (each.line or 0, each.path)))
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        head = f"The settings in {source} have {count}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file that STUDIOLO_SETTINGS names, with secrets filled in."""
    name = environ.get(PATH_VARIABLE, "")
    if not name:
        hint = "set it to the path of the settings file"
        raise SettingsError("(none)", [Problem(PATH_VARIABLE, "is not set", hint)])
    return parse_settings(_content(name), environ, source=name)


def load_workspaces(name: str) -> Workspaces:
    """Return the section `workspaces` of a settings file alone.

    For commands that need no more: they run without the secrets of sign-in, proxy and database.
    """
    tree, raw = _sections(_content(name), source=name)
    problems = _fill_registries(raw)
    try:
        workspaces = Workspaces.model_validate(raw.get("workspaces") or {})
    except ValidationError as error:
        problems += _problems_of(error, tree, within=("workspaces",))
    if problems:
        raise SettingsError(name, problems)
    return workspaces


def parse_settings(text: bytes | str, environ: Mapping[str, str], *, source: str) -> Settings:
    """Return the settings that `text` holds; reads the secret files that it names."""
    tree, raw = _sections(text, source=source)
    problems = _fill_secrets(raw, environ)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += _problems_of(error, tree)
    if problems:
        raise SettingsError(source, problems)
    return settings


def _content(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one more than allowed: read_yaml says so
    except OSError as error:
        problem = Problem("", f"the file cannot be read: {error.strerror}", f"see {PATH_VARIABLE}")
        raise SettingsError(name, [problem]) from error


def _sections(text: bytes | str, *, source: str) -> tuple[Tree, dict[str, Any]]:
    tree = read_yaml(text)
    raw = {} if tree.data is None and not tree.problems else tree.data
    if tree.problems or not isinstance(raw, dict):
        problems = tree.problems or [Problem("", "is not a mapping of sections", line=1)]
        raise SettingsError(source, problems)
    return tree, raw


def _fill_secrets(raw: dict[str, Any], environ: Mapping[str, str]) -> list[Problem]:
    """Put secrets from the environment and from files into `raw`; return what went wrong."""
    problems = []
    for (section_name, field), variable in SECRETS.items():
        section = raw.setdefault(section_name, {})
        if isinstance(section, dict):
            problems += _fill(section, f"{section_name}.{field}", environ.get(variable), variable)
    return problems + _fill_registries(raw)


def _fill_registries(raw: dict[str, Any]) -> list[Problem]:
    """Put the registries' passwords from their files into `raw`; return what went wrong."""
    problems = []
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


def _problems_of(
    error: ValidationError, tree: Tree, *, within: tuple[str, ...] = ()
) -> list[Problem]:
    """Turn pydantic's report into ours: paths as in the file, and never an input value."""
    problems = []
    for each in error.errors(include_input=False, include_url=False):
        message = each["msg"].removeprefix("Value error, ")
        hint = ""
        if each["type"] == "extra_forbidden":
            message, hint = "is not a setting", "look for a typing error in docs/settings.md"
        elif each["type"] == "missing":
            message = "is missing"
        path = (*within, *each["loc"])
        problems.append(Problem(path_text(path), message, hint, tree.line(path)))
    return problems
