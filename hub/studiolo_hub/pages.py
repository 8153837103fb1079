"""What our templates ask for, under the one name `studiolo`. Reads JupyterHub's objects.

JupyterHub renders its pages from templates; ours extend them and take what they show beyond it from
a `Pages` object: the brand, addresses of our static files, the views of a person's workspaces, the
words of an error, the catalogue's problem (for administrators). Nothing here changes anything.
"""

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jupyterhub.spawner import SpawnException
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.catalogue_file import CatalogueProblem
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.menu_page import ASSETS_DIR
from studiolo_spawner.offers import FreeOffer
from studiolo_spawner.progress import Message
from studiolo_spawner.spoken import rough
from studiolo_spawner.translation import language

from studiolo_hub.error_words import Words, plain_message, words_for_error
from studiolo_hub.gpu_use import UseBook
from studiolo_hub.image_report import health_report
from studiolo_hub.look import PAGE_POLICY, look_of
from studiolo_hub.offers_handlers import offers_of
from studiolo_hub.recent_stops import RecentStops
from studiolo_hub.restarts import Restarts
from studiolo_hub.settings_brand import Brand
from studiolo_hub.workspace_feed import WorkspaceFeed
from studiolo_hub.workspace_reading import WorkspaceReader, workspace_path
from studiolo_hub.workspace_view import WorkspaceView, title_of

STATIC_DIR = Path(__file__).parent / "static"


class KnownCatalogue(Protocol):
    """What the pages need of the catalogue (CatalogueLink has it)."""

    path: str
    health: HealthBook

    async def follow(self) -> None:
        """See to it that the file is followed."""

    @property
    def snapshot(self) -> Catalogue | None:
        """The last good catalogue."""

    @property
    def problem(self) -> CatalogueProblem | None:
        """Why the file is not in use as it is now."""


class Issuer(Protocol):
    """What the login page needs of the sign-in service (IssuerProbe has it)."""

    async def away(self) -> bool:
        """Whether it does not answer."""


class Pages:
    """The templates' `studiolo`."""

    def __init__(
        self,
        brand: Brand,
        *,
        issuer: Issuer,
        stops: RecentStops,
        catalogue: KnownCatalogue,
        report_every: timedelta | None = None,
    ) -> None:
        """`report_every`: how often workspaces say that they are used; None without a culler."""
        self.brand = brand
        self.look = look_of(brand)
        self.page_policy = PAGE_POLICY
        self._issuer = issuer
        self._catalogue = catalogue
        self.restarts = Restarts()
        self.feed = WorkspaceFeed()
        self.uses = UseBook()
        self.reader = WorkspaceReader(
            lambda: catalogue.snapshot,
            stops=stops,
            restarts=self.restarts,
            uses=self.uses,
            report_every=report_every,
        )

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one, for the templates and the handlers alike (see `RecentStops`)."""
        return self

    def asset(self, name: str) -> str:
        """Return a static file's name with its content's hash, so that browsers may keep it."""
        return f"{name}?v={_digest(name)}"

    @property
    def language(self) -> str:
        """The code of the language that the pages are in."""
        return language()

    async def sign_in_away(self) -> bool:
        """Whether the sign-in service does not answer. For the login page, which is async."""
        return await self._issuer.away()

    def catalogue_problem(self) -> CatalogueProblem | None:
        """What is wrong with the catalogue's last edit; None when it is in effect."""
        return self._catalogue.problem

    def has_catalogue(self) -> bool:
        """Whether there is a good catalogue to start workspaces from."""
        return self._catalogue.snapshot is not None

    async def follow(self) -> None:
        """See to it that the catalogue is followed."""
        await self._catalogue.follow()

    @property
    def catalogue(self) -> Catalogue | None:
        """The last good catalogue."""
        return self._catalogue.snapshot

    async def catalogue_status(self) -> dict[str, object]:
        """The same as JSON, with what is in use."""
        await self._catalogue.follow()
        problem, catalogue = self._catalogue.problem, self._catalogue.snapshot
        return {
            "source": self._catalogue.path,
            "in_effect": problem is None,
            "images": len(catalogue.images) if catalogue else 0,
            "profiles": len(catalogue.profiles) if catalogue else 0,
            "since": problem.since.isoformat() if problem else None,
            "problems": [asdict(each) for each in problem.problems] if problem else [],
        }

    async def image_health(self) -> dict[str, object]:
        """Return how the images have fared, for administrators."""
        await self._catalogue.follow()
        catalogue = self._catalogue.snapshot
        images = catalogue.images if catalogue else ()
        return health_report(images, self._catalogue.health, datetime.now(UTC))

    async def workspaces(self, user: Any) -> list[WorkspaceView]:
        """Return the views of all workspaces of a person, the first one first."""
        await self._catalogue.follow()
        return self.reader.views(user)

    def since(self, moment: datetime) -> str:
        """Return in words how long ago something was."""
        return rough(datetime.now(UTC) - moment)

    def workspace_path(self, user: Any, server_name: str) -> str:
        """Return the part of an address that names one workspace, escaped."""
        return workspace_path(user, server_name)

    def form_action(self, url: str) -> str:
        """Return a form's address without the XSRF token, which the form carries as a field.

        In an address it would stand in histories and logs.
        """
        parts = urlsplit(url)
        query = [
            pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "_xsrf"
        ]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def title(self, spawner: Any) -> str:
        """Return what people call a workspace."""
        return title_of(spawner.orm_spawner.display_name, spawner.name)

    def told(self, spawner: Any) -> tuple[Message, ...]:
        """Return what was told so far of the start that goes on."""
        told: tuple[Message, ...] = spawner.told
        return told

    async def offers(self, spawner: Any) -> tuple[FreeOffer, ...]:
        """Return what could be had at once by whoever waits for this start."""
        return await offers_of(spawner)

    def restarting(self, spawner: Any) -> bool:
        """Whether a workspace is stopped only to be started again."""
        return self.restarts.under_way(spawner.user.name, spawner.name)

    def can_rescue(self, user: Any, server_name: str) -> bool:
        """Whether a workspace did not start because its home is full."""
        spawner = user.orm_spawners.get(server_name)
        return bool(spawner and self.reader.view(user, spawner, datetime.now(UTC)).can_rescue)

    def last_failure(self, user: Any, server_name: str) -> str:
        """Return why the last start failed, as far as the hub's database remembers it."""
        spawner = user.orm_spawners.get(server_name)
        return self.reader.view(user, spawner, datetime.now(UTC)).failure if spawner else ""

    def seconds_since_start(self, spawner: Any) -> int:
        """Return for how long a start has been under way."""
        # JupyterHub notes the time of a start at its end only.
        began = getattr(spawner, "start_began", None)
        return 0 if began is None else max(int((datetime.now(UTC) - began).total_seconds()), 0)

    def error(self, status: int, message: str, exception: BaseException | None) -> Words:
        """Return the words of an error page."""
        return words_for_error(status, message or "", exception)

    def is_refused_start(self, exception: object) -> bool:
        """Whether an error is a start that we refused, whose HTML is our own."""
        return isinstance(exception, SpawnException)

    def plain_message(self, message: str | None) -> str:
        """Return a failed start's message without JupyterHub's technical words."""
        return plain_message(message or "")


@cache
def _digest(name: str) -> str:
    ours = STATIC_DIR / name
    file = ours if ours.exists() else ASSETS_DIR / name
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
