"""A measured figure, and how it is printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the benchmark.

    Attributes:
        name: What is measured, against what.
        value: Mostly a ratio of two times measured in turn in one run, so that the machine's mood cancels out.
        unit: Unit of the value; ``x`` for a ratio.
        limit: What it should be at the most (or, for a speed kept, at the least); in words.
        holds: Whether it is.
        detail: The times it was made of.
    """

    name: str
    value: float
    unit: str
    limit: str
    holds: bool
    detail: str

    def line(self) -> str:
        """Return the line of the table."""
        verdict = "ok" if self.holds else "OVER"
        return f"{self.name:<52} {self.value:>8.3g} {self.unit:<3} {self.limit:<9} {verdict:<5} {self.detail}"


def in_turn(first: Callable[[], object], second: Callable[[], object], *, rounds: int) -> tuple[float, float]:
    """Median seconds of each of two functions, run A B A B, once each before the first that counts."""
    first()
    second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for function, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            function()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])
