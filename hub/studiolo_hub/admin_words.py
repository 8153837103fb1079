"""How the administration's pages word moments. Pure."""

from datetime import UTC, datetime

from studiolo_spawner import spoken


def since_words(since: datetime | None, now: datetime) -> str:
    """Return for how long something has been so: `3 hours 5 minutes`; empty when not known."""
    return spoken.rough(now - since) if since else ""


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was; empty when it never was."""
    return spoken.ago(now - at) if at else ""


def utc_words(at: datetime | None) -> str:
    """Return a moment as it stands on the pages; empty for none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def moment(at: datetime | None) -> str | None:
    """Return a moment as it stands in JSON."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None
