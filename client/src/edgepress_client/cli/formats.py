"""Values as people read them in the terminal; figures are formatted by `edgepress_common.figures.formats`."""

from datetime import UTC, datetime

from edgepress_common.figures import formats
from edgepress_common.figures.formats import significant as figure

__all__ = ["duration", "figure", "moment", "percent", "size", "took", "words"]


def size(size_bytes: int | None) -> str:
    """Return ``44.7 MB``, ``820 kB``; a dash for an unknown size."""
    return formats.text(size_bytes, "bytes")


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share of 1 in percent; a dash for an unknown share."""
    return formats.UNKNOWN if share is None else formats.percent(share, digits)


def duration(seconds: float) -> str:
    """Return a duration as ``8 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def moment(at: datetime) -> str:
    """Return a time in this machine's time zone, with the name of the zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def took(begin: datetime | None, end: datetime | None) -> str:
    """Return how long something took, or has taken so far; empty if it has not started."""
    return "" if begin is None else duration(((end or datetime.now(UTC)) - begin).total_seconds())


def words(state: str) -> str:
    """Return the name of a state in words: ``partly succeeded``."""
    return state.replace("_", " ")
