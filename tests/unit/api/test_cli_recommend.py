"""`edgepress recommend`, and `report` with an order and with goals."""

import io

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_api.recommendation.recommending import recommend
from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from edgepress_common.answers.recommendation import Recommendation
from edgepress_common.answers.report import Report
from edgepress_common.spec import Goals
from fakes.job_gateway import FakeGateway
from fakes.paper_report import paper_report
from fakes.reports import make_report, make_row

ROWS = (
    make_row("float32", accuracy=0.99, p50=5, images=1600, peak_memory_bytes=3),
    make_row("int8", pipeline="QAT", accuracy=0.98, p50=2, size_bytes=11_300_000, images=1600, peak_memory_bytes=1),
    make_row("int16x8", accuracy=0.985, p50=80, size_bytes=11_400_000, images=1600, peak_memory_bytes=2),
)


def weighed(**goals: object) -> Report:
    """A report with a recommendation by goals."""
    report = make_report(*ROWS)
    found = recommend(report.rows, report.baselines, Goals.model_validate(goals))
    return report.model_copy(update={"recommendation": found})


def run(report: Report, *arguments: str, width: int = 100, code: int = 0) -> tuple[str, FakeGateway]:
    """Return the output of a command, and the gateway that it called."""
    assert report.recommendation is not None
    gateway = FakeGateway()
    for path, content in (("recommendation", report.recommendation), ("report", report)):
        gateway.answers["GET", f"/v1/jobs/job-1/{path}"] = httpx.Response(200, content=content.model_dump_json())
    out = io.StringIO()
    invocation = Invocation(open_console(out, width=width), open_console(out, width=width), gateway.transport)
    ran = CliRunner().invoke(app, arguments, obj=invocation, catch_exceptions=False)
    assert ran.exit_code == code, out.getvalue()
    return out.getvalue(), gateway


def ordered(said: str) -> list[str]:
    """The exports of a table's rows, from the top."""
    kinds = ("float32", "int8", "int16x8")
    lines = [line for line in said.splitlines() if " host " in line and "left out" not in line]
    return [word for line in lines for word in line.split() if word in kinds]


@pytest.mark.parametrize("width", [80, 120])
def test_a_recommendation_says_what_to_ship_and_why(width: int) -> None:
    """Each purpose is described, with cautions, and the ranking with its basis."""
    said, _ = run(paper_report(), "recommend", "job-1", width=width)
    parts = ("Weights: accuracy 33 %", "Best all-round", "Smallest download", "Fastest", "Most accurate",
             "Caveats", "Ranking", "53 more files", "knee at", "of all possible weights")  # fmt: skip
    text = " ".join(said.split())
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert max(len(line) for line in said.splitlines()) <= width
    (row,) = [line.split() for line in said.splitlines() if line.split()[1:3] == ["PCQAT", "int8*"]]
    assert row == ["3", "PCQAT", "int8*", "94.00~", "92.7", "95.1", "29.6", "11.2", "2.47", "0.709", "0.698", "0.622"]


def test_a_recommendation_says_what_each_file_misses() -> None:
    """If no file is left, the output says so."""
    said, _ = run(weighed(max_latency_ms=1), "recommend", "job-1", code=9)
    assert "No file keeps the limits" in said
    assert "base float32: latency 5.00 ms (limit 1.00 ms)." in said
    assert "no file of job-1 is within the limits" in said


def test_a_recommendation_before_anything_is_measured_says_so() -> None:
    """No table of nothing."""
    nothing = make_report()
    found = recommend((), nothing.baselines, Goals())
    said, _ = run(nothing.model_copy(update={"recommendation": found}), "recommend", "job-1", code=9)
    assert said == "Error: job-1 has no measurements yet\n"


def test_a_recommendation_is_available_as_json() -> None:
    """The output is the gateway's answer."""
    said, _ = run(weighed(), "recommend", "job-1", "--json")
    assert Recommendation.model_validate_json(said) == weighed().recommendation


@pytest.mark.parametrize("command", ["recommend", "report"])
def test_goals_are_sent_as_they_are_given(command: str) -> None:
    """Goals that are not given are not sent, so that those of the spec apply."""
    arguments = [
        "--max-accuracy-drop", "0.01", "--max-latency-ms", "30", "--max-size-bytes", "5000", "--max-zip-bytes", "400",
        "--weight", "accuracy=3", "--weight", "zip=0", "--prefer", "accuracy:latency:3", "--prefer", "latency:size:2",
        "--method", "topsis", "--ignore-spec-goals",
    ]  # fmt: skip
    _, gateway = run(weighed(), command, "job-1", *arguments)
    assert gateway.requests[-1].url.params.multi_items() == [
        ("max_accuracy_drop", "0.01"), ("max_latency_ms", "30.0"), ("max_size_bytes", "5000"),
        ("max_zip_bytes", "400"), ("weight_accuracy", "3"), ("weight_zip", "0"), ("prefer", "accuracy:latency:3"),
        ("prefer", "latency:size:2"), ("method", "topsis"), ("spec_goals", "false"),
    ]  # fmt: skip
    _, gateway = run(weighed(), command, "job-1")
    assert gateway.requests[-1].url.params.multi_items() == []


@pytest.mark.parametrize("weight", ["accuracy", "speed=3"])
def test_a_weight_of_nothing_is_refused(weight: str) -> None:
    """It is refused before a request is sent."""
    gateway, out = FakeGateway(), io.StringIO()
    invocation = Invocation(open_console(out), open_console(out), gateway.transport)
    ran = CliRunner().invoke(app, ["recommend", "job-1", "--weight", weight], obj=invocation)
    assert ran.exit_code == 2
    assert "accepted: accuracy=NUMBER, latency=NUMBER" in out.getvalue()
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("spec", ["float32", "int8", "int16x8"]),
        ("accuracy", ["float32", "int16x8", "int8"]),
        ("latency", ["int8", "float32", "int16x8"]),
        ("size", ["int8", "int16x8", "float32"]),
        ("zip", ["int8", "int16x8", "float32"]),
        ("memory", ["int8", "int16x8", "float32"]),
        ("rank", ["int8", "float32", "int16x8"]),
    ],
)
def test_a_reports_rows_can_be_sorted(key: str, order: list[str]) -> None:
    """The best first."""
    said, _ = run(weighed(), "report", "job-1", "--sort", key)
    assert ordered(said) == order


def test_a_report_with_goals_has_only_what_keeps_them() -> None:
    """The report says which rows were left out, and why."""
    said, _ = run(weighed(max_latency_ms=10), "report", "job-1", "--max-latency-ms", "10", "--sort", "rank")
    assert ordered(said) == ["int8", "float32"]
    assert "left out: base int16x8 on host: latency 80.0 ms (limit 10.0 ms)" in said


def test_a_report_of_before_there_were_recommendations_is_shown() -> None:
    """A command line that is newer than its gateway shows the report."""
    said, _ = run(weighed().model_copy(update={"recommendation": weighed().recommendation}), "report", "job-1")
    gateway = FakeGateway()
    old = make_report(*ROWS).model_dump(exclude={"recommendation"}, mode="json")
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, json=old)
    out = io.StringIO()
    invocation = Invocation(open_console(out, width=100), open_console(out), gateway.transport)
    CliRunner().invoke(app, ["report", "job-1"], obj=invocation, catch_exceptions=False)
    assert out.getvalue() == said
