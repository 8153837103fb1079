"""What an installation needs in the registry (our images, Dex, broken ones), and installing it."""

from __future__ import annotations

from tests.e2e import broken_images, images, registry, release
from tests.e2e.cluster import Cluster
from tests.e2e.release import Release
from tests.e2e.tools import PAUSE


def push_images(cluster: Cluster) -> None:
    """Have all that a release pulls in the registry."""
    images.build("hub", "proxy", "minimal")
    registry.push("dex", "1", registry.program_image(cluster.tools.path("dex")))
    broken_images.push(cluster.tools.path(PAUSE))


def install(cluster: Cluster) -> Release:
    """Install the chart, whose images are pushed; raises AssertionError with all that happened."""
    found = Release(cluster)
    found.make_namespace()
    try:
        found.install(release.values())
    except AssertionError as error:
        raise AssertionError(f"{error}\n{found.everything_that_happened()}") from None
    return found
