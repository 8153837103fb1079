"""What a catalogue is made of: frozen models, one for each mapping of the file. Pure.

Every model refuses unknown keys. What one entry can tell about itself is checked here; what entries
say about each other is checked in catalogue_checks.py. The text under each field is its
documentation: the JSON schema carries it.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from studiolo_spawner.catalogue_custom import CustomImages
from studiolo_spawner.catalogue_fields import (
    DisplayName,
    DnsLabel,
    DnsName,
    Duration,
    DurationOrNever,
    Environment,
    Flag,
    FrameworkVersion,
    Groups,
    Id,
    Ids,
    LabelKey,
    LabelValue,
    Memory,
    MissingTag,
    MountPath,
    NodeSelector,
    Number,
    Paragraph,
    Reference,
    ResourceName,
    Users,
    Whole,
)
from studiolo_spawner.catalogue_menu import MenuSettings
from studiolo_spawner.catalogue_quotas import Quota
from studiolo_spawner.missing_tags import REFUSE
from studiolo_spawner.quantities import parse_memory


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Provides(_Model):
    """What an image brings along. Fallbacks are found by it."""

    tools: Ids = frozenset()
    """Tools that can be used in it, such as `jupyterlab`, `vscode` or `tensorboard`."""
    frameworks: dict[Id, FrameworkVersion] = {}
    """Frameworks with their versions. Write versions in quotes: without them 2.10 is the number
    2.1.
    """
    cuda: FrameworkVersion | None = None
    """CUDA version that the frameworks were built for, if any."""
    python: FrameworkVersion | None = None
    """Python version."""


class Redirect(_Model):
    """An entry that has moved."""

    to: Id
    """Id of the image that starts instead."""
    message: Paragraph = ""
    """Why, in words for users."""


class Image(_Model):
    """A container image that users can choose."""

    id: Id
    """Name in saved choices, in the API and in labels. Do not change it later: use `redirect`."""
    display_name: DisplayName
    """Name on the menu."""
    description: Paragraph = ""
    """What it is good for, in words for users."""
    reference: Reference
    """Image in a registry, with a tag or a digest."""
    provides: Provides = Provides()
    """Tools, frameworks and versions in it."""
    tasks: Ids = frozenset()
    """What people do with it, such as `train` or `explore`: the menu's first question."""
    fallback: tuple[Id, ...] = ()
    """Images to try when this one cannot start, in this order. After them come all others that
    provide the same.
    """
    fallback_allowed: Flag = True
    """Whether another image may start instead of this one."""
    start_tries: Annotated[Whole, Field(ge=1, le=10)] = 1
    """How often its container may start and fail before the image counts as bad."""
    hidden: Flag = False
    """Not on the menu and not to be chosen; other entries' `fallback` and `redirect` may still name
    it.
    """
    deprecated: Paragraph | None = None
    """Warning on the menu, in words for users. The last to be tried as a fallback."""
    redirect: Redirect | None = None
    """Start another image whenever this one is asked for."""
    groups: Groups = frozenset()
    """Who may use it; members of any of these groups. Empty, and no `users`: everyone."""
    users: Users = frozenset()
    """Who may use it beside them, by their user names."""
    environment: Environment = {}
    """Environment variables for the workspace. Not for secrets."""
    pull_secret: DnsName | None = None
    """Name of the Kubernetes secret to pull it with."""


class GpuInfo(_Model):
    """What users are told about a profile's GPU; Kubernetes does not read it."""

    model: DisplayName
    """Name of the GPU, such as `NVIDIA L4`."""
    memory_gib: Annotated[Number, Field(gt=0)]
    """Memory of one GPU, or of the slice or share, in GiB."""
    shared: Flag = False
    """Whether others compute on the same GPU at the same time (time slicing, MPS)."""
    simulated: Flag = False
    """Whether there is no real GPU behind it. Shown wherever the GPU is shown."""


class Toleration(_Model):
    """A taint of nodes that the workspace tolerates."""

    key: LabelKey | None = None
    """Key of the taint. Left out: every taint (with operator `Exists`)."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """`Equal` compares the value, `Exists` does not."""
    value: LabelValue = ""
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Left out: every effect."""
    toleration_seconds: Whole | None = None
    """How long a `NoExecute` taint is tolerated. Left out: for ever."""

    @model_validator(mode="after")
    def _as_kubernetes_wants_it(self) -> Self:
        if self.operator == "Exists" and self.value:
            raise ValueError("operator Exists takes no value: remove it or write operator: Equal")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("operator Equal needs a key")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError("toleration_seconds needs effect: NoExecute")
        return self


class IdlePolicy(_Model):
    """When a workspace that nobody uses is stopped."""

    timeout: DurationOrNever = timedelta(hours=1)
    """Stop after so long without activity; `never` to let it run."""
    gpu_busy_percent: Annotated[Whole, Field(ge=1, le=100)] = 5
    """A GPU at or above this utilisation counts as activity."""
    warn_before: Duration = timedelta(minutes=5)
    """The user is warned so long before the stop."""
    keep_alive: DurationOrNever = timedelta(hours=2)
    """The longest that one press of *Keep alive* counts as activity; `never` to offer none."""

    @model_validator(mode="after")
    def _warning_comes_in_time(self) -> Self:
        written = "warn_before" in self.model_fields_set
        if written and self.timeout is not None and self.warn_before >= self.timeout:
            raise ValueError("warn_before must be shorter than timeout")
        return self


class Profile(_Model):
    """A choice of hardware: GPU, CPU, memory, where it runs and how long."""

    id: Id
    """Name in saved choices, in the API and in labels."""
    display_name: DisplayName
    """Name on the menu."""
    description: Paragraph = ""
    """What it is good for, in words for users."""
    resource: ResourceName | None = None
    """Extended resource to ask for, such as `nvidia.com/gpu` or `nvidia.com/mig-1g.10gb`. None: no
    GPU.
    """
    count: Annotated[Whole, Field(le=64)] = 0
    """How many of the resource, all on one node. 0 when there is no resource."""
    gpu: GpuInfo | None = None
    """What users are told about the GPU."""
    cpu: Annotated[Number, Field(gt=0)]
    """CPU cores at most."""
    cpu_guarantee: Annotated[Number, Field(ge=0)] | None = None
    """CPU cores kept for the workspace. Left out: as many as `cpu`."""
    memory: Memory
    """Memory at most, such as `32Gi`."""
    memory_guarantee: Memory | None = None
    """Memory kept for the workspace. Left out: as much as `memory`."""
    node_selector: NodeSelector = {}
    """Labels that the node must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that the workspace tolerates."""
    runtime_class: DnsName | None = None
    """Kubernetes runtime class, such as `nvidia`."""
    queue: DnsName | None = None
    """Kueue's LocalQueue that its workspaces wait in; `none` for no queue, whatever the defaults
    say. Left out: the defaults' queue.
    """
    idle: IdlePolicy = IdlePolicy()
    """When an unused workspace is stopped."""
    max_lifetime: DurationOrNever = None
    """Stop so long after the start, used or not; `never` for no limit."""
    price_per_hour: Annotated[Number, Field(ge=0)] | None = None
    """Price to show, in the catalogue's currency."""
    groups: Groups = frozenset()
    """Who may use it; members of any of these groups. Empty, and no `users`: everyone."""
    users: Users = frozenset()
    """Who may use it beside them, by their user names."""
    fallback_allowed: Flag = True
    """Whether another image may start instead when the chosen one cannot."""
    tasks: Ids = frozenset()
    """What it is good for, such as `train`: the menu recommends it to those who want to do that."""

    @property
    def memory_octets(self) -> int:
        """The memory limit as a number."""
        return parse_memory(self.memory)

    @model_validator(mode="after")
    def _resource_and_count_agree(self) -> Self:
        if self.resource is None and self.count:
            raise ValueError("count is given but no resource: add resource or remove count")
        if self.resource is not None and not self.count:
            raise ValueError("resource is given but no count: add count: 1 or remove resource")
        if self.resource is None and self.gpu is not None:
            raise ValueError("gpu describes a GPU but there is no resource: add one or remove gpu")
        return self

    @model_validator(mode="after")
    def _guarantees_within_limits(self) -> Self:
        if self.cpu_guarantee is not None and self.cpu_guarantee > self.cpu:
            raise ValueError("cpu_guarantee is more than cpu")
        if self.memory_guarantee and parse_memory(self.memory_guarantee) > self.memory_octets:
            raise ValueError("memory_guarantee is more than memory")
        return self


class Home(_Model):
    """The volume that keeps a user's files."""

    size: Memory = "10Gi"
    """Size of a new volume. Volumes that exist keep theirs."""
    storage_class: DnsName | None = None
    """Storage class of a new volume. Left out: the cluster's default."""
    mount_path: MountPath = "/home/jovyan"
    """Where it is mounted; also HOME and the folder that JupyterLab opens."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"] = "ReadWriteOnce"
    """Kubernetes access mode of a new volume."""


class FallbackPolicy(_Model):
    """Whether another image may be started when the chosen one cannot."""

    allowed: Flag = True
    """False: never, whatever entries and users say."""
    max_attempts: Annotated[Whole, Field(ge=1, le=10)] = 3
    """Images tried in one start, the chosen one included."""


class Defaults(_Model):
    """What holds where nothing else is said."""

    image: Id | None = None
    """Image that the menu has selected. Left out: the first that the user may use."""
    profile: Id | None = None
    """Profile that the menu has selected. Left out: the first that the user may use."""
    home: Home = Home()
    """The volume with the user's files."""
    fallback: FallbackPolicy = FallbackPolicy()
    """Whether and how often another image is tried."""
    start_deadline: Duration = timedelta(seconds=90)
    """A container must answer so long after it started; the pull is not counted. Then the next
    image is tried.
    """
    spawn_timeout: Duration = timedelta(minutes=20)
    """Bound on the whole start: check, waiting for a GPU, pulls, every attempt."""
    queue: DnsName | None = None
    """Kueue's LocalQueue that workspaces wait in. Left out: none."""
    queue_timeout: Duration = timedelta(hours=12)
    """Bound on the time in a queue; `spawn_timeout` begins anew when it is over."""
    currency: Annotated[str, Field(strict=True, pattern="^[A-Z]{3}$")] = "EUR"
    """Currency of all prices (ISO 4217)."""
    missing_tag: MissingTag = REFUSE
    """What a reference with neither tag nor digest means: `refuse`, or the tag that it then has,
    such as `latest`. In the catalogue and in references that people type.
    """

    @property
    def default_tag(self) -> str | None:
        """The tag of a reference that has none; None where it needs one."""
        return None if self.missing_tag == REFUSE else self.missing_tag

    @model_validator(mode="after")
    def _deadline_fits(self) -> Self:
        if self.start_deadline >= self.spawn_timeout:
            raise ValueError("start_deadline must be shorter than spawn_timeout")
        return self


class SharedVolume(_Model):
    """An existing volume that is mounted into workspaces beside the home."""

    name: DnsLabel
    """Name in the pod."""
    claim: DnsName
    """Name of the PersistentVolumeClaim, in the namespace of the workspaces."""
    mount_path: MountPath
    """Where it is mounted."""
    read_only: Flag = True
    """Whether workspaces may only read it."""
    groups: Groups = frozenset()
    """Who gets it; members of any of these groups. Empty, and no `users`: everyone."""
    users: Users = frozenset()
    """Who gets it beside them, by their user names."""


_Entry = TypeVar("_Entry", Image, Profile)


class Catalogue(_Model):
    """Everything that can be chosen, and what holds where nothing is chosen."""

    version: Literal[1]
    """Version of this format."""
    defaults: Defaults = Defaults()
    """What holds for every workspace, and what the menu has selected."""
    images: Annotated[tuple[Image, ...], Field(json_schema_extra={"minItems": 1})]
    """Images, in the order of the menu."""
    profiles: Annotated[tuple[Profile, ...], Field(json_schema_extra={"minItems": 1})]
    """Hardware profiles, in the order of the menu."""
    volumes: tuple[SharedVolume, ...] = ()
    """Volumes that workspaces share."""
    quotas: tuple[Quota, ...] = ()
    """How much people may have at once."""
    menu: MenuSettings = MenuSettings()
    """What the menu shows of all this, and what it fixes."""
    custom_images: CustomImages | None = None
    """Images that people may name themselves. Left out: none."""

    @cached_property
    def images_by_id(self) -> Mapping[str, Image]:
        """Every image, hidden ones too."""
        return _by_id(self.images)

    @cached_property
    def profiles_by_id(self) -> Mapping[str, Profile]:
        """Every profile."""
        return _by_id(self.profiles)

    def image(self, image_id: str) -> Image | None:
        """The image with that id, if there is one."""
        return self.images_by_id.get(image_id)

    def profile(self, profile_id: str) -> Profile | None:
        """The profile with that id, if there is one."""
        return self.profiles_by_id.get(profile_id)


def _by_id(entries: tuple[_Entry, ...]) -> dict[str, _Entry]:
    return {entry.id: entry for entry in entries}
