"""Figures as people read them: for the pages."""

from collections.abc import Sequence
from datetime import UTC, datetime

_STEP = 1000  # as the paper and disk makers count, not 1024


def percent(share: float, digits: int = 2) -> str:
    """``0.94567`` as ``94.57 %``."""
    return f"{100 * share:.{digits}f} %"


def points(share: float) -> str:
    """``0.0125`` as ``1.25 points``, of a percentage."""
    return f"{100 * share:.2f} points"


def size(size_bytes: int) -> str:
    """``11742208`` as ``11.7 MB``."""
    amount, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < _STEP:
            break
        amount, unit = amount / _STEP, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.{_digits(amount)}f} {unit}"


def milliseconds(value: float) -> str:
    """Three digits that count."""
    return f"{value:.{_digits(value)}f}"


def duration(seconds: float) -> str:
    """``93`` as ``1 min 33 s``."""
    if seconds < 60:  # noqa: PLR2004  seconds of a minute
        return f"{seconds:.{_digits(seconds)}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def times(ratio: float) -> str:
    """``3.9812`` as ``3.98x``."""
    return f"{ratio:.{_digits(ratio)}f}\N{MULTIPLICATION SIGN}"


def moment(value: datetime | None) -> str:
    """A moment in UTC, to the second; a dash for none."""
    return "-" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def state(value: str) -> str:
    """``partly_succeeded`` as ``partly succeeded``."""
    return value.replace("_", " ")


def pipelines(names: Sequence[str], count: int) -> str:
    """Some of ``count`` pipelines, by name; ``all 13 pipelines`` if it is all of several."""
    return f"all {count} pipelines" if len(names) == count > 1 else ", ".join(names)


def _digits(value: float) -> int:
    """Digits after the point that leave about three in all."""
    return 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004  powers of ten
