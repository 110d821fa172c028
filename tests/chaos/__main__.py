"""``make chaos``: runs real jobs on the real processes while it kills them, and verifies that nothing is lost.

1. The jobs, a search among them, are run undisturbed; what each step gives is kept, and which trials the search made.
2. They are run again on a new stack, while processes are killed (SIGKILL) or stopped (SIGTERM) at moments that are
   drawn, the worker's child is made to hang, an artifact is damaged, and database, disk and the evaluator's network are
   taken away for seconds; each component is slow for seconds, and devices, workers, users and Redis lie. Killed
   processes are started again, as `edgepress up` does.
3. When all jobs have ended, everything is looked at, see `chaos.promises`. 2 is done until there were enough kills.

Prints what was done and how long it took; fails with a message for each broken promise.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

# As pytest has it: fakes are shared with the tests.
sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.acts import Act, Kill, calm, drawn
from chaos.figures import Loss, losses, spread
from chaos.jobs import chaos_jobs, search_job
from chaos.promises import broken_promises, results_of
from chaos.run import Round, disturbed, undisturbed


def main() -> None:
    """Ends with 1 if a promise was broken."""
    arguments = argparse.ArgumentParser(prog="make chaos", description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=4, help="in a round; what they share is done once")
    arguments.add_argument("--searches", type=int, default=1, choices=(0, 1), help="in a round, next to the jobs")
    arguments.add_argument("--lease", type=float, default=6, help="seconds after which a lease expires")
    arguments.add_argument("--minutes", type=float, default=22, help="after which no process is killed any more")
    arguments.add_argument(
        "--calm", action="store_true", help="one kill at a time: to see how long it takes to get over"
    )
    arguments.add_argument("--home", type=Path, help="an empty folder to keep all in; by default nothing is kept")
    asked = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        home = (asked.home or Path(temporary)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        complaints = _run(home, asked)
    sys.exit("\n".join([f"{len(complaints)} promises broken:", *complaints]) if complaints else 0)


def _run(home: Path, asked: argparse.Namespace) -> list[str]:
    jobs = [*(search_job(asked.seed) for _ in range(asked.searches)), *chaos_jobs(asked.seed, asked.jobs)]
    began = time.monotonic()
    alone = undisturbed(home / "undisturbed", jobs)
    expected = results_of(alone.steps)
    _say(f"undisturbed: {len(jobs)} jobs, {len(expected)} steps in {time.monotonic() - began:.0f} s")
    rounds: list[Round] = []
    complaints: list[str] = []
    acts = calm(asked.seed) if asked.calm else drawn(asked.seed)
    until = began + 60 * asked.minutes
    while (left := asked.kills - sum(len(each.killed) for each in rounds)) > 0 and not complaints:
        if time.monotonic() > until:
            _say(f"{asked.minutes:g} minutes are over; {left} of {asked.kills} kills were not made")
            break
        number = len(rounds) + 1
        some = _with_kills(acts, left, until)
        done = disturbed(home / f"round-{number}", jobs, some, lease_seconds=asked.lease, seed=asked.seed)
        rounds.append(done)
        complaints += broken_promises(done.evidence, expected, alone.plans)
        _say(f"round {number}: {len(done.killed)} kills in {done.seconds:.0f} s; complaints: {len(complaints)}")
    _tell(rounds, asked.lease)
    return complaints


def _with_kills(acts: Iterator[Act], kills: int, until: float) -> Iterator[Act]:
    """The next acts, up to so many kills, and up to a moment of the monotonic clock."""
    while kills > 0 and time.monotonic() < until:
        act = next(acts)
        kills -= isinstance(act, Kill)
        yield act


def _tell(rounds: Sequence[Round], lease_seconds: float) -> None:
    killed = [kill for each in rounds for kill in each.killed]
    _say(f"{len(killed)} kills: " + _counted(kill.victim for kill in killed))
    _say("  at a moment of: " + _counted(kill.moment for kill in killed if kill.seen))
    taken = [act for each in rounds for act in each.taken]
    _say("taken away: " + _counted(act.fault for act in taken) + f", {sum(act.seconds for act in taken):.0f} s in all")
    stopped = Counter(kill.victim for kill in killed if kill.orderly)
    _say(f"  of them orderly stops: {_counted(stopped.elements())}")
    _say(f"hung and ended: {sum(each.hung for each in rounds)}")
    _say("frozen: " + _counted(act.victim for each in rounds for act in each.frozen))
    _say(f"artifacts damaged and made again: {sum(len(each.evidence.damaged) for each in rounds)}")
    _say("slowed: " + _counted(act.component for each in rounds for act in each.slowed))
    told = [told for each in rounds for told in each.evidence.told]
    _say(f"lies that were answered: {len(told)}, of them refused {sum(each.is_refused for each in told)}")
    if any(each.left_out for each in rounds):
        _say("left out: a full disk, a slow disk; to mount a small disk, this has to run as root")
    steps = [step for each in rounds for step in each.evidence.steps.values()]
    jobs, refused = sum(len(each.evidence.jobs) for each in rounds), sum(each.refused for each in rounds)
    _say(
        f"jobs: {jobs}, refused at first {refused} times; steps: {len(steps)}, "
        f"attempts lost: {sum(step.attempt - 1 for step in steps)}; "
        f"artifacts hashed: {sum(len(each.evidence.stored) for each in rounds)}"
    )
    found = [loss for each in rounds for loss in losses(each.evidence, each.killed)]
    for owner in ("worker", "worker's child", "evaluator"):
        _tell_times(f"{owner} killed, with a lease of {lease_seconds:g} s", [x for x in found if x.owner == owner])


def _tell_times(of: str, found: Sequence[Loss]) -> None:
    alone = [loss for loss in found if loss.alone]
    for name, some in (("", found), (", nothing else killed meanwhile", alone)):
        if some:
            _say(f"{of}{name}:")
            _say(f"  noticed after   {spread([loss.noticed for loss in some])}")
            _say(f"  begun again     {spread([loss.begun for loss in some])}")
            _say(f"  further         {spread([loss.resumed for loss in some])}")


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(Counter(names).items()))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is its output


if __name__ == "__main__":
    main()
