"""Cost of scheduling a step: from ready to sent, and from finished until its dependents are ready."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.steps.ledger import Ledger, Rules
from fakes.jobs import Workforce, small_spec
from figures import Figure

_PIPELINES = 20  # each trains with another seed and is exported five ways
_LIMIT_MS = 50.0


def measure() -> list[Figure]:
    """A job of 221 steps, done by workers and a device that take no time."""
    pipelines = [
        {
            "name": f"seed {seed}",
            "stages": [{"kind": "train", "training": {"epochs": 1, "seed": seed}}],
            "exports": ["float32", "float16", "dynamic", "int16x8", "int8"],
        }
        for seed in range(_PIPELINES)
    ]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder)}/bench.db")
        migrate(database)
        ledger = Ledger(Rules(lease=timedelta(minutes=1), resend_pause=timedelta(minutes=1), max_attempts=3))
        now = datetime.now(UTC)
        workforce = Workforce(database, ledger, now)
        workforce.announce()
        start = time.perf_counter()
        Submission(database=database, fingerprints=Fingerprints(roots=()), ledger=ledger).submit(
            small_spec(pipelines=pipelines), now
        )
        submitted = time.perf_counter()
        workforce.work_until_nothing_is_left()
        done = time.perf_counter()
        database.close()
    steps = len(workforce.done)
    cost_ms = (done - submitted) / steps * 1000
    detail = f"{steps} steps in {done - submitted:.2f} s, submitted in {submitted - start:.2f} s"
    return [Figure("scheduling, per step", cost_ms, "ms", f"<= {_LIMIT_MS:g}", cost_ms <= _LIMIT_MS, detail)]
