"""Runs jobs on a stack: undisturbed, or while it is broken."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from chaos.acts import Act, Freeze, Killed, Slow, TakeAway
from chaos.evidence import Evidence, gather
from chaos.faults import FaultInjector
from chaos.jobs import Spec
from chaos.stack import BreakableStack, breakable_stack
from e2e.stack import ENDED

_ACTIVE_JOBS = 2
_AGAIN_SECONDS = 0.5
_LONGEST_SECONDS = 1800.0
_END_SECONDS = 900.0  # what the slowest machine may take from the last kill to the end


@dataclass(frozen=True)
class Round:
    """How it went.

    Attributes:
        evidence: What there was to see at the end.
        killed: Who was killed, when.
        taken: What was taken away.
        left_out: What could not be.
        hung: Children that were stopped, and ended by their parent.
        frozen: Processes that were stopped for a while.
        slowed: What was slow for a while.
        refused: Jobs that were refused for a while, because the disk was full or a service was unavailable.
        seconds: How long all took.
    """

    evidence: Evidence
    killed: tuple[Killed, ...] = ()
    taken: tuple[TakeAway, ...] = ()
    left_out: tuple[Act, ...] = ()
    refused: int = 0
    hung: int = 0
    frozen: tuple[Freeze, ...] = ()
    slowed: tuple[Slow, ...] = ()
    seconds: float = 0


def undisturbed(home: Path, jobs: Sequence[Spec]) -> Evidence:
    """Return the evidence of an undisturbed run."""
    with breakable_stack(home, lease_seconds=60) as stack:
        customer = Customer(stack, jobs)
        customer.run()
        customer.wait_for_the_end(time.monotonic() + _END_SECONDS)
        return gather(stack, customer.posted)


def disturbed(home: Path, jobs: Sequence[Spec], acts: Iterator[Act], *, lease_seconds: float, seed: int) -> Round:
    """Runs the jobs and does the acts, until either are over; then waits for the jobs' end."""
    began = time.monotonic()
    with breakable_stack(home, lease_seconds=lease_seconds) as stack, ThreadPoolExecutor(1) as pool:
        customer, injector = Customer(stack, jobs), FaultInjector(stack, random.Random(seed))
        posting = pool.submit(customer.run)
        for act in acts:
            injector.do(act)
            if customer.all_ended() or (posting.done() and posting.exception() is not None):
                break
        injector.end()
        posting.result(_END_SECONDS)
        customer.wait_for_the_end(time.monotonic() + _END_SECONDS)
        return Round(
            evidence=replace(
                gather(stack, customer.posted),
                damaged=frozenset(injector.damaged),
                told=tuple(injector.told),
                went_back=injector.went_back,
            ),
            slowed=tuple(injector.slowed),
            hung=len(injector.hung),
            frozen=tuple(injector.frozen),
            killed=tuple(injector.killed),
            taken=tuple(injector.taken),
            left_out=tuple(injector.left_out),
            refused=customer.refused,
            seconds=time.monotonic() - began,
        )


class Customer:
    """Posts jobs, a few at a time, each twice with one key, as clients do that got no answer."""

    def __init__(self, stack: BreakableStack, jobs: Sequence[Spec]) -> None:
        self._stack = stack
        self._jobs = jobs
        self._gives_up_at = time.monotonic() + _LONGEST_SECONDS
        self.posted: dict[str, str] = {}
        self.refused = 0

    def run(self) -> None:
        """Posts all."""
        for number, spec in enumerate(self._jobs):
            while len(self.posted) - len(self._ended()) >= _ACTIVE_JOBS:
                self._sleep()
            first, second = self._post(spec, f"chaos-{number}"), self._post(spec, f"chaos-{number}")
            assert first == second, f"job {spec['name']} was accepted twice: {first}, {second}"
            self.posted[spec["name"]] = first

    def all_ended(self) -> bool:
        """Whether all are posted and have ended, as far as the gateway can say at the moment."""
        return len(self.posted) == len(self._jobs) and len(self._ended()) == len(self._jobs)

    def wait_for_the_end(self, deadline: float) -> None:
        """Returns when all have ended, or at the deadline."""
        while not self.all_ended() and time.monotonic() < deadline:
            time.sleep(_AGAIN_SECONDS)

    def _ended(self) -> set[str]:
        try:
            jobs = self._stack.http.get("/v1/jobs").raise_for_status().json()["jobs"]
        except httpx.HTTPError:
            return set()
        return {job["id"] for job in jobs if job["state"] in ENDED}

    def _post(self, spec: Spec, key: str) -> str:
        while True:
            try:
                answer = self._stack.http.post("/v1/jobs", json=spec, headers={"Idempotency-Key": key})
            except httpx.HTTPError:
                pass
            else:
                if answer.status_code == httpx.codes.ACCEPTED:
                    return str(answer.json()["id"])
                # Full, or unavailable for the moment; after any other status a client would give up.
                assert answer.status_code in {503, 507}, answer.text
                self.refused += 1
            self._sleep()

    def _sleep(self) -> None:
        assert time.monotonic() < self._gives_up_at, f"jobs do not come to their end: {self.posted}"
        time.sleep(_AGAIN_SECONDS)
