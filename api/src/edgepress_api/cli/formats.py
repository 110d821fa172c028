"""Figures as people read them."""

from datetime import UTC, datetime

_MEGABYTE = 1_000_000  # as the paper and disk makers count, not 2**20
_KILOBYTE = 1_000


def size(size_bytes: int | None) -> str:
    """``44.7 MB``, ``820 kB``; a dash for what is not known."""
    if size_bytes is None:
        return "-"
    if size_bytes >= _MEGABYTE:
        return f"{size_bytes / _MEGABYTE:.1f} MB"
    return f"{size_bytes / _KILOBYTE:.0f} kB"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 in percent; a dash for what is not known."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def figure(value: float) -> str:
    """Three digits, as far as they mean something: ``0.012``, ``1.23``, ``12.3``, ``123``."""
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - powers of ten
    return f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def moment(at: datetime) -> str:
    """A time, in this machine's zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def took(begin: datetime | None, end: datetime | None) -> str:
    """How long something took, or has taken so far; nothing if it has not begun."""
    return "" if begin is None else duration(((end or datetime.now(UTC)) - begin).total_seconds())


def words(state: str) -> str:
    """A state's name in plain words: ``partly succeeded``."""
    return state.replace("_", " ")
