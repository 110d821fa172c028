"""Latencies as targets of channel pruning: which are refused, and what the steps are planned with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from edgepress_api.database import JobRow, StepRow
from edgepress_api.latency_model.targets import planned_tables
from edgepress_common.latency_table import LatencyTable
from edgepress_common.results import OperatorWork, StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import StageStep
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.jobs import small_spec
from fakes.searching import SEARCH, finish_search

FIELD = "pipelines[0].stages[0].target.latency"


def content(device: str = "pi", export: str = "int8", **changes: Any) -> dict[str, Any]:
    """Return a spec whose stage has a latency as its target."""
    target = {"latency": {"device": device, "ms": 1.5, "export": export}}
    stage = {"kind": "prune_channels", "target": target}
    fast = {"name": "fast", "stages": [stage], "exports": [export]}
    return small_spec().model_dump(mode="json", exclude={"pipelines"}) | {"pipelines": [fast]} | changes


def measured_gateway(folder: Path, networks: int = 6) -> GatewayApp:
    """Return a gateway whose device has measured files of some networks, as float32 and int8, with one thread."""
    gateway, count = sqlite_gateway(folder), 0

    def with_work(result: StepResult) -> StepResult:
        work = OperatorWork(kind="convolution", calls=20, macs=1000 * count, weights=0, values=0)
        return result.model_copy(update={"work": (work,)}) if result.kind == "export" else result

    gateway.workforce.change = with_work
    for count in range(1, networks + 1):
        gateway.finished_job(name=f"{count}", training={"epochs": 2, "seed": count})
    return gateway


def refusal(gateway: GatewayApp, **spec: Any) -> dict[str, str]:
    """Return the only problem of a refused spec."""
    answer = gateway.client.post("/v1/jobs", json=content(**spec))
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["errors"]
    return dict(problem)


def tables_of(gateway: GatewayApp) -> list[LatencyTable]:
    """Return the latency models that stages were planned with."""
    with gateway.database.read() as session:
        stages = session.scalars(select(StepRow.parameters).where(StepRow.title == "prune_channels"))
        return [each.latency for each in stages if isinstance(each, StageStep) and each.latency is not None]


def test_a_device_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """With the devices that have measured files."""
    problem = refusal(measured_gateway(tmp_path), device="pi9")
    assert (problem["field"], problem["value"]) == (f"{FIELD}.device", "pi9")
    assert problem["message"] == "is not a known device"
    assert "such as pi; a job with evaluation.devices makes it measure some" in problem["accepted"]


def test_a_device_that_has_measured_nothing_is_refused(tmp_path: Path) -> None:
    """It has no latency model yet."""
    problem = refusal(sqlite_gateway(tmp_path))
    assert problem["field"] == f"{FIELD}.device"
    assert "has measured no file" in problem["message"]


@pytest.mark.parametrize(
    ("networks", "export", "accepted"),
    [(6, "float16", "float32 with 1 thread, int8 with 1 thread"), (3, "int8", "none yet")],
)
def test_an_export_that_can_not_be_predicted_is_refused(
    networks: int, export: str, accepted: str, tmp_path: Path
) -> None:
    """It was never measured, or of too few networks for an interval."""
    problem = refusal(measured_gateway(tmp_path, networks), export=export)
    assert (problem["field"], problem["value"]) == (f"{FIELD}.export", export)
    assert f"too few networks as {export} with 1 threads" in problem["message"]
    assert problem["accepted"].endswith(accepted)


def test_a_number_of_threads_that_was_never_measured_is_refused(tmp_path: Path) -> None:
    """The latency would be that with four threads."""
    problem = refusal(measured_gateway(tmp_path), evaluation={"threads": [4]})
    assert "with 4 threads" in problem["message"]


def test_the_stage_is_planned_with_the_model_of_its_device(tmp_path: Path) -> None:
    """It is the model that the API shows."""
    gateway = measured_gateway(tmp_path)
    gateway.submission.submit(JobSpec.model_validate(content()), gateway.now)
    (table,) = tables_of(gateway)
    (fit,) = table.fits
    shown = gateway.client.get("/v1/devices/pi/latency-model").json()
    int8 = next(each for each in shown["fits"] if each["export"] == "int8")
    assert (table.device, table.export, table.runtime) == ("pi", "int8", shown["runtime"])
    assert {each["name"]: each["nanoseconds"] for each in int8["terms"]} == {
        name: pytest.approx(1e6 * ms) for name, ms in fit.terms.items()
    }
    assert (fit.threads, fit.interval, fit.confidence) == (1, int8["interval"], int8["confidence"])


def test_a_plan_that_grows_keeps_its_model(tmp_path: Path) -> None:
    """The files that the job itself measures do not change the steps of its finalists."""
    gateway = measured_gateway(tmp_path)
    search = SEARCH | {"budget": {"trials": 3}, "finalists": 3, "screening": 1}
    job_id = gateway.submission.submit(JobSpec.model_validate(content(search=search)), gateway.now)
    before = tables_of(gateway)
    finish_search(gateway)
    names = {each["name"] for each in gateway.client.get(f"/v1/jobs/{job_id}").json()["pipelines"]}
    assert {"fast", "fast, seed 1"} <= names
    after = tables_of(gateway)
    assert len(after) == 2
    assert set(map(LatencyTable.model_dump_json, after)) == set(map(LatencyTable.model_dump_json, before))
    with gateway.database.read() as session:
        job = session.scalars(select(JobRow).where(JobRow.id == job_id)).one()
        assert planned_tables(session, job) == {("pi", "int8"): before[0]}
