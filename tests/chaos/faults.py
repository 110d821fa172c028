"""Fault injection: does the acts of `chaos.acts` to a running stack, and records them."""

from __future__ import annotations

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

import psutil

from chaos.acts import Act, Damage, Fault, Freeze, GoBack, Hang, Kill, Killed, Lie, Slow, TakeAway
from chaos.lies import Told, tell
from chaos.moments import PATIENCE_SECONDS, Lookout
from chaos.slowness import slow_down
from chaos.stack import BreakableStack, Victim

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
_CALM_PATIENCE_SECONDS = 60.0
_ORDERLY_PATIENCE_SECONDS = 420.0  # the moment comes: it waits for a start of TensorFlow, or for the end of a training
_HUNG_SECONDS = 30.0  # 10 s, and what a busy machine adds


@dataclass
class FaultInjector:
    """Injects faults, and records them.

    Attributes:
        stack: Stack to inject faults into.
        chance: Source of random numbers, for whether to spare a process that has just started.
        killed: Processes that were killed.
        taken: Outages.
        left_out: Outages that could not be injected.
        hung: Children that were stopped, and have to be ended by their parent.
        frozen: Processes that were stopped for a while.
        damaged: Names of the artifacts that were damaged, and keys of the steps that did not give what was said.
        slowed: What was slow for a while.
        told: Lies, and the answers to them.
        went_back: Whether the database was put back to an older state.
    """

    stack: BreakableStack
    chance: random.Random
    killed: list[Killed] = field(default_factory=list)
    taken: list[TakeAway] = field(default_factory=list)
    left_out: list[Act] = field(default_factory=list)
    hung: list[psutil.Process] = field(default_factory=list)
    frozen: list[Freeze] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    slowed: list[Slow] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    went_back: bool = False

    def __post_init__(self) -> None:
        self._lookout = Lookout(self.stack)
        self._pool = ThreadPoolExecutor(len(get_args(Fault)))
        self._active: dict[Fault, Future[None]] = {}

    def do(self, act: Act) -> None:  # noqa: C901 - a case for each kind of act
        """Does one act. What is taken away is given back later, in a thread of its own."""
        match act:
            case Kill():
                self._kill(act)
            case Hang():
                self._hang()
            case Freeze():
                self._freeze(act)
            case Damage():
                self._damage()
            case TakeAway(fault="fill") | Slow(component="disk") if self.stack.disk is None:
                self.left_out.append(act)
            case GoBack() if self.stack.postgres is None:
                self.left_out.append(act)
            case Slow():
                self.told += slow_down(self.stack, act.component, act.seconds)
                self.slowed.append(act)
            case Lie():
                told, remade = tell(self.stack, self._lookout, act.liar)
                self.told += told
                self.damaged |= remade
            case GoBack():
                self._go_back()
            case TakeAway():
                self._give_back(act.fault)
                self._active[act.fault] = self._pool.submit(self._take_away, act)
                self.taken.append(act)

    def end(self) -> None:
        """Returns when all is given back."""
        for fault in list(self._active):
            self._give_back(fault)
        self._pool.shutdown()

    def _give_back(self, fault: Fault) -> None:
        if fault in self._active:
            self._active.pop(fault).result()

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
        if act.moment != "after epochs":  # before that, the worker is up
            self._wait_until_up(act.victim)
        patience_seconds = _CALM_PATIENCE_SECONDS if act.wait else PATIENCE_SECONDS
        patience_seconds = _ORDERLY_PATIENCE_SECONDS if act.orderly else patience_seconds
        seen = self._lookout.wait_for(act.moment, patience_seconds=patience_seconds)
        time.sleep(act.delay_seconds)
        active = self._lookout.active()
        process = self.stack.process(act.victim)
        if process is None:
            return
        try:
            process.terminate() if act.orderly else process.kill()
        except psutil.NoSuchProcess:
            return
        self.killed.append(Killed(datetime.now(UTC), act.victim, act.moment, seen, orderly=act.orderly))
        if act.wait:
            self._lookout.wait_until_further(active)

    def _hang(self) -> None:
        self._lookout.wait_for("after epochs", patience_seconds=_ORDERLY_PATIENCE_SECONDS)
        child = self.stack.process("worker's child")
        if child is None or not self._lookout.active():
            return
        child.suspend()
        self.hung.append(child)
        self.stack.cancel_and_retry()
        gone, _ = psutil.wait_procs([child], _HUNG_SECONDS)
        assert gone, f"a child that hangs was not ended in {_HUNG_SECONDS} s: {self.stack.said[-3:]}"

    def _freeze(self, act: Freeze) -> None:
        self._wait_until_up(act.victim)
        process = self.stack.process(act.victim)
        if process is not None:
            with suppress(psutil.NoSuchProcess):  # a worker's child that is frozen for long may be killed meanwhile
                process.suspend()
                self.frozen.append(act)
                time.sleep(act.seconds)
                process.resume()

    def _damage(self) -> None:
        if self._lookout.wait_for("after epochs", patience_seconds=_ORDERLY_PATIENCE_SECONDS):
            self.damaged |= self.stack.damage_pack()

    def _go_back(self) -> None:
        """Take the backup after the first epochs; go back to it when more steps are done."""
        self._lookout.wait_for("after epochs", patience_seconds=_ORDERLY_PATIENCE_SECONDS)
        backup = self.stack.back_up()
        self._lookout.wait_for("just finished", patience_seconds=_ORDERLY_PATIENCE_SECONDS)
        self.stack.go_back(backup)
        self.went_back = True

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
