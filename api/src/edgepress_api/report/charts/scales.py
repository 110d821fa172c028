"""Scales of charts: the position of a value on an axis, and the ticks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LOG_STEPS = (1, 2, 5)
_MOST_LOG_TICKS = 7
_SMALLEST_SPAN = 1e-6  # relative differences below this are rounding errors


@dataclass(frozen=True)
class Tick:
    """A tick of an axis: its position and label."""

    position: float
    label: str


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        low: Value at its beginning.
        high: Value at its end.
        length: Length in SVG units.
        is_log: Whether the axis is logarithmic.
    """

    low: float
    high: float
    length: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return the position of a value, clipped to the axis."""
        low, high, value = (math.log(v) if self.is_log else v for v in (self.low, self.high, max(self.low, value)))
        return self.length * min(1.0, max(0.0, (value - low) / (high - low)))


def linear_scale(values: Sequence[float], length: float, *, steps: int = 5) -> tuple[Scale, list[float]]:
    """Return a linear axis between round values that includes all values, and its ticks."""
    least_span = _SMALLEST_SPAN * max(1.0, *map(abs, values))
    step = round_step(max(max(values) - min(values), least_span), steps)
    low = math.floor(min(values) / step) * step
    high = max(math.ceil(max(values) / step) * step, low + step)
    count = round((high - low) / step)
    return Scale(low, high, length), [low + index * step for index in range(count + 1)]


def log_scale(values: Sequence[float], length: float) -> tuple[Scale, list[float]]:
    """Return a logarithmic axis that includes all values, which are above 0, and its ticks."""
    low, high = _log_floor(min(values)), _log_ceiling(max(values))
    if low >= high:
        low, high = low / 2, high * 2
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in _LOG_STEPS]
    inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
    if len(inside) > _MOST_LOG_TICKS:
        inside = [tick for tick in inside if math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9)]
    return Scale(low, high, length, is_log=True), inside


def make_ticks(scale: Scale, values: Sequence[float], label: Callable[[float], str]) -> tuple[Tick, ...]:
    """Return values as the ticks of an axis."""
    return tuple(Tick(scale.at(value), label(value)) for value in values)


def plain_number(value: float) -> str:
    """Return a value without trailing zeros: ``0.5``, ``20``, ``5000``."""
    return f"{value:.10g}" if value < 1_000_000 else f"{value:g}"  # noqa: PLR2004  where exponents are shorter


def round_step(span: float, steps: int) -> float:
    """Return the smallest of 1, 2, 5, 10, ... (times a power of ten) that divides a span into few intervals."""
    rough = span / steps
    magnitude = 10.0 ** math.floor(math.log10(rough))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * (1 - 1e-9))


def _log_floor(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return max(step * decade for step in _LOG_STEPS if step * decade <= value * (1 + 1e-9))


def _log_ceiling(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return min(step * decade for step in (*_LOG_STEPS, 10) if step * decade >= value * (1 - 1e-9))
