"""What the API answers when it cannot do what was asked: Kubernetes' `Status` objects. Pure.

Guarantees that every error has the code, reason, details and wording of a real API server: clients
decide by them (kubectl prints `message`, KubeSpawner reads `code`, informers read `reason`).
See https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studiolo_local.api.resources import Resource
from studiolo_local.api.server_side_apply import FieldConflict


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that is wrong, in the words of Kubernetes' `field.Error`."""

    kind: str
    field: str
    message: str

    @classmethod
    def invalid(cls, field: str, value: object, detail: str) -> FieldProblem:
        """Return the problem of a value that breaks a rule."""
        return cls("FieldValueInvalid", field, f"Invalid value: {_quoted(value)}: {detail}")

    @classmethod
    def required(cls, field: str, detail: str = "") -> FieldProblem:
        """Return the problem of a value that is missing."""
        return cls("FieldValueRequired", field, _with("Required value", detail))

    @classmethod
    def forbidden(cls, field: str, detail: str) -> FieldProblem:
        """Return the problem of a value that may not be given."""
        return cls("FieldValueForbidden", field, _with("Forbidden", detail))

    @classmethod
    def duplicate(cls, field: str, value: object) -> FieldProblem:
        """Return the problem of a value that is given twice."""
        return cls("FieldValueDuplicate", field, f"Duplicate value: {_quoted(value)}")

    @classmethod
    def not_supported(cls, field: str, value: object, allowed: Sequence[str]) -> FieldProblem:
        """Return the problem of a value outside a closed list."""
        choices = ", ".join(f'"{choice}"' for choice in allowed)
        text = f"Unsupported value: {_quoted(value)}: supported values: {choices}"
        return cls("FieldValueNotSupported", field, text)

    @property
    def text(self) -> str:
        """Say the field and what is wrong with it."""
        return f"{self.field}: {self.message}"


class ApiError(Exception):
    """A request that cannot be served; `status()` is the body of the answer."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retry_after = retry_after

    def status(self) -> dict[str, Any]:
        """Return the `Status` object."""
        details = dict(self.details) if self.details else {}
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if details:
            body["details"] = details
        body["code"] = self.code
        return body


def success(resource: Resource, name: str, uid: str) -> dict[str, Any]:
    """Return the `Status` that says an object is gone."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**_details(resource, name), "uid": uid},
    }


def done(code: int) -> dict[str, Any]:
    """Return the `Status` that says that something was done which has no object to show."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}


def not_found(resource: Resource, name: str) -> ApiError:
    """Say that there is no such object."""
    message = f'{resource.qualified_plural} "{name}" not found'
    return ApiError(404, "NotFound", message, details=_details(resource, name))


def unknown_path() -> ApiError:
    """Say that nothing is served at this path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def already_exists(resource: Resource, name: str) -> ApiError:
    """Say that the name is taken."""
    message = f'{resource.qualified_plural} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=_details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """Say that the object is not as the client believes."""
    message = f'Operation cannot be fulfilled on {resource.qualified_plural} "{name}": {why}'
    return ApiError(409, "Conflict", message, details=_details(resource, name))


def conflict_of_kind(resource: Resource, name: str, why: str) -> ApiError:
    """Say the same of a delete; a real server then names the kind instead of the resource."""
    message = f'Operation cannot be fulfilled on {resource.qualified_kind} "{name}": {why}'
    return ApiError(
        409, "Conflict", message, details={**_details(resource, name), "kind": resource.kind}
    )


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def invalid(resource: Resource, name: str, problems: Sequence[FieldProblem]) -> ApiError:
    """Say everything that is wrong with an object at once."""
    texts = [problem.text for problem in problems]
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {
        **_details(resource, name),
        "kind": resource.kind,
        "causes": [
            {"reason": problem.kind, "message": problem.message, "field": problem.field}
            for problem in problems
        ],
    }
    message = f'{resource.qualified_kind} "{name}" is invalid: {joined}'
    return ApiError(422, "Invalid", message, details=details)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """Say that a policy such as a quota refuses the request."""
    message = f'{resource.qualified_plural} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, details=_details(resource, name))


def apply_conflict(conflicts: Sequence[FieldConflict]) -> ApiError:
    """Say which fields that were applied are held by other managers."""
    plural = "" if len(conflicts) == 1 else "s"
    texts = [each.text for each in conflicts]
    listed = texts[0] if not plural else "\n".join(f"- {text}" for text in texts)
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": each.text.rpartition(": ")[0],
            "field": each.field,
        }
        for each in conflicts
    ]
    head = f"Apply failed with {len(conflicts)} conflict{plural}:"
    message = f"{head} {listed}" if not plural else f"{head}\n{listed}"
    return ApiError(409, "Conflict", message, details={"causes": causes})


def bad_request(message: str) -> ApiError:
    """Say that the request makes no sense."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """Say that the bearer token is missing or wrong."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def foreign_host() -> ApiError:
    """Say that the request was made under a name that is not this machine's own."""
    message = "the Host header must name a loopback address: this API serves this machine only"
    return ApiError(403, "Forbidden", message)


def method_not_allowed() -> ApiError:
    """Say that this resource has no such verb."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """Say which content types a body may have."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiError(415, "UnsupportedMediaType", message)


def not_acceptable(offered: Sequence[str]) -> ApiError:
    """Say which representations can be asked for."""
    message = "only the following media types are accepted: " + ", ".join(offered)
    return ApiError(406, "NotAcceptable", message)


def body_too_large(limit: int) -> ApiError:
    """Say that the body is larger than any object may be."""
    message = f"Request entity too large: limit is {limit}"
    return ApiError(413, "RequestEntityTooLarge", message)


def unprocessable_patch(why: str) -> ApiError:
    """Say that a patch cannot be applied to this object."""
    message = "the server rejected our request due to an error in our request"
    causes = [{"reason": "UnexpectedServerResponse", "message": why}]
    return ApiError(422, "Invalid", message, details={"causes": causes})


def expired(message: str) -> ApiError:
    """Say that a version is too old to be told apart from the present one."""
    return ApiError(410, "Expired", message)


def version_too_large(asked: int, current: int) -> ApiError:
    """Say that the version asked for has not happened yet."""
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(504, "Timeout", message, details={"causes": [cause]}, retry_after=1)


def internal(message: str) -> ApiError:
    """Say that the fault is the server's."""
    return ApiError(500, "InternalError", f"Internal error occurred: {message}")


def _details(resource: Resource, name: str) -> dict[str, Any]:
    details = {"name": name, "kind": resource.plural} if name else {"kind": resource.plural}
    if resource.group:
        details["group"] = resource.group
    return details


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _with(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text
