"""The acts of fault injection, each declared once: kills, stops, hangs, damage, outages, slowness and lies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from chaos.moments import Moment
from chaos.stack import Victim

# When who is worth killing. The worker takes longest to be back, so it is not drawn more often than the others.
_MOMENTS: dict[Victim, tuple[Moment, ...]] = {
    "worker": ("any time", "just begun", "in an epoch", "while an artifact is put", "just finished"),
    "worker's child": ("in an epoch", "while an artifact is put"),
    "evaluator": ("any time", "measuring"),
    "scheduler": ("any time", "just begun", "just finished"),
    "gateway": ("any time", "just begun", "measuring"),
    "redis": ("any time", "in an epoch", "just finished"),
}
_OF_TWENTY: dict[Victim, int] = {
    "worker": 4,
    "worker's child": 2,
    "evaluator": 3,
    "scheduler": 4,
    "gateway": 4,
    "redis": 3,
}
_ORDERLY = 0.2  # part of the kills that are orderly stops
_PAUSE_SECONDS = (0.5, 4.0)
_FAULT_EVERY = 10  # kills
_OTHER_EVERY = 4  # kills

Fault = Literal["cut", "silence", "refuse", "fill"]
Component = Literal[Victim, "database", "disk", "line", "user"]
Liar = Literal["device", "worker", "user", "redis"]


class Kill(NamedTuple):
    """Kill a process at a moment.

    Attributes:
        victim: Process to kill.
        moment: Moment to wait for.
        delay_seconds: Delay after that moment, in seconds.
        wait: Inject no other fault until the running steps have made progress.
        orderly: Whether to stop it by SIGTERM instead of SIGKILL.
    """

    victim: Victim
    moment: Moment
    delay_seconds: float = 0
    wait: bool = False
    orderly: bool = False


class Hang(NamedTuple):
    """Stop the worker's child by SIGSTOP in an epoch; then cancel its jobs, and retry them at once."""


class Freeze(NamedTuple):
    """Stop a process by SIGSTOP for a while, so that it neither answers nor ends.

    Attributes:
        victim: Process to stop.
        seconds: How long; shorter than a lease, or longer.
    """

    victim: Victim
    seconds: float


class Damage(NamedTuple):
    """Replace an artifact that steps are going to read by one with other bytes."""


class Slow(NamedTuple):
    """Make something slow for a while; see `chaos.slowness`.

    Attributes:
        component: What is slow.
        seconds: How long.
    """

    component: Component
    seconds: float


class Lie(NamedTuple):
    """Have something say what is not true; see `chaos.lies`.

    Attributes:
        liar: Who says it.
    """

    liar: Liar


class GoBack(NamedTuple):
    """Put the database back to an older state, as from a backup, and empty Redis, as docs/operations.md has it."""


class TakeAway(NamedTuple):
    """Take something away for a while; killing goes on meanwhile."""

    fault: Fault
    seconds: float


Act = Kill | TakeAway | Hang | Freeze | Damage | Slow | Lie | GoBack


class Killed(NamedTuple):
    """A process that was killed."""

    at: datetime
    victim: Victim
    moment: Moment
    seen: bool
    orderly: bool = False


COMPONENTS: tuple[Component, ...] = (*get_args(Victim), "database", "disk", "line", "user")


def drawn(seed: int) -> Iterator[Act]:
    """Acts without end; the same ones for the same seed."""
    chance = random.Random(seed)
    faults: list[Fault] = list(get_args(Fault))
    others = _others(chance)
    for number in range(1, 1_000_000):
        if number % _FAULT_EVERY == _FAULT_EVERY // 2:
            yield TakeAway(faults[number // _FAULT_EVERY % len(faults)], chance.uniform(3, 9))
        if number % _OTHER_EVERY == 0:
            yield next(others)
        victim = chance.choices(list(_OF_TWENTY), list(_OF_TWENTY.values()))[0]
        moment = chance.choice(_MOMENTS[victim])
        delay = chance.uniform(*_PAUSE_SECONDS) if moment == "any time" else chance.uniform(0, 0.5)
        yield Kill(victim, moment, delay, orderly=victim != "worker's child" and chance.random() < _ORDERLY)


def _others(chance: random.Random) -> Iterator[Act]:
    """Acts that kill no process, in another order each time: all of them before one comes again."""
    while True:
        all_of_them: list[Act] = [Hang(), Damage()]
        all_of_them += [Freeze(chance.choice(list(_MOMENTS)), chance.uniform(3, 9)) for _ in range(2)]
        all_of_them += [Slow(component, chance.uniform(3, 9)) for component in COMPONENTS]
        all_of_them += [Lie(liar) for liar in get_args(Liar)]
        chance.shuffle(all_of_them)
        yield from all_of_them


def over_a_search(seed: int, kills: int) -> Iterator[Act]:
    """Kills of the processes that a search goes through, at moments that are drawn; the same ones for the same seed."""
    chance = random.Random(seed)
    victims: tuple[Victim, ...] = ("scheduler", "gateway", "worker", "evaluator")
    for number in range(kills):
        victim = victims[number % len(victims)]
        moment = chance.choice(_MOMENTS[victim])
        delay = chance.uniform(*_PAUSE_SECONDS) if moment == "any time" else chance.uniform(0, 0.5)
        yield Kill(victim, moment, delay)


def calm(seed: int) -> Iterator[Act]:
    """One kill after the other without end, of those who hold steps, each with time to get over it."""
    chance = random.Random(seed)
    while True:
        yield Kill("worker", "in an epoch", chance.uniform(0, 0.5), wait=True)
        yield Kill("worker's child", "in an epoch", chance.uniform(0, 0.5), wait=True)
        yield Kill("evaluator", "measuring", chance.uniform(0, 0.5), wait=True)
