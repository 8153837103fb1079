"""What an installation needs in the registry: our images, Dex, and one that is no workspace."""

from __future__ import annotations

from tests.e2e import images, registry, release
from tests.e2e.cluster import SingleNode
from tests.e2e.release import Release
from tests.e2e.tools import PAUSE


def push_images(cluster: SingleNode) -> None:
    """Have all that a release pulls in the registry."""
    images.build("hub", "proxy", "minimal")
    registry.push("dex", "1", registry.program_image(cluster.tools.path("dex")))
    nothing = registry.program_image(cluster.tools.path(PAUSE), entrypoint=False)
    registry.push("empty", "1", nothing)


def install(cluster: SingleNode) -> Release:
    """Install everything; raises AssertionError with all that happened."""
    push_images(cluster)
    found = Release(cluster)
    found.make_namespace()
    try:
        found.install(release.values())
    except AssertionError as error:
        raise AssertionError(f"{error}\n{found.everything_that_happened()}") from None
    return found
