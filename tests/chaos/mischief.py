"""What is done to the stack: kills, and things taken away for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

import psutil

from chaos.moments import PATIENCE_SECONDS, Lookout, Moment
from chaos.stack import BreakableStack, Victim

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
# A process that is always killed while it comes up never gets anywhere. The worker loads TensorFlow.
_UP_SECONDS: dict[Victim, float] = {
    "worker": 14,
    "worker's child": 14,
    "evaluator": 4,
    "scheduler": 3,
    "gateway": 3,
    "redis": 5,
}
_UP_AGAIN_SECONDS = 120.0
_NOT_EVEN_UP = 0.1  # part of the kills that do not care
_PAUSE_SECONDS = (0.5, 4.0)
_FAULT_EVERY = 10  # kills
_CALM_PATIENCE_SECONDS = 60.0

Fault = Literal["cut", "silence", "refuse", "fill"]


class Kill(NamedTuple):
    """Kill somebody at a moment.

    Attributes:
        victim: Whom.
        moment: When.
        delay_seconds: How long after that.
        wait: Do nothing else until what was under way has got further.
    """

    victim: Victim
    moment: Moment
    delay_seconds: float = 0
    wait: bool = False


class TakeAway(NamedTuple):
    """Take something away for a while; killing goes on meanwhile."""

    fault: Fault
    seconds: float


Act = Kill | TakeAway


class Killed(NamedTuple):
    """That somebody was killed."""

    at: datetime
    victim: Victim
    moment: Moment
    seen: bool


def drawn(seed: int) -> Iterator[Act]:
    """Acts without end; the same ones for the same seed."""
    chance = random.Random(seed)
    faults: list[Fault] = list(get_args(Fault))
    for number in range(1, 1_000_000):
        if number % _FAULT_EVERY == _FAULT_EVERY // 2:
            yield TakeAway(faults[number // _FAULT_EVERY % len(faults)], chance.uniform(3, 9))
        victim = chance.choices(list(_OF_TWENTY), list(_OF_TWENTY.values()))[0]
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


@dataclass
class Mischief:
    """Does it, and remembers what it did.

    Attributes:
        stack: Whom to.
        chance: For whether to spare those who have just come up.
        killed: Who was killed.
        taken: What was taken away.
        left_out: What could not be.
    """

    stack: BreakableStack
    chance: random.Random
    killed: list[Killed] = field(default_factory=list)
    taken: list[TakeAway] = field(default_factory=list)
    left_out: list[TakeAway] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lookout = Lookout(self.stack)
        self._pool = ThreadPoolExecutor(len(get_args(Fault)))
        self._under_way: dict[Fault, Future[None]] = {}

    def do(self, act: Act) -> None:
        """Does one act. What is taken away is given back later, in a thread of its own."""
        match act:
            case Kill():
                self._kill(act)
            case TakeAway(fault="fill") if self.stack.disk is None:
                self.left_out.append(act)
            case TakeAway():
                self._give_back(act.fault)
                self._under_way[act.fault] = self._pool.submit(self._take_away, act)
                self.taken.append(act)

    def end(self) -> None:
        """Returns when all is given back."""
        for fault in list(self._under_way):
            self._give_back(fault)
        self._pool.shutdown()

    def _give_back(self, fault: Fault) -> None:
        if fault in self._under_way:
            self._under_way.pop(fault).result()

    def _take_away(self, act: TakeAway) -> None:
        match act.fault:
            case "cut":
                self.stack.cut_line(act.seconds, silently=False)
            case "silence":
                self.stack.cut_line(act.seconds, silently=True)
            case "refuse":
                self.stack.refuse_database(act.seconds)
            case "fill":
                self.stack.fill_disk(act.seconds)

    def _kill(self, act: Kill) -> None:
        self._wait_until_up(act.victim)
        seen = self._lookout.wait_for(
            act.moment, patience_seconds=_CALM_PATIENCE_SECONDS if act.wait else PATIENCE_SECONDS
        )
        time.sleep(act.delay_seconds)
        under_way = self._lookout.under_way()
        process = self.stack.process(act.victim)
        if process is None:
            return
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return
        self.killed.append(Killed(datetime.now(UTC), act.victim, act.moment, seen))
        if act.wait:
            self._lookout.wait_until_further(under_way)

    def _wait_until_up(self, victim: Victim) -> None:
        wanted = 0.0 if self.chance.random() < _NOT_EVEN_UP else _UP_SECONDS[victim]
        deadline = time.monotonic() + _UP_AGAIN_SECONDS
        while self._age_seconds(victim) < wanted:
            assert time.monotonic() < deadline, f"{victim} is not up again: {self.stack.said[-3:]}"
            time.sleep(0.1)

    def _age_seconds(self, victim: Victim) -> float:
        process = self.stack.process(victim)
        try:
            return 0 if process is None else time.time() - process.create_time()
        except psutil.NoSuchProcess:
            return 0
