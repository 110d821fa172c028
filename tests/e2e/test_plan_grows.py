"""A planner that proposes twice, through the whole stack: while gateway and scheduler are killed, to the same plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from chaos.stack import BreakableStack, Victim, breakable_stack
from e2e.stack import ENDED, TWO_PROPOSALS, Edgepress, Json
from edgepress_api.database import PipelineRow, StepRow
from fakes.browser import DESKTOP, chromium, visitor

pytestmark = pytest.mark.slow

GROWS: dict[str, Any] = {
    "name": "grows",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet", "width": 0.25},
    "training": {"epochs": 2, "batch_size": 64, "seed": 21},
    "pipelines": [{"name": "base", "exports": ["float16", "int8"]}],
    "evaluation": {"runs": 10, "warmup_runs": 2},
}
_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.005  # the scheduler asks a planner within a quarter of a second


@pytest.fixture(scope="module")
def undisturbed(edgepress: Edgepress) -> tuple[Json, Json]:
    """The plan and the report of an undisturbed run."""
    job_id = edgepress.post(GROWS)
    assert edgepress.job(job_id)["plan_complete"] is False
    assert edgepress.wait(job_id)["state"] == "succeeded"
    plan: Json = edgepress.http.get(f"/v1/jobs/{job_id}/plan").raise_for_status().json()
    return plan, edgepress.report(job_id)


def test_the_second_proposal_is_built_on_the_results_of_the_first(undisturbed: tuple[Json, Json]) -> None:
    """The int8 file is the smallest, so that is what is pruned; the report has both."""
    plan, report = undisturbed
    assert plan["complete"] is True
    assert [pipeline["name"] for pipeline in plan["pipelines"]] == ["base", "pruned int8"]
    assert [(row["pipeline"], row["export"]) for row in report["rows"]] == [
        ("base", "float16"), ("base", "int8"), ("pruned int8", "int8"),
    ]  # fmt: skip


def test_killed_gateways_and_schedulers_grow_the_same_plan(
    undisturbed: tuple[Json, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first proposal has ended, when the second has been stored, and while it is worked on."""
    for name, value in TWO_PROPOSALS.items():
        monkeypatch.setenv(name, value)
    with breakable_stack(tmp_path / "home", lease_seconds=6) as stack:
        job_id = str(stack.http.post("/v1/jobs", json=GROWS).raise_for_status().json()["id"])
        killed = [
            *_kill_when(stack, lambda: _pipelines(stack) == ["succeeded"], "scheduler", "gateway"),
            *_kill_when(stack, lambda: len(_pipelines(stack)) > 1, "scheduler", "gateway"),
            *_kill_when(stack, lambda: "running" in _states(stack, "stage"), "scheduler", "gateway"),
        ]
        job = _ended(stack, job_id)
        plan = stack.http.get(f"/v1/jobs/{job_id}/plan").raise_for_status().json()
        report = stack.http.get(f"/v1/jobs/{job_id}/report").raise_for_status().json()
    assert killed == ["scheduler", "gateway"] * 3
    assert (job["state"], job["plan_complete"], job["progress"]) == ("succeeded", True, 1.0)
    expected_plan, expected_report = undisturbed
    assert plan == expected_plan
    assert _figures(report) == _figures(expected_report)


def _kill_when(stack: BreakableStack, is_time: Callable[[], bool], *victims: Victim) -> list[str]:
    """SIGKILL to each, once it is time; of who is up."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_time():
        assert time.monotonic() < deadline, f"never came: {_pipelines(stack)}"
        time.sleep(_LOOK_SECONDS)
    killed = []
    for victim in victims:
        while (process := stack.process(victim)) is None:
            assert time.monotonic() < deadline, f"{victim} does not come up"
            time.sleep(_LOOK_SECONDS)
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        killed.append(str(victim))
    return killed


def _pipelines(stack: BreakableStack) -> list[str]:
    with stack.database.read() as session:
        return list(session.scalars(select(PipelineRow.state).order_by(PipelineRow.position)))


def _states(stack: BreakableStack, kind: str) -> list[str]:
    with stack.database.read() as session:
        return list(session.scalars(select(StepRow.state).where(StepRow.kind == kind)))


def _ended(stack: BreakableStack, job_id: str) -> Json:
    """Return the job at its end; repeat the request while the gateway does not answer."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            job: Json = stack.http.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        except httpx.HTTPError:
            job = {"state": "not known"}
        if job["state"] in ENDED:
            return job
        time.sleep(0.2)
    pytest.fail(f"not at its end after {_PATIENCE_SECONDS:g} s: {_pipelines(stack)}")


def _figures(report: Json) -> list[tuple[object, ...]]:
    """Return the figures that do not depend on the speed of the machine."""
    names = ("pipeline", "export", "accuracy", "size_bytes", "zip_bytes", "images")
    return [tuple(row[name] for name in names) for row in report["rows"]]


def test_the_page_of_a_job_shows_what_was_added(edgepress: Edgepress) -> None:
    """The page adds the step, and the pipeline next to its shared steps, without a reload."""
    job_id = edgepress.post(GROWS | {"name": "grows on a page", "training": GROWS["training"] | {"seed": 22}})
    with (
        chromium() as browser,
        visitor(browser, edgepress.url, DESKTOP, extra_http_headers=edgepress.headers) as someone,
    ):
        page = someone.page
        page.goto(f"/jobs/{job_id}")
        expect(page.locator(".node", has_text="train")).to_be_visible()
        assert edgepress.job(job_id)["plan_complete"] is False
        expect(page.locator(".node", has_text="prune")).to_have_count(0)
        page.evaluate("window.isTheSame = true")
        expect(page.locator(".node", has_text="prune")).to_be_visible(timeout=1000 * _PATIENCE_SECONDS)
        expect(page.locator("#state")).to_have_text("succeeded", timeout=1000 * _PATIENCE_SECONDS)
        page.locator("#all-steps summary").click()
        row = page.locator("#step-list tr", has=page.get_by_role("button", name="train"))
        expect(row).to_contain_text("base, pruned int8")
        assert page.evaluate("window.isTheSame")
        someone.check()
