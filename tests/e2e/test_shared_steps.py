"""Two jobs that share steps, on the real processes: cancelling one, taking it up again, and letting go at once."""

import re
import time
from datetime import datetime
from typing import Any

import pytest

from e2e.stack import Edgepress, Json

pytestmark = pytest.mark.slow

PRUNED = {"name": "pruned", "stages": [{"kind": "prune", "epochs": 1}], "exports": ["int8"]}
SHARED: dict[str, Any] = {
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet", "width": 0.25},
    "training": {"epochs": 6, "batch_size": 32, "seed": 11},
    "evaluation": {"runs": 10, "warmup_runs": 2},
}


def test_cancelling_leaves_the_other_job_its_steps_and_retry_does_what_is_missing(edgepress: Edgepress) -> None:
    """The training continues for the other job; steps of the cancelled job alone are released until it is retried."""
    one = edgepress.post(SHARED | {"name": "one", "pipelines": [{"name": "base", "exports": ["int8"]}, PRUNED]})
    other = edgepress.post(SHARED | {"name": "other", "pipelines": [{"name": "base", "exports": ["int8"]}]})
    edgepress.wait(one, lambda job: _training(job)["progress"] is not None)

    edgepress.http.post(f"/v1/jobs/{one}/cancel").raise_for_status()

    assert edgepress.job(one)["state"] == "cancelled"
    states = {step["title"]: step["state"] for step in edgepress.steps(one)}
    assert states["prune"] == "cancelled"
    assert states["train"] == "running"
    assert edgepress.wait(other)["state"] == "succeeded"
    assert edgepress.job(one)["state"] == "cancelled"
    done = {step["key"]: _made(edgepress, step["key"]) for step in edgepress.steps(other)}
    assert {attempt for attempt, _ in done.values()} == {1}

    edgepress.http.post(f"/v1/jobs/{one}/retry").raise_for_status()

    assert edgepress.wait(one)["state"] == "succeeded"
    assert {key: _made(edgepress, key) for key in done} == done
    assert edgepress.step(one, "prune")["attempt"] == 1
    assert len(edgepress.report(one)["rows"]) == 2


def test_a_cancelled_step_ends_within_its_epoch(edgepress: Edgepress) -> None:
    """An epoch of a minute is given up after seconds, and the worker takes the next step."""
    training = {"epochs": 1, "batch_size": 1, "seed": 12}
    dataset = SHARED["dataset"] | {"image_size": 96}
    model = {"architecture": "mobilenet_v2", "width": 1.0}
    changes = {"name": "slow", "dataset": dataset, "model": model, "training": training}
    slow = edgepress.post(SHARED | changes | {"pipelines": [{"name": "base", "exports": ["int8"]}]})
    edgepress.wait(slow, lambda job: (_training(job)["progress"] or {"fraction": 0})["fraction"] > 0)
    key = _training(edgepress.job(slow))["key"]

    began = time.time()
    edgepress.http.post(f"/v1/jobs/{slow}/cancel").raise_for_status()
    ended = _let_go(edgepress, key)

    assert ended - began < 8  # it asks every 2 s, and the next batch ends it


def _training(job: Json) -> Json:
    found: Json = next(step for step in job["pipelines"][0]["steps"] if step["title"] == "train")
    return found


def _made(edgepress: Edgepress, key: str) -> tuple[int, object]:
    """Return the attempt that finished a step, and the time."""
    step = edgepress.http.get(f"/v1/steps/{key}").raise_for_status().json()
    return step["attempt"], step["finished_at"]


def _let_go(edgepress: Edgepress, key: str) -> float:
    """Wait until the worker logs that it has released a step."""
    log, deadline = edgepress.home / "logs" / "worker.log", time.monotonic() + 120
    while not (found := re.search(rf"^(\S+ \S+) INFO \S+: failed stage {key[:12]}", log.read_text(), re.MULTILINE)):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
