"""A search under a latency limit, through the whole stack: probes are measured, and the model predicts the trials.

The same model then decides how many channels are removed.
"""

from __future__ import annotations

from typing import Any

import pytest

from e2e.stack import Edgepress

pytestmark = pytest.mark.slow

SPACE: dict[str, Any] = {
    "networks": [{"architecture": "mobilenet", "width": width} for width in (0.25, 0.5)],
    "teachers": ["none"],
    "keep_macs": [1, 0.6],
    "zeros": [0],
    "clusters": [0],
    "quantize_aware": [False],
    "exports": ["int8"],
}
SEARCHES: dict[str, Any] = {
    "name": "under a limit",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet", "width": 0.25},
    "training": {"epochs": 1, "batch_size": 64, "seed": 31},
    "search": {
        "objectives": ["accuracy"],
        "limits": {"max_latency_ms": 1000},
        "space": SPACE,
        "budget": {"trials": 1},
        "screening": 1,
        "finalists": 1,
        "seeds": 1,
    },
    "evaluation": {"runs": 20, "warmup_runs": 2},
}


def test_probes_are_measured_and_trials_are_predicted(edgepress: Edgepress) -> None:
    """Probes are visible as pipelines and trials, in the device's model, and nowhere in the report's comparison."""
    preview = edgepress.http.post("/v1/jobs?validate_only=true", json=SEARCHES).raise_for_status().json()["search"]
    assert (preview["members"], preview["probes"]) == (4, 4)
    assert "4 probes are measured first" in preview["words"]
    job_id = edgepress.post(SEARCHES)
    edgepress.wait(job_id, lambda job: any(each["name"] == "trial 1" for each in job["pipelines"]))
    job = edgepress.wait(job_id)
    assert job["state"] == "succeeded", job
    trials = edgepress.http.get(f"/v1/jobs/{job_id}/trials").raise_for_status().json()
    probes = [each for each in trials["trials"] if each["trial"] and each["trial"]["kind"] == "probe"]
    assert len(probes) == 4
    tried = [each["trial"] for each in trials["trials"] if each["trial"] and each["trial"]["kind"] == "full"]
    (trial,) = tried
    assert 0 < trial["predicted_low_ms"] < trial["predicted_latency_ms"] < trial["predicted_high_ms"]
    report = edgepress.report(job_id)
    names = {each["name"] for each in probes}
    assert not names & {row["pipeline"] for row in report["rows"]}
    assert not names & {each["name"] for each in report["pipelines"]}
    assert names <= {name for cost in report["costs"] for name in cost["pipelines"]}

    (device,) = edgepress.http.get("/v1/devices").raise_for_status().json()["devices"]
    path = f"/v1/devices/{device['name']}/latency-model"
    model = edgepress.http.get(path).raise_for_status().json()
    int8 = next(fit for fit in model["fits"] if fit["export"] == "int8")
    assert len(int8["networks"]) >= 4
    assert int8["median_error"] is not None

    # The next job knows before it is posted what a limit rules out that only the fastest networks keep.
    search = SEARCHES["search"] | {"limits": {"max_latency_ms": trial["predicted_low_ms"] / 100}}
    preview = edgepress.http.post("/v1/jobs?validate_only=true", json=SEARCHES | {"search": search})
    found = preview.raise_for_status().json()["search"]
    assert found["predicted"] == 4
    assert found["ruled_out"] < 4
    assert f"expects {found['ruled_out']} to miss" in found["words"]

    _prune_to_a_latency(edgepress, device["name"])


def _prune_to_a_latency(edgepress: Edgepress, device: str) -> None:
    """A latency that can't be reached is refused with the nearest; with that one, the report has both latencies.

    A network for smaller images is measured on these.
    """
    refused = edgepress.wait(edgepress.post(_pruned(device, 1e-4)))
    failure = edgepress.step(refused["id"], "prune_channels")["failure"]
    assert "accepted: ms of at least " in failure["message"]
    least = float(failure["message"].partition("ms of at least ")[2].partition(",")[0])
    job = edgepress.wait(edgepress.post(_pruned(device, 1.05 * least)))
    assert job["state"] == "succeeded", job
    predicted = edgepress.step(job["id"], "prune_channels")["result"]["predicted_latency"]
    assert least <= predicted["ms"] <= 1.05 * least < predicted["source_ms"]
    assert (predicted["device"], predicted["export"], predicted["threads"]) == (device, "int8", 1)
    row, small = edgepress.report(job["id"])["rows"]
    assert row["predicted_latency"] == predicted
    assert row["latency_ms"]["p50"] > 0
    assert (row["tensors"]["input"]["shape"], small["tensors"]["input"]["shape"]) == ([1, 40, 40, 3], [1, 32, 32, 3])
    assert small["images"] == row["images"]


def _pruned(device: str, ms: float) -> dict[str, Any]:
    stage = {"kind": "prune_channels", "epochs": 1, "target": {"latency": {"device": device, "ms": ms}}}
    return {
        "name": f"{ms:g} ms",
        "dataset": SEARCHES["dataset"] | {"image_size": 40},
        "model": {"architecture": "mobilenet", "width": 0.5},
        "training": SEARCHES["training"],
        "pipelines": [
            {"name": "fast", "stages": [stage], "exports": ["int8"]},
            {"name": "small images", "stages": [{"kind": "train", "image_size": 32}], "exports": ["int8"]},
        ],
        "evaluation": {"devices": [device], "threads": [1]} | SEARCHES["evaluation"],
    }
