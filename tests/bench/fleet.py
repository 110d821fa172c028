"""A fleet of 500 boards and 50 workers: its cost for gateway and scheduler, waits of boards and users, and an outage.

The boards and workers are simulated at the protocol: the evaluator's loop over HTTP, and the worker's messages over
Redis, with results that are made up at once. The gateway, the scheduler, Redis and the database are real.

1. Idle: all boards wait for evaluations.
2. Work: ten users, each with a pipeline that is measured on 50 boards, and one more user with 30 pipelines that any
   board may measure, whose job came first. A wait is the time from the moment when an evaluation can begin and its
   board is free until the board has it; a user waits for the workers' steps in the same way.
3. Outage: the gateway is stopped for 20 seconds while all boards wait.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from fakes.fleet import Fleet, FleetStep, running_fleet
from fakes.postgres_server import PostgresServer, postgres_programs
from figures import Figure

_BOARDS, _WORKERS, _USERS = 500, 50, 10
_MANY = 30
_PIPELINES = 1  # of each of the other users
_SETTLES_SECONDS = 25.0  # each board has asked twice
_IDLE_SECONDS = 30.0
_OUTAGE_SECONDS = 20.0
_AFTERWARDS_SECONDS = 60.0
_LIMIT_IDLE_PERCENT = 30.0
_LIMIT_EVALUATION_MS, _LIMIT_STEP_MS = 150.0, 50.0
_LIMIT_WAITS = 10.0
_LIMIT_HERD = 4.0
_WINDOW = 3  # seconds: a busy machine delays the requests of one second to the next


def measure() -> Iterator[Figure]:
    """Measures a fleet on PostgreSQL, if there are its programs; otherwise on SQLite."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as held:
        folder, url = Path(name), None
        folder.chmod(0o755)  # PostgreSQL may run as another user
        if postgres_programs() is not None:
            (folder / "postgres").mkdir()
            url = held.enter_context(PostgresServer.in_folder(folder / "postgres")).url
        fleet = held.enter_context(
            running_fleet(
                folder,
                boards=_BOARDS,
                workers=_WORKERS,
                database_url=url,
                labels=lambda board: (f"group{int(board.removeprefix('board')) % _USERS}",),
            )
        )
        time.sleep(_SETTLES_SECONDS)
        yield from _idle(fleet)
        yield from _work(fleet)
        yield from _outage(fleet)


def _idle(fleet: Fleet) -> Iterator[Figure]:
    before, began = fleet.processor_seconds("gateway"), time.monotonic()
    time.sleep(_IDLE_SECONDS)
    share = 100 * (fleet.processor_seconds("gateway") - before) / (time.monotonic() - began)
    name = f"{_BOARDS} boards that wait: gateway, of one core"
    detail = f"{10 * share / _BOARDS:.3g} ms a second for each board"
    yield Figure(name, share, "%", f"<= {_LIMIT_IDLE_PERCENT:g}", share <= _LIMIT_IDLE_PERCENT, detail)


def _work(fleet: Fleet) -> Iterator[Figure]:
    before = {name: fleet.processor_seconds(name) for name in ("gateway", "scheduler")}
    began = time.monotonic()
    with fleet.held():
        fleet.submit("many", _MANY, "any")
        fleet.wait("workers have begun", lambda: fleet.running("stage") == _MANY)
        for number in range(_USERS):
            fleet.submit(f"user{number}", _PIPELINES, f"group{number}")
    fleet.wait_for_jobs()
    seconds = time.monotonic() - began
    used = {name: fleet.processor_seconds(name) - before[name] for name in before}
    steps = fleet.steps()
    evaluations = [each for each in steps if each.kind == "evaluation"]
    of_workers = [each for each in steps if each.kind in {"stage", "export"}]
    detail = f"{len(evaluations)} evaluations and {len(of_workers)} other steps in {seconds:.0f} s"
    for name, part, count, limit in (
        ("gateway, processor time per evaluation", "gateway", len(evaluations), _LIMIT_EVALUATION_MS),
        ("scheduler, processor time per step", "scheduler", len(steps), _LIMIT_STEP_MS),
    ):
        value = 1000 * used[part] / count
        yield Figure(name, value, "ms", f"<= {limit:g}", value <= limit, f"{used[part]:.1f} s: {detail}")
    yield _ratio("longest wait of a board / mean of all boards", _waits_of_boards(evaluations))
    yield _ratio("mean wait for workers of a user, worst / all", _waits_of_users(of_workers))


def _ratio(name: str, waits: Sequence[float]) -> Figure:
    mean, longest = statistics.fmean(waits), max(waits)
    ratio = longest / mean
    detail = f"{longest:.2f} s, {mean:.2f} s, of {len(waits)}"
    return Figure(name, ratio, "x", f"<= {_LIMIT_WAITS:g}", ratio <= _LIMIT_WAITS, detail)


def _waits_of_boards(evaluations: Sequence[FleetStep]) -> list[float]:
    """Return how long each board has waited at most for an evaluation that it alone may do."""
    longest: dict[str, float] = defaultdict(float)
    free_at: dict[str, datetime] = {}
    for each in evaluations:
        assert each.done_by is not None
        if each.device == each.done_by:
            could_begin = max(each.ready_at, free_at.get(each.done_by, each.ready_at))
            wait = (each.started_at - could_begin).total_seconds()
            longest[each.done_by] = max(longest[each.done_by], wait)
        free_at[each.done_by] = each.finished_at
    assert len(longest) == _BOARDS, f"{_BOARDS - len(longest)} boards got nothing"
    return list(longest.values())


def _waits_of_users(steps: Sequence[FleetStep]) -> list[float]:
    """Return how long the workers' steps of each user have waited in the mean."""
    waits: dict[str, list[float]] = defaultdict(list)
    for each in steps:
        waits[each.owner].append((each.started_at - each.ready_at).total_seconds())
    assert len(waits) == _USERS + 1
    return [statistics.fmean(each) for each in waits.values()]


def _outage(fleet: Fleet) -> Iterator[Figure]:
    time.sleep(_SETTLES_SECONDS)
    settled = time.time()
    time.sleep(_IDLE_SECONDS)
    answered = [each.at + each.seconds for each in fleet.requests()]
    steady = sum(settled <= at < settled + _IDLE_SECONDS for at in answered) / _IDLE_SECONDS
    fleet.stop_gateway()
    time.sleep(_OUTAGE_SECONDS)
    fleet.start_gateway()
    back = time.time()
    time.sleep(_AFTERWARDS_SECONDS)
    requests = [each for each in fleet.requests(back) if each.status]
    of_seconds = Counter(int(each.at - back) for each in requests)
    most = max(sum(of_seconds[second + each] for each in range(_WINDOW)) / _WINDOW for second in of_seconds)
    name = f"after {_OUTAGE_SECONDS:g} s without gateway: requests / steady"
    detail = f"at most {most:.1f} a second in {_WINDOW} s, {max(of_seconds.values())} in one, and {steady:.1f}"
    yield Figure(name, most / steady, "x", f"<= {_LIMIT_HERD:g}", most <= _LIMIT_HERD * steady, detail)
    first = {each.device: each.at - back for each in reversed(requests)}
    late = max(first.values())
    detail = f"all of {_BOARDS} boards" if len(first) == _BOARDS else f"{len(first)} of {_BOARDS} boards"
    yield Figure("last board that is back", late, "s", "<= 45", late <= 45 and len(first) == _BOARDS, detail)
