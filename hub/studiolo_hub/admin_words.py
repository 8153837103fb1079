"""How the administration's pages word moments. Pure."""

from datetime import UTC, datetime, timedelta

from studiolo_spawner.wording import duration


def since_words(since: datetime | None, now: datetime) -> str:
    """Return for how long something has been so: `3 hours 5 minutes`; empty when not known."""
    if since is None:
        return ""
    minute = timedelta(minutes=1)
    passed = now - since
    return "less than a minute" if passed < minute else duration(passed - passed % minute)


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was; empty when it never was."""
    if at is None:
        return ""
    words = since_words(at, now)
    return "just now" if words == "less than a minute" else f"{words} ago"


def utc_words(at: datetime | None) -> str:
    """Return a moment as it stands on the pages; empty for none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def moment(at: datetime | None) -> str | None:
    """Return a moment as it stands in JSON."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None
