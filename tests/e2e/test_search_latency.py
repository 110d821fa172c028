"""A search under a latency limit, through the whole stack: probes are measured, and the model predicts the trials."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.stack import Edgepress

pytestmark = pytest.mark.slow

SPACE: dict[str, Any] = {
    "networks": [{"architecture": "mobilenet", "width": width} for width in (0.25, 0.5, 0.75)],
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
        "budget": {"trials": 2},
        "screening": 1,
        "finalists": 1,
        "seeds": 1,
    },
    "evaluation": {"runs": 20, "warmup_runs": 2},
}


def test_probes_are_measured_and_trials_are_predicted(edgepress: Edgepress) -> None:
    """Probes are visible as pipelines and trials, in the device's model, and nowhere in the report's comparison."""
    preview = edgepress.http.post("/v1/jobs?validate_only=true", json=SEARCHES).raise_for_status().json()["search"]
    assert (preview["members"], preview["probes"]) == (6, 6)
    assert "6 probes are measured first" in preview["words"]
    job_id = edgepress.post(SEARCHES)
    job = edgepress.wait(job_id)
    assert job["state"] == "succeeded", job
    trials = edgepress.http.get(f"/v1/jobs/{job_id}/trials").raise_for_status().json()
    probes = [each for each in trials["trials"] if each["trial"] and each["trial"]["kind"] == "probe"]
    assert len(probes) == 6
    tried = [each["trial"] for each in trials["trials"] if each["trial"] and each["trial"]["kind"] == "full"]
    assert len(tried) == 2
    for trial in tried:
        assert 0 < trial["predicted_low_ms"] < trial["predicted_latency_ms"] < trial["predicted_high_ms"]
    assert trials["ruled_out"] == 0
    report = edgepress.report(job_id)
    names = {each["name"] for each in probes}
    assert not names & {row["pipeline"] for row in report["rows"]}
    assert not names & {each["name"] for each in report["pipelines"]}
    assert names <= {name for cost in report["costs"] for name in cost["pipelines"]}

    (device,) = edgepress.http.get("/v1/devices").raise_for_status().json()["devices"]
    path = f"/v1/devices/{device['name']}/latency-model"
    model = edgepress.http.get(path).raise_for_status().json()
    int8 = next(fit for fit in model["fits"] if fit["export"] == "int8")
    assert (int8["threads"], len(int8["networks"])) == (1, 6)
    assert int8["median_error"] is not None


def test_what_the_model_rules_out_is_known_before_the_next_job(edgepress: Edgepress) -> None:
    """With a limit that only the fastest networks keep, and no further probes."""
    first = edgepress.post(SEARCHES)
    assert edgepress.wait(first)["state"] == "succeeded"
    measured = edgepress.http.get(f"/v1/jobs/{first}/trials").raise_for_status().json()
    predicted = [each["trial"].get("predicted_latency_ms") for each in measured["trials"] if each["trial"]]
    fastest = min(each for each in predicted if each is not None)
    search = SEARCHES["search"] | {"limits": {"max_latency_ms": fastest / 100}}
    preview = edgepress.http.post("/v1/jobs?validate_only=true", json=SEARCHES | {"search": search})
    found = preview.raise_for_status().json()["search"]
    assert found["predicted"] == 6
    assert 0 < found["ruled_out"] < 6
    assert f"expects {found['ruled_out']} to miss" in found["words"]
