"""The field types of the catalogue: ids, texts, durations, quantities, Kubernetes names. Pure.

Each type checks its whole value, says in its message what to write instead, and carries a pattern
into the JSON schema where one can say the same.
"""

import re
from datetime import timedelta
from typing import Annotated, Any

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from studiolo_spawner import quantities, wording
from studiolo_spawner.errors import InvalidReference
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.translation import english

# An id also becomes the value of a Kubernetes label, which ends in a letter or digit.
ID_PATTERN = "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
_ID = re.compile(ID_PATTERN[1:-1], re.ASCII)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOTTED = rf"{_LABEL}(?:\.{_LABEL}){{0,20}}"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DNS_LABEL = re.compile(_LABEL, re.ASCII)
_DNS_NAME = re.compile(_DOTTED, re.ASCII)
_LABEL_VALUE = re.compile(rf"(?:{_NAME})?", re.ASCII)
_LABEL_KEY = re.compile(rf"(?:{_DOTTED}/)?{_NAME}", re.ASCII)
_RESOURCE = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,20}}/{_NAME}", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_MOUNT_PATH = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){1,10}", re.ASCII)

# Ours and the hub's: an entry that set them could hide what runs, or show GPUs to a CPU profile.
_RESERVED_ENVIRONMENT = ("JUPYTERHUB_", "STUDIOLO_", "NVIDIA_VISIBLE_DEVICES")
# Mounting over these would break or take over the container itself.
_SYSTEM_PATHS = frozenset(
    {"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "tmp"}
    | {"usr", "var/run"}
)


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError(
            f"{wording.quoted(value)} is not an id: a-z, 0-9, . and -, "
            "first and last a letter or digit, at most 63 characters"
        )
    return value


def _text(value: str, *, limit: int, lines: bool) -> str:
    value = value.strip()
    if len(value) > limit:
        raise ValueError(f"it is longer than {limit} characters")
    if not wording.is_plain_text(value, lines=lines):
        raise ValueError("it holds control characters")
    return value


def _line_of_text(value: str) -> str:
    value = _text(value, limit=80, lines=False)
    if not value:
        raise ValueError("it is empty")
    return value


def _user_name(value: str) -> str:
    value = _text(value, limit=255, lines=False)
    if not value:
        raise ValueError("it is empty")
    return value


def _paragraph(value: str) -> str:
    return _text(value, limit=1000, lines=True)


def _missing_tag(value: str) -> str:
    try:
        parse_reference("registry.example/image", default_tag=value)
    except InvalidReference:
        raise ValueError(
            f"{wording.quoted(value)} is not a tag: write refuse, or a tag such as latest"
        ) from None
    return value


def _reference(value: str) -> str:
    try:
        parse_reference(value)
    except InvalidReference as error:
        raise ValueError(english(error.user_message)) from None
    return value


def _version(value: str) -> str:
    try:
        Version(value)
    except InvalidVersion:
        raise ValueError(f"{wording.quoted(value)} is not a version such as 2.9.1") from None
    return value


def _memory(value: str) -> str:
    quantities.parse_memory(value)
    return value


def _duration(value: object) -> object:
    if isinstance(value, str):
        return quantities.parse_duration(value)
    if isinstance(value, timedelta):
        return value
    raise ValueError("a duration is a number and a unit: 90s, 30m, 12h or 7d")


def _duration_or_never(value: object) -> object:
    return None if value is None or value == "never" else _duration(value)


def _format_or_never(value: timedelta | None) -> str:
    return "never" if value is None else quantities.format_duration(value)


def _name(pattern: re.Pattern[str], value: str, what: str) -> str:
    if len(value) > 253 or not pattern.fullmatch(value):
        raise ValueError(f"{wording.quoted(value)} is not {what}")
    return value


def _environment(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        _name(_ENVIRONMENT, name, "a name of an environment variable")
        if name.startswith(_RESERVED_ENVIRONMENT):
            raise ValueError(f"{name} is set by Studiolo and cannot be set here")
    return value


def _labels(value: dict[str, str]) -> dict[str, str]:
    for key, text in value.items():
        _name(_LABEL_KEY, key, "a label's key")
        _name(_LABEL_VALUE, text, "a label's value")
    return value


def _mount_path(value: str) -> str:
    if not _MOUNT_PATH.fullmatch(value) or "/.." in value:
        raise ValueError(f"{wording.quoted(value)} is not an absolute path such as /data/shared")
    parts = value[1:].split("/")
    if parts[0] in _SYSTEM_PATHS or "/".join(parts[:2]) in _SYSTEM_PATHS:
        raise ValueError(f"{value} belongs to the container's system: choose another place")
    return value


Text = Annotated[str, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, le=1_000_000)]
Flag = Annotated[bool, Field(strict=True)]

Id = Annotated[Text, AfterValidator(_id), Field(json_schema_extra={"pattern": ID_PATTERN})]
DisplayName = Annotated[Text, AfterValidator(_line_of_text)]
Paragraph = Annotated[Text, AfterValidator(_paragraph)]
Reference = Annotated[Text, AfterValidator(_reference)]
MissingTag = Annotated[Text, AfterValidator(_missing_tag)]
FrameworkVersion = Annotated[Text, AfterValidator(_version)]
GroupName = Annotated[Text, AfterValidator(_line_of_text)]
Memory = Annotated[
    Text,
    AfterValidator(_memory),
    Field(json_schema_extra={"pattern": quantities.MEMORY_PATTERN}),
]

_DURATION_SCHEMA: dict[str, Any] = {"type": "string", "pattern": quantities.DURATION_PATTERN}
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(quantities.format_duration, return_type=str, when_used="json"),
    WithJsonSchema(_DURATION_SCHEMA),
]
DurationOrNever = Annotated[
    timedelta | None,
    BeforeValidator(_duration_or_never),
    PlainSerializer(_format_or_never, return_type=str, when_used="json"),
    WithJsonSchema(
        {"anyOf": [{"const": "never"}, _DURATION_SCHEMA, {"type": "null"}], "default": "never"}
    ),
]

DnsLabel = Annotated[Text, AfterValidator(lambda v: _name(_DNS_LABEL, v, "a Kubernetes name"))]
DnsName = Annotated[Text, AfterValidator(lambda v: _name(_DNS_NAME, v, "a Kubernetes name"))]
ResourceName = Annotated[
    Text, AfterValidator(lambda v: _name(_RESOURCE, v, "a resource such as nvidia.com/gpu"))
]
LabelKey = Annotated[Text, AfterValidator(lambda v: _name(_LABEL_KEY, v, "a label's key"))]
LabelValue = Annotated[Text, AfterValidator(lambda v: _name(_LABEL_VALUE, v, "a label's value"))]
MountPath = Annotated[Text, AfterValidator(_mount_path)]
Environment = Annotated[dict[Text, Text], AfterValidator(_environment)]
NodeSelector = Annotated[dict[Text, Text], AfterValidator(_labels)]


def _sorted_list(value: frozenset[str]) -> list[str]:
    return sorted(value)


# Sets are written sorted, so that the same value always gives the same JSON.
_SORTED = PlainSerializer(_sorted_list, return_type=list[str], when_used="json")
Ids = Annotated[frozenset[Id], _SORTED]
Groups = Annotated[frozenset[GroupName], _SORTED]
Users = Annotated[frozenset[Annotated[Text, AfterValidator(_user_name)]], _SORTED]
