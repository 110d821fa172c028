"""Moments, states and names as people read them, next to the figures of `edgepress_common.figures.formats`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from edgepress_common.figures.formats import duration, milliseconds, percent, points, size, times

__all__ = ["duration", "milliseconds", "moment", "percent", "pipelines", "points", "size", "state", "times"]


def moment(value: datetime | None) -> str:
    """Return a moment in UTC, to the second; a dash for None."""
    return "-" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def state(value: str) -> str:
    """Return ``partly_succeeded`` as ``partly succeeded``."""
    return value.replace("_", " ")


def pipelines(names: Sequence[str], count: int) -> str:
    """Return the names of some of ``count`` pipelines; ``all 13 pipelines`` if it is all of several."""
    return f"all {count} pipelines" if len(names) == count > 1 else ", ".join(names)
