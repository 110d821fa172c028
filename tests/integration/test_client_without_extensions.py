"""A client without the extension folder of its gateway reads and shows what the gateway answers."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError
from rich.console import Console

from edgepress_client.cli.comparison_view import comparison_parts
from edgepress_client.cli.recommendation_view import recommendation_parts
from edgepress_client.cli.report_view import report_table
from edgepress_client.cli.study_tables import accuracy_table
from edgepress_client.connection import Connection
from edgepress_common.answers.comparison import JobsComparison
from edgepress_common.answers.jobs import JobView, StepDetail
from edgepress_common.answers.recommendation import Recommendation
from edgepress_common.answers.report import Report
from edgepress_common.plan import Plan
from edgepress_common.spec import JobSpec
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import StageStep

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answers of a gateway that has the folder in its settings, by path."""
    done = subprocess.run(
        [sys.executable, "-m", "fakes.extension_answers", tmp_path_factory.mktemp("gateway")],
        env=os.environ
        | {"EDGEPRESS_EXTENSIONS": str(ROOT / "tests" / "fakes" / "extension"), "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def gateway(answers: dict[str, Any]) -> Connection:
    """A connection to that gateway, from a client without the folder."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.raw_path.decode()]))
    return Connection("http://gateway", transport=transport)


def test_it_reads_specs_and_plans(answers: dict[str, Any], gateway: Connection) -> None:
    """It keeps parameters of unknown kinds, and writes them as they came; a spec that a user writes is strict."""
    job = next(iter(answers)).rpartition("/")[2]
    spec = gateway.get(JobSpec, "jobs", job, "spec")
    written = answers[f"/v1/jobs/{job}/spec"]
    assert (spec.dataset.kind, spec.pipeline_list()[0].exports[1].kind) == ("few-digits", "rounded")
    assert written["goals"]["weights"].pop("balance") == 1
    assert written["goals"].pop("min_least_predicted") == 0.01
    assert json.loads(spec.model_dump_json()) == written
    with pytest.raises(ValidationError, match=r"'few-digits'.* does not match any of the expected tags"):
        JobSpec.model_validate(written)
    plan = gateway.get(Plan, "jobs", job, "plan")
    assert json.loads(plan.model_dump_json()) == answers[f"/v1/jobs/{job}/plan"]
    stages = [step.parameters for step in plan.steps if isinstance(step.parameters, StageStep)]
    assert [stage_summary(each) for each in stages][1:] == ["without_dropout", "prune to 50 % (polynomial), 1 epoch"]
    for step in plan.steps:
        assert gateway.get(StepDetail, "steps", step.key).title == step.title
    assert gateway.get(JobView, "jobs", job).state == "succeeded"


def test_it_shows_reports(answers: dict[str, Any], gateway: Connection) -> None:
    """Exports, criteria and purposes that it does not know have their names; no table fails."""
    job = next(iter(answers)).rpartition("/")[2]
    report = gateway.get(Report, "jobs", job, "report")
    assert {row.export for row in report.rows} == {"rounded"}
    recommendation = gateway.get(Recommendation, "jobs", job, "recommendation")
    jobs = parse_qs(urlsplit(next(path for path in answers if "comparison" in path)).query)["job"]
    compared = gateway.get(JobsComparison, "comparison", params={"job": jobs})
    console = Console(file=io.StringIO(), width=200, record=True)
    for part in (
        report_table(report, 200),
        accuracy_table(report),
        *recommendation_parts(recommendation, 5),
        *comparison_parts(compared, 200),
    ):
        console.print(part)
    shown = console.export_text()
    assert "rounded" in shown
    assert "most balanced" in shown
    assert "Accuracy against balance: " in shown
