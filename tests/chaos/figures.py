"""Recovery times: from a kill until the step is with a worker or device again, and until it has made progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal, NamedTuple

from chaos.acts import Killed
from chaos.evidence import Event, Evidence

Owner = Literal["worker", "worker's child", "evaluator"]


class Loss(NamedTuple):
    """An attempt that a kill ended.

    Attributes:
        owner: Process that was killed.
        noticed: From the kill until the step was ready again.
        begun: Until an attempt had begun on it again.
        resumed: Until it had made progress: an epoch, or its end.
        alone: Whether nothing else was killed before that.
    """

    owner: Owner
    noticed: timedelta
    begun: timedelta
    resumed: timedelta
    alone: bool


def losses(evidence: Evidence, kills: Sequence[Killed]) -> list[Loss]:
    """Every attempt that was lost by a kill, in order."""
    found = []
    for kill in kills:
        if kill.orderly or kill.victim not in {"worker", "worker's child", "evaluator"}:
            continue
        for step in evidence.steps.values():
            if (step.kind == "evaluation") == (kill.victim == "evaluator"):
                loss = _loss(kill, [event for event in evidence.events if event.step == step.key], kills)
                found += [loss] if loss else []
    return found


def _loss(kill: Killed, events: Sequence[Event], kills: Iterable[Killed]) -> Loss | None:
    before = [event for event in events if event.state and event.at <= kill.at]
    if not before or before[-1].state != "running":
        return None
    held = before[-1].attempt
    noticed = _first(
        event.at for event in events if event.at > kill.at and (event.state, event.attempt) == ("ready", held)
    )
    begun = _first(event.at for event in events if event.state == "running" and event.attempt > held)
    if noticed is None or begun is None:
        return None  # it was done after all
    resumed = _first(event.at for event in events if event.at > begun and event.state in {None, "succeeded"})
    if resumed is None:
        return None
    alone = not any(kill.at < other.at < resumed for other in kills)
    return Loss(kill.victim, noticed - kill.at, begun - kill.at, resumed - kill.at, alone)  # type: ignore[arg-type]


def _first(moments: Iterable[datetime]) -> datetime | None:
    return min(moments, default=None)


def spread(times: Sequence[timedelta]) -> str:
    """Median and worst, in words."""
    seconds = [each.total_seconds() for each in times]
    return f"median {median(seconds):.1f} s, worst {max(seconds):.1f} s, of {len(seconds)}" if seconds else "none"
