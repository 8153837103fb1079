"""The rules that names, labels and annotations follow, in Kubernetes' own words. Pure.

Each function returns what is wrong as text, or None when nothing is.
"""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_ENV_NAME = re.compile(r"[ -<>-~]+")

_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    f"for validation is '{_LABEL}')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    rf"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.{_LABEL})*')"
)
_QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    f"validation is '{_QUALIFIED}')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_CONFIG_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    f"'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_CONFIG_KEY}')"
)


def dns_label_problem(name: str) -> str | None:
    """Check a name of up to 63 characters without dots: a namespace's, service's, container's."""
    if len(name) > 63:
        return "must be no more than 63 characters"
    return None if re.fullmatch(_LABEL, name) else _LABEL_RULE


def dns_subdomain_problem(name: str) -> str | None:
    """Check a name of up to 253 characters with dots, such as a pod's."""
    if len(name) > 253:
        return "must be no more than 253 characters"
    return None if re.fullmatch(_SUBDOMAIN, name) else _SUBDOMAIN_RULE


def label_key_problem(key: str) -> str | None:
    """Check the key of a label or annotation: an optional prefix, a slash and a name."""
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if prefix and (problem := dns_subdomain_problem(prefix)):
        return f"prefix part {problem}"
    if not name:
        return "name part must be non-empty"
    if len(name) > 63:
        return "name part must be no more than 63 characters"
    return None if re.fullmatch(_QUALIFIED, name) else _QUALIFIED_RULE


def label_value_problem(value: str) -> str | None:
    """Check the value of a label."""
    if len(value) > 63:
        return "must be no more than 63 characters"
    return None if not value or re.fullmatch(_QUALIFIED, value) else _VALUE_RULE


def config_key_problem(key: str) -> str | None:
    """Check a key of a config map's or secret's data."""
    if len(key) > 253:
        return "must be no more than 253 characters"
    if key in {".", ".."}:
        return f"must not be '{key}'"
    return None if re.fullmatch(_CONFIG_KEY, key) else _CONFIG_KEY_RULE


def environment_name_problem(name: str) -> str | None:
    """Check the name of an environment variable: printable ASCII without '='."""
    if _ENV_NAME.fullmatch(name):
        return None
    return (
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='"
    )
