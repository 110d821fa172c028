"""``make chaos``, short: each process killed once, network and database away for a moment; nothing is lost."""

from pathlib import Path

import pytest

from chaos.evidence import ledger_of
from chaos.mischief import Act, Kill, TakeAway
from chaos.promises import broken_promises, results_of
from chaos.run import disturbed
from e2e.stack import TINY, Edgepress
from edgepress_api.database import Database

pytestmark = pytest.mark.slow

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


def test_nothing_is_lost_whoever_is_killed(edgepress: Edgepress, tiny_job: str, tmp_path: Path) -> None:
    """The job gives what it gave when nobody disturbed it, to the byte, and nothing that was done is done again."""
    steps = {step["key"] for step in edgepress.steps(tiny_job)}
    database = Database(f"sqlite:///{edgepress.home / 'edgepress.db'}")
    _, undisturbed, _ = ledger_of(database)
    database.close()

    done = disturbed(tmp_path / "home", [TINY], iter(ACTS), lease_seconds=6, seed=1)

    assert [kill.victim for kill in done.killed] == [act.victim for act in ACTS if isinstance(act, Kill)]
    assert [act.fault for act in done.taken] == ["cut", "refuse"]
    assert broken_promises(done.evidence, results_of({key: undisturbed[key] for key in steps})) == []
    assert any(step.attempt > 1 for step in done.evidence.steps.values())
