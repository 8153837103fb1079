"""The catalogue's entries in words, as the menu shows them to everybody. Pure.

What depends on the entry alone is put into words once for each catalogue and kept as long as that
catalogue is in use (`words_of`). Objects of this module are compared by identity, so that a page
that was made from them can be kept by them, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from studiolo_spawner import spoken
from studiolo_spawner.capacity import Unit
from studiolo_spawner.catalogue import Catalogue, GpuInfo, IdlePolicy, Image, Profile
from studiolo_spawner.image_health import ImageHealth
from studiolo_spawner.known_names import name_of
from studiolo_spawner.resolve import redirect_end
from studiolo_spawner.translation import translate as _
from studiolo_spawner.translation import translate_number
from studiolo_spawner.units import human_size

_KEPT = 4
"""Catalogues whose words are kept: the one in use, and those that it replaced moments ago."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageWords:
    """An image in words."""

    id: str
    display_name: str
    description: str
    provides: tuple[str, ...]
    """What is in it, the most telling first."""
    tasks: tuple[str, ...]
    """Ids."""
    task_names: str
    tools: tuple[str, ...]
    frameworks: tuple[tuple[str, str], ...]
    """Ids with versions."""
    cuda: bool
    deprecated: str | None
    moved: str | None
    """Where a redirect leads and why."""


@dataclass(frozen=True, slots=True, eq=False)
class ProfileWords:
    """A GPU profile in words."""

    id: str
    display_name: str
    description: str
    gpu: str
    kind: str | None
    """That it is a part of a GPU, where it is."""
    simulated: bool
    cpu: str
    memory: str
    price: str | None
    idle: str
    lifetime: str | None
    tasks: tuple[str, ...]
    """Ids."""
    task_names: str
    has_gpu: bool
    rank: int
    """Its place when all are sorted by price; what has none comes last."""


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueWords:
    """All entries of one catalogue, by their ids."""

    images: Mapping[str, ImageWords]
    profiles: Mapping[str, ProfileWords]


_known: dict[int, tuple[Catalogue, CatalogueWords]] = {}


def words_of(catalogue: Catalogue) -> CatalogueWords:
    """The catalogue in words; the same objects for the same catalogue."""
    # By identity: models are not hashed quickly. The catalogue is kept beside its words, so that
    # its id names nothing else meanwhile.
    found = _known.get(id(catalogue))
    if found is None:
        found = _known[id(catalogue)] = (catalogue, _words(catalogue))
        while len(_known) > _KEPT:
            del _known[next(iter(_known))]
    return found[1]


def forget_words() -> None:
    """Put everything into words again, in another language."""
    _known.clear()


def _words(catalogue: Catalogue) -> CatalogueWords:
    ranked = sorted(catalogue.profiles, key=lambda p: (p.price_per_hour is None, p.price_per_hour))
    ranks = {profile.id: rank for rank, profile in enumerate(ranked)}
    return CatalogueWords(
        {image.id: _image_words(catalogue, image) for image in catalogue.images},
        {p.id: _profile_words(catalogue, p, ranks[p.id]) for p in catalogue.profiles},
    )


def _image_words(catalogue: Catalogue, image: Image) -> ImageWords:
    provides, own = image.provides, catalogue.menu.names
    words = [f"{name_of(name, own)} {version}" for name, version in provides.frameworks.items()]
    words += [f"CUDA {provides.cuda}"] if provides.cuda else []
    words += [f"Python {provides.python}"] if provides.python else []
    tools = tuple(sorted(provides.tools))
    tasks = tuple(sorted(image.tasks))
    return ImageWords(
        id=image.id,
        display_name=image.display_name,
        description=image.description,
        provides=(*words, *(name_of(tool, own) for tool in tools)),
        tasks=tasks,
        task_names=", ".join(name_of(task, own) for task in tasks),
        tools=tools,
        frameworks=tuple(provides.frameworks.items()),
        cuda=provides.cuda is not None,
        deprecated=image.deprecated,
        moved=_moved_words(catalogue, image),
    )


def _moved_words(catalogue: Catalogue, image: Image) -> str | None:
    if image.redirect is None:
        return None
    end = redirect_end(catalogue, image)
    told = _("Starts %(image)s instead.") % {"image": end.display_name}
    return f"{told} {image.redirect.message}".strip()


def _profile_words(catalogue: Catalogue, profile: Profile, rank: int) -> ProfileWords:
    tasks = tuple(sorted(profile.tasks))
    return ProfileWords(
        id=profile.id,
        display_name=profile.display_name,
        description=profile.description,
        gpu=_gpu_words(profile),
        kind=_kind_words(profile),
        simulated=profile.gpu is not None and profile.gpu.simulated,
        cpu=_cpu_words(profile.cpu),
        memory=_("%(size)s memory") % {"size": spoken.memory(profile.memory_octets)},
        price=_price_words(profile.price_per_hour, catalogue.defaults.currency),
        idle=_idle_words(profile.idle, profile.gpu),
        lifetime=_lifetime_words(profile.max_lifetime),
        tasks=tasks,
        task_names=", ".join(name_of(task, catalogue.menu.names) for task in tasks),
        has_gpu=profile.resource is not None,
        rank=rank,
    )


def _gpu_words(profile: Profile) -> str:
    if profile.resource is None:
        return _("No GPU")
    gpu = profile.gpu
    if gpu is None:
        return f"{profile.count} × {profile.resource}"
    size = f"{spoken.number(gpu.memory_gib)} GiB"
    if profile.count == 1:
        return f"{gpu.model}, {size}"
    words = {"count": profile.count, "model": gpu.model, "size": size}
    return _("%(count)s × %(model)s, %(size)s each, on one machine") % words


def kind_of(profile: Profile) -> Unit | None:
    """Whether it is a whole GPU, a slice or a share, as far as the catalogue says."""
    if profile.resource is None:
        return None
    if profile.gpu is not None and profile.gpu.shared:
        return "share"
    if "/mig-" in profile.resource:
        return "slice"
    return "share" if profile.resource.endswith(".shared") else "gpu"


def _kind_words(profile: Profile) -> str | None:
    match kind_of(profile):
        case "slice":
            return _("A slice of a GPU (MIG): its memory and its processors are yours alone.")
        case "share":
            return _("Shared in turns: others compute on the same GPU.")
        case _:
            return None


def _cpu_words(cores: float) -> str:
    told = translate_number("%(cores)s CPU core", "%(cores)s CPU cores", 1 if cores == 1 else 2)
    return told % {"cores": spoken.number(cores)}


def _price_words(price: float | None, currency: str) -> str | None:
    if price is None:
        return None
    if price == 0:
        return _("Free of charge")
    amount = spoken.decimal(f"{price:.2f}" if price >= 0.01 else f"{price:.4f}")
    return _("%(amount)s %(currency)s per hour") % {"amount": amount, "currency": currency}


def _idle_words(idle: IdlePolicy, gpu: GpuInfo | None) -> str:
    if idle.timeout is None:
        return _("Not stopped for inactivity")
    words: dict[str, object] = {"time": spoken.duration(idle.timeout)}
    if gpu is None:
        return _("Stopped after %(time)s without activity") % words
    words["percent"] = idle.gpu_busy_percent
    told = _("Stopped after %(time)s without activity; a GPU at %(percent)s %% or more is activity")
    return told % words


def _lifetime_words(lifetime: timedelta | None) -> str | None:
    if lifetime is None:
        return None
    words = {"time": spoken.duration(lifetime)}
    return _("Stopped %(time)s after the start, used or not") % words


def facts_words(health: ImageHealth, age: timedelta | None) -> str:
    """How large the image is, when it was built, and that its last check was good, where known.

    ``age``: how long ago it was built.
    """
    told: list[str] = []
    if health.found is not None and health.found.size:
        told.append(_("%(size)s to fetch") % {"size": human_size(health.found.size)})
    if age is not None:
        told.append(_age_words(age))
    if health.last_check is not None and health.last_check is health.found:
        told.append(_("checked and in order"))
    return ", ".join(told)


def _age_words(age: timedelta) -> str:
    if age < timedelta(days=1):
        return _("built today")
    # Two of the larger unit before it is used: "13 days" says more than "1 week".
    days = age.days
    if days >= 2 * 365:
        count = days // 365
        told = translate_number("built %(count)s year ago", "built %(count)s years ago", count)
    elif days >= 2 * 30:
        count = days // 30
        told = translate_number("built %(count)s month ago", "built %(count)s months ago", count)
    elif days >= 2 * 7:
        count = days // 7
        told = translate_number("built %(count)s week ago", "built %(count)s weeks ago", count)
    else:
        count = days
        told = translate_number("built %(count)s day ago", "built %(count)s days ago", count)
    return told % {"count": count}
