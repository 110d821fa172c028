"""Numbers as people read them: the one set of rules for the terminal, the pages and sentences.

A value has two forms. `text` carries its unit ("11.7 MB"); `bare` leaves it out, for columns and axes whose title
names it ("11.7" under "MB", which `bare_unit` returns). Three digits are significant, except in shares.
"""

from collections.abc import Callable
from dataclasses import dataclass

_KILO = 1000  # as disk makers and Predic et al. 2022 count, not 1024
_MEGABYTE = 1e6
UNKNOWN = "-"


def significant(value: float) -> str:
    """Return a number with about three digits: ``0.012``, ``1.23``, ``12.3``, ``123``."""
    size = abs(value)
    digits = 3 if 0 < size < 1 else 2 if size < 10 else 1 if size < 100 else 0  # noqa: PLR2004 - powers of ten
    return f"{value:.{digits}f}"


def percent(share: float, digits: int = 2) -> str:
    """Return ``0.94567`` as ``94.57 %``."""
    return f"{100 * share:.{digits}f} %"


def points(share: float) -> str:
    """Return a difference of two shares, ``0.0125``, as ``1.25 points``."""
    return f"{100 * share:.2f} points"


def size(size_bytes: float) -> str:
    """Return ``11742208`` as ``11.7 MB``."""
    return _with_prefix(size_bytes, "B")


def large_count(count: float) -> str:
    """Return ``11742208`` as ``11.7 M``."""
    return _with_prefix(count, "").rstrip()


def _with_prefix(value: float, unit: str) -> str:
    amount, prefix = float(value), ""
    for larger in ("k", "M", "G"):
        if amount < _KILO:
            break
        amount, prefix = amount / _KILO, larger
    return f"{significant(amount) if prefix else f'{amount:.0f}'} {prefix}{unit}"


def duration(seconds: float) -> str:
    """Return ``93`` as ``1 min 33 s``, ``8.4`` as ``8.40 s``."""
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{significant(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def times(ratio: float) -> str:
    """Return ``3.9812`` as ``3.98x``, with the multiplication sign."""
    return f"{bare_times(ratio)}\N{MULTIPLICATION SIGN}"


def bare_times(ratio: float) -> str:
    """Return ``0.9921`` as ``0.99``, ``39.81`` as ``39.8``."""
    return f"{ratio:.2f}" if abs(ratio) < 1 else significant(ratio)


def milliseconds(value: float) -> str:
    """Return ``5`` as ``5.00 ms``."""
    return f"{significant(value)} ms"


@dataclass(frozen=True)
class _Unit:
    """How values of a unit are written; ``per_bare`` of the unit are one of ``bare_unit``."""

    text: Callable[[float], str]
    bare_unit: str
    per_bare: float = 1
    bare: Callable[[float], str] = significant


_UNITS = {
    "share": _Unit(percent, "%", 0.01, lambda value: f"{value:.2f}"),
    "bytes": _Unit(size, "MB", _MEGABYTE),
    "ms": _Unit(milliseconds, "ms"),
    "s": _Unit(duration, "s"),
    "times": _Unit(times, "", 1, bare_times),
    "large_count": _Unit(large_count, "M", 1e6),
    "count": _Unit(lambda value: f"{value:.0f}", "", 1, lambda value: f"{value:.0f}"),
}


def _unit(unit: str) -> _Unit:
    return _UNITS.get(unit) or _Unit(lambda value: f"{significant(value)} {unit}".rstrip(), unit)


def text(value: float | None, unit: str) -> str:
    """Return a value with its unit; a dash for an unknown value.

    Args:
        value: The value, in `unit`.
        unit: ``share``, ``bytes``, ``ms``, ``s``, ``times``, ``count``, ``large_count``, or the symbol of another
            unit; empty for none.
    """
    return UNKNOWN if value is None else _unit(unit).text(value)


def bare(value: float | None, unit: str) -> str:
    """Return a value in `bare_unit`, without the unit; a dash for an unknown value."""
    return UNKNOWN if value is None else _unit(unit).bare(bare_value(value, unit))


def bare_value(value: float, unit: str) -> float:
    """Return a value converted to `bare_unit`: bytes to megabytes, shares to percent."""
    return value / per_bare(unit)


def per_bare(unit: str) -> float:
    """Return the amount of `unit` that is 1 in `bare_unit`."""
    return _unit(unit).per_bare


def bare_unit(unit: str) -> str:
    """Return the unit of what `bare` returns; empty for ratios and counts."""
    return _unit(unit).bare_unit
