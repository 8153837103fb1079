"""What an operator sets where each person has a namespace of their own. Pure."""

from typing import Any, Self

from pydantic import Field, field_validator, model_validator
from studiolo_spawner.namespace_objects import problems_of

from studiolo_hub.settings_fields import Section


class UserNamespaces(Section):
    """A namespace for each person, made before their first workspace and kept with their files."""

    enabled: bool = Field(False, description="Give each person a namespace of their own.")
    prefix: str = Field(
        "studiolo-",
        pattern=r"^[a-z]([a-z0-9-]{0,13}[a-z0-9])?-?$",
        max_length=15,
        description="What their names begin with, before the person's name. Another hub of the "
        "same cluster must have another one.",
    )
    labels: dict[str, str] = Field(
        default_factory=lambda: {"pod-security.kubernetes.io/enforce": "restricted"},
        description="Labels of the namespaces. A namespace that is there already is taken over "
        "only if it has those that begin with `studiolo.dev/`.",
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Annotations of the namespaces."
    )
    objects: tuple[dict[str, Any], ...] = Field(
        (),
        description="What each of them holds before the first pod: manifests of a RoleBinding "
        "with the hub's rights there, ResourceQuota, LimitRange and NetworkPolicy, without a "
        "namespace. An administrator's own object of the same name is left alone.",
    )

    @field_validator("objects")
    @classmethod
    def _can_be_made(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        told = [
            f"number {number}: {problem}"
            for number, manifest in enumerate(value, 1)
            for problem in problems_of(manifest)
        ]
        if told:
            raise ValueError("; ".join(told))
        return value

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        names = [(each["kind"], each["metadata"]["name"]) for each in self.objects]
        twice = sorted({f"{kind} {name}" for kind, name in names if names.count((kind, name)) > 1})
        if twice:
            raise ValueError(f"objects has {', '.join(twice)} twice: leave one out")
        return self
