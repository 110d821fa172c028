"""``make chaos``, short: each process killed once, network and database away for a moment; nothing is lost."""

import os
from pathlib import Path
from typing import get_args

import pytest

from chaos.acts import COMPONENTS, Act, Damage, Freeze, GoBack, Hang, Kill, Liar, Lie, Slow, TakeAway, over_a_search
from chaos.evidence import ledger_of
from chaos.jobs import search_job
from chaos.promises import broken_promises, results_of
from chaos.run import disturbed, undisturbed
from e2e.stack import TINY, Edgepress
from edgepress_api.database import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

ACTS: tuple[Act, ...] = (
    Kill("worker", "in an epoch"),
    TakeAway("cut", 4),
    Kill("gateway", "any time"),
    TakeAway("refuse", 2),
    Kill("scheduler", "any time", 0.5),
    Kill("redis", "just finished"),
    Kill("worker's child", "any time"),
    Kill("evaluator", "measuring", wait=True),
)
# A spec of its own, so that nothing of it is done; its training is long enough for all that happens in it.
LONG = TINY | {"name": "long", "training": {"epochs": 40, "batch_size": 64, "seed": 7}}
_KILLS_OF_SEARCH = 24
LIARS: tuple[Liar, ...] = get_args(Liar)
ORDERLY: tuple[Act, ...] = (
    Kill("worker", "after epochs", orderly=True),
    Hang(),
    Freeze("redis", 4),
    Damage(),
    Freeze("evaluator", 2),
    Kill("scheduler", "any time", orderly=True),
    Kill("evaluator", "measuring", orderly=True),
    Kill("worker", "after epochs", orderly=True),
    Kill("gateway", "after epochs", orderly=True),
)


def test_nothing_is_lost_by_kills(edgepress: Edgepress, tiny_job: str, tmp_path: Path) -> None:
    """The job has the results of the undisturbed run, to the byte, and finished steps are not repeated."""
    steps = {step["key"] for step in edgepress.steps(tiny_job)}
    database = Database(f"sqlite:///{edgepress.home / 'edgepress.db'}")
    _, undisturbed, _ = ledger_of(database)
    database.close()

    done = disturbed(tmp_path / "home", [TINY], iter(ACTS), lease_seconds=6, seed=1)

    assert [kill.victim for kill in done.killed] == [act.victim for act in ACTS if isinstance(act, Kill)]
    assert [act.fault for act in done.taken] == ["cut", "refuse"]
    assert broken_promises(done.evidence, results_of({key: undisturbed[key] for key in steps})) == []
    assert any(step.attempt > 1 for step in done.evidence.steps.values())


@pytest.mark.skipif("EDGEPRESS_TEST_CHAOS" not in os.environ, reason="takes five minutes: `make chaos`; left out")
def test_nothing_is_lost_by_stops_hangs_and_damage(tmp_path: Path) -> None:
    """Orderly stops, a child that hangs, a damaged artifact: only the step of the damaged artifact has failed."""
    done = disturbed(tmp_path / "home", [LONG], iter(ORDERLY), lease_seconds=60, seed=1)

    assert [kill.victim for kill in done.killed] == [act.victim for act in ORDERLY if isinstance(act, Kill)]
    assert all(kill.seen for kill in done.killed)
    assert done.hung == 1
    assert [act.victim for act in done.frozen] == ["redis", "evaluator"]
    assert len(done.evidence.damaged) == 1
    assert broken_promises(done.evidence, results_of(done.evidence.steps)) == []
    pack = next(step for step in done.evidence.steps.values() if step.kind == "pack")
    training = next(step for step in done.evidence.steps.values() if step.kind == "stage")
    assert pack.attempt == 2
    assert training.resumed_after_epochs >= 1
    assert {step.title: step.failures for step in done.evidence.steps.values() if step.failures} == {pack.title: 1}


@pytest.mark.skipif("EDGEPRESS_TEST_CHAOS" not in os.environ, reason="takes minutes: `make chaos`; left out")
def test_nothing_is_lost_by_slowness_and_lies(tmp_path: Path) -> None:
    """Each component is slow, each liar lies: no attempt fails but that of an artifact that was never put."""
    acts: tuple[Act, ...] = (*(Slow(component, 5) for component in COMPONENTS), *(Lie(liar) for liar in LIARS))

    done = disturbed(tmp_path / "home", [LONG], iter(acts), lease_seconds=60, seed=1)

    assert [act.component for act in done.slowed] == [
        each for each in COMPONENTS if each != "disk" or not done.left_out
    ]
    assert {told.lie.split(":")[0] for told in done.evidence.told} == {"slow user", "device", "user"}
    assert broken_promises(done.evidence, results_of(done.evidence.steps)) == []
    assert {step.key for step in done.evidence.steps.values() if step.failures} == done.evidence.damaged


@pytest.mark.skipif("EDGEPRESS_TEST_CHAOS" not in os.environ, reason="takes minutes: `make chaos`; left out")
def test_nothing_is_lost_when_the_database_is_put_back(tmp_path: Path) -> None:
    """Put back to an older backup, with an empty Redis: what was done since is done again, to the same files."""
    expected = results_of(undisturbed(tmp_path / "undisturbed", [LONG]).steps)

    done = disturbed(tmp_path / "home", [LONG], iter([GoBack()]), lease_seconds=60, seed=1)

    assert done.evidence.went_back
    assert broken_promises(done.evidence, expected) == []


@pytest.mark.skipif("EDGEPRESS_TEST_CHAOS" not in os.environ, reason="takes eleven minutes: `make chaos`; left out")
def test_a_search_goes_on_to_the_same_trials(tmp_path: Path) -> None:
    """Scheduler, gateway, worker and evaluator are killed at moments that are drawn, until the search has ended."""
    search = search_job(1)
    alone = undisturbed(tmp_path / "undisturbed", [search])
    names = [each.name for each in alone.plans[search["name"]] if each.trial]
    assert sum(name.startswith("trial") and name.endswith("short") for name in names) == 10
    assert any("seed" in name for name in names)

    done = disturbed(tmp_path / "home", [search], over_a_search(1, _KILLS_OF_SEARCH), lease_seconds=6, seed=1)

    assert {kill.victim for kill in done.killed} == {"scheduler", "gateway", "worker", "evaluator"}
    assert len(done.killed) >= 8
    assert broken_promises(done.evidence, results_of(alone.steps), alone.plans) == []
