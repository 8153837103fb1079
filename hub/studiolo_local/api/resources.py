"""The kinds that the API serves, as one table. Pure.

A kind is data, not code: adding one is one entry here, plus rules of its own in `defaults`,
`validation` and `tables` when it has any.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object: how it is named, addressed and selected."""

    kind: str
    plural: str
    singular: str
    namespaced: bool
    group: str = ""
    version: str = "v1"
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    selectable: tuple[str, ...] = ()
    """Dotted paths that a field selector may name, besides metadata.name and metadata.namespace."""
    returns_deleted: bool = False
    """Whether a finished delete answers with the object rather than with a `Status`."""
    counts_generations: bool = False
    """Whether metadata.generation rises with each change of the spec."""
    head: bytes = field(init=False, compare=False, repr=False)
    """How the JSON of one object begins."""

    def __post_init__(self) -> None:
        text = f'{{"kind":"{self.kind}","apiVersion":"{self.api_version}",'
        object.__setattr__(self, "head", text.encode())

    @property
    def api_version(self) -> str:
        """Say the group and version as an object's `apiVersion` does."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_plural(self) -> str:
        """Say the resource as messages do: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """Say the kind as messages do: `Pod`, `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def has_status(self) -> bool:
        """Whether status is written apart from the rest."""
        return "status" in self.subresources


PODS = Resource(
    "Pod",
    "pods",
    "pod",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    subresources=("status", "binding", "log", "eviction"),
    selectable=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ),
    returns_deleted=True,
    counts_generations=True,
)
CLAIMS = Resource(
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    "persistentvolumeclaim",
    namespaced=True,
    short_names=("pvc",),
    subresources=("status",),
    returns_deleted=True,
)
EVENTS = Resource(
    "Event",
    "events",
    "event",
    namespaced=True,
    short_names=("ev",),
    selectable=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
)
NODES = Resource(
    "Node",
    "nodes",
    "node",
    namespaced=False,
    short_names=("no",),
    subresources=("status",),
    selectable=("spec.unschedulable",),
)
NAMESPACES = Resource(
    "Namespace",
    "namespaces",
    "namespace",
    namespaced=False,
    short_names=("ns",),
    subresources=("status", "finalize"),
    selectable=("status.phase",),
    returns_deleted=True,
)
SECRETS = Resource("Secret", "secrets", "secret", namespaced=True, selectable=("type",))
SERVICES = Resource(
    "Service",
    "services",
    "service",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    subresources=("status",),
    selectable=("spec.clusterIP", "spec.type"),
    returns_deleted=True,
)
CONFIG_MAPS = Resource("ConfigMap", "configmaps", "configmap", namespaced=True, short_names=("cm",))
QUOTAS = Resource(
    "ResourceQuota",
    "resourcequotas",
    "resourcequota",
    namespaced=True,
    short_names=("quota",),
    subresources=("status",),
    returns_deleted=True,
)
SERVICE_ACCOUNTS = Resource(
    "ServiceAccount",
    "serviceaccounts",
    "serviceaccount",
    namespaced=True,
    short_names=("sa",),
    returns_deleted=True,
)
LIMIT_RANGES = Resource(
    "LimitRange", "limitranges", "limitrange", namespaced=True, short_names=("limits",)
)
ROLE_BINDINGS = Resource(
    "RoleBinding",
    "rolebindings",
    "rolebinding",
    namespaced=True,
    group="rbac.authorization.k8s.io",
)
NETWORK_POLICIES = Resource(
    "NetworkPolicy",
    "networkpolicies",
    "networkpolicy",
    namespaced=True,
    group="networking.k8s.io",
    short_names=("netpol",),
    counts_generations=True,
)

RESOURCES: tuple[Resource, ...] = (
    CONFIG_MAPS,
    EVENTS,
    LIMIT_RANGES,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    CLAIMS,
    PODS,
    QUOTAS,
    ROLE_BINDINGS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
"""Every kind, in the order in which discovery lists them."""

_BY_PLURAL = {(each.group, each.version, each.plural): each for each in RESOURCES}
_BY_KIND = {(each.api_version, each.kind): each for each in RESOURCES}


def find(group: str, version: str, plural: str) -> Resource | None:
    """Return the kind that is addressed by this group, version and plural."""
    return _BY_PLURAL.get((group, version, plural))


def find_kind(api_version: str, kind: str) -> Resource | None:
    """Return the kind that objects with this `apiVersion` and `kind` are of."""
    return _BY_KIND.get((api_version, kind))
