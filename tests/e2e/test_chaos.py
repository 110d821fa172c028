"""``make chaos``, short: one job, each process killed once, network and database away for a moment; nothing is lost."""

from pathlib import Path

import pytest

from chaos.evidence import ledger_of
from chaos.mischief import Act, Kill, TakeAway
from chaos.promises import broken_promises, results_of
from chaos.run import disturbed
from e2e.stack import Edgepress
from edgepress_api.database import Database

pytestmark = pytest.mark.slow

SPEC = {
    "name": "chaos",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet", "width": 0.25},
    "training": {"epochs": 3, "batch_size": 64},
    "pipelines": [
        {"name": "base", "exports": ["int8"]},
        {"name": "pruned", "stages": [{"kind": "prune", "epochs": 2}], "exports": ["int8"]},
    ],
    "evaluation": {"runs": 10, "warmup_runs": 2},
}
ACTS: tuple[Act, ...] = (
    TakeAway("cut", 4),
    Kill("worker", "in an epoch"),
    Kill("gateway", "any time"),
    Kill("scheduler", "any time", 0.5),
    TakeAway("refuse", 2),
    Kill("redis", "just finished"),
    Kill("worker's child", "in an epoch"),
    Kill("evaluator", "measuring"),
)


def test_nothing_is_lost_whoever_is_killed(edgepress: Edgepress, tmp_path: Path) -> None:
    """The job succeeds with the files it gives when nobody disturbs it, and nothing that was done is done again."""
    job_id = edgepress.post(SPEC)
    assert edgepress.wait(job_id)["state"] == "succeeded"
    steps = {step["key"] for step in edgepress.steps(job_id)}
    database = Database(f"sqlite:///{edgepress.home / 'edgepress.db'}")
    _, undisturbed, _ = ledger_of(database)
    database.close()

    done = disturbed(tmp_path / "home", [SPEC], iter(ACTS), lease_seconds=6, seed=1)

    assert [kill.victim for kill in done.killed] == [act.victim for act in ACTS if isinstance(act, Kill)]
    assert broken_promises(done.evidence, results_of({key: undisturbed[key] for key in steps})) == []
    assert sum(step.attempt > 1 for step in done.evidence.steps.values()) >= 2, done.evidence.steps
