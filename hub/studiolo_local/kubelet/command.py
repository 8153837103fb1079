"""What a container runs, by the rules of Kubernetes. Pure.

https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_VARIABLE: Final = re.compile(r"\$(\$|\(([^()]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in for `$(NAME)`; an unknown one stays as it is, and `$$` is one `$`."""

    def put(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return variables.get(found[2], found[0])

    return _VARIABLE.sub(put, text)


def command_line(
    container: Mapping[str, Any], image: Mapping[str, Any], variables: Mapping[str, str]
) -> list[str]:
    """The words to execute; empty when neither the container nor the image says any.

    `image` is the image's settings with Entrypoint and Cmd. A container's `command` takes the place
    of both, its `args` alone take the place of Cmd.
    """
    command = [expand(word, variables) for word in container.get("command") or ()]
    arguments = [expand(word, variables) for word in container.get("args") or ()]
    if command:
        return command + arguments
    entrypoint = _words(image.get("Entrypoint"))
    return entrypoint + (arguments or _words(image.get("Cmd")))


def _words(value: object) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [str(word) for word in value]
    return []
