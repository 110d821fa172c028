"""Jobs side by side: as a document, over HTTP, and in the terminal."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_api.comparison.comparing import compare_reports
from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.over_seeds import with_seeds
from edgepress_client.cli import app
from edgepress_client.cli.comparison_view import comparison_parts
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from edgepress_common.answers.comparison import JobsComparison
from edgepress_common.answers.report import Provenance, Report, ReportRow
from edgepress_common.repeats import Repetition
from edgepress_common.spec import Goals
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.job_gateway import FakeGateway
from fakes.jobs import small_spec
from fakes.reports import make_report, make_row


def job(id_: str, *rows: ReportRow, fingerprint: str | None = "f", epochs: int = 11) -> Report:
    """A report of a job of its own."""
    report = make_report(*rows)
    training = report.spec.training.model_copy(update={"epochs": epochs})
    changes = {
        "job": report.job.model_copy(update={"id": id_}),
        "spec": report.spec.model_copy(update={"training": training}),
        "provenance": Provenance(edgepress_version="0", code_versions={}, dataset_fingerprint=fingerprint),
        "recommendation": recommend(rows, report.baselines, Goals()),
    }
    return report.model_copy(update=changes)


def right(wrong: int, count: int = 360) -> str:
    """Bits of which the first so many are wrong."""
    return base64.b64encode(((1 << (count - wrong)) - 1).to_bytes((count + 7) // 8)).decode()


BEFORE = job(
    "job-a",
    make_row("float32", accuracy=350 / 360, p50=5, right_images=right(10)),
    make_row("int8", accuracy=348 / 360, p50=2, size_bytes=11_000_000, right_images=right(12)),
)
AFTER = job(
    "job-b",
    make_row("int8", accuracy=340 / 360, p50=1, size_bytes=5_500_000, right_images=right(20), model_sha256="b" * 64),
    make_row("int8", pipeline="QAT", accuracy=0.97),
    make_row("float32", accuracy=350 / 360, p50=6, right_images=right(10)),
    epochs=3,
)


def test_rows_of_the_same_pipeline_and_export_make_one() -> None:
    """Rows are in the order of the first job; missing ones are marked."""
    found = compare_reports([BEFORE, AFTER])
    assert [entry.id for entry in found.jobs] == ["job-a", "job-b"]
    assert [(row.pipeline, row.export, [each is not None for each in row.jobs]) for row in found.rows] == [
        ("base", "float32", [True, True]), ("base", "int8", [True, True]), ("QAT", "int8", [False, True])
    ]  # fmt: skip


def test_a_job_is_compared_with_the_first_that_has_the_row() -> None:
    """Results on the same images are compared image by image: eight more wrong and none right is significant."""
    float32, int8, qat = compare_reports([BEFORE, AFTER]).rows
    before, after = int8.jobs
    assert before is not None
    assert after is not None
    assert before.change is None
    assert after.change is not None
    assert after.change.accuracy_points == pytest.approx(-8 / 360)
    assert (after.change.test, after.change.within_noise, after.change.same_file) == ("mcnemar", False, False)
    assert (after.change.latency_ratio, after.change.size_ratio, after.change.zip_ratio) == (0.5, 0.5, 0.5)
    same = float32.jobs[1]
    assert same is not None
    assert same.change is not None
    assert (same.change.same_file, same.change.latency_ratio) == (True, 1.2)
    assert qat.jobs[1] is not None
    assert qat.jobs[1].change is None


@pytest.mark.parametrize("fingerprint", ["g", None])
def test_of_other_images_only_intervals_are_compared(fingerprint: str | None) -> None:
    """The same applies if the images are unknown."""
    other = job("job-c", *AFTER.rows, fingerprint=fingerprint)
    found = compare_reports([BEFORE, other])
    measured = found.rows[1].jobs[1]
    assert measured is not None
    assert measured.change is not None
    assert (found.same_images, measured.change.test, measured.change.within_noise) == (False, "newcombe", True)
    assert compare_reports([BEFORE, AFTER]).same_images


def test_what_was_asked_differently_is_told() -> None:
    """Differences between specs are listed by field; names do not count."""
    (difference,) = compare_reports([BEFORE, AFTER]).spec_differences
    assert (difference.field, difference.values) == ("training.epochs", (11, 3))


def test_an_export_that_a_pipeline_has_twice_is_kept_apart() -> None:
    """Both are compared in their order."""
    twice = job("job-c", make_row("int8", accuracy=0.9), make_row("int8", accuracy=0.8))
    rows = compare_reports([twice, BEFORE]).rows
    assert [(row.export, [each and round(each.accuracy, 2) for each in row.jobs]) for row in rows] == [
        ("int8", [0.9, 0.97]), ("int8", [0.8, None]), ("float32", [None, 0.97])
    ]  # fmt: skip


def test_latencies_that_differ_by_chance_are_tied() -> None:
    """The terminal marks such latencies and accuracies with a tilde."""
    before, same, faster = (job(f"job-{p50}", make_row("int8", p50=p50)) for p50 in (5.0, 4.9, 2.5))
    changes = [compare_reports([before, after]).rows[0].jobs[1] for after in (same, faster)]
    ties = [found.change.latency_within_noise for found in changes if found is not None and found.change is not None]
    assert ties == [True, False]


def test_an_emulators_times_are_not_compared() -> None:
    """The rows have no times."""
    rows = make_row("int8"), make_row("int8", emulated=True)
    measured = compare_reports([job("job-a", rows[0]), job("job-b", rows[1])]).rows[0].jobs[1]
    assert measured is not None
    assert measured.change is not None
    assert (measured.latency_ms, measured.change.latency_ratio) == (None, None)


def seeds(id_: str, validation: tuple[float, ...], test: tuple[float, ...] | None, first: int = 0) -> Report:
    """A job whose only export is repeated over seeds."""
    rows = [
        make_row("int8", pipeline=Repetition("base", seed or None).name, spec_pipeline="base", seed=seed + first,
                 accuracy=accuracy, images=1000, right_images=right(round(1000 * (1 - accuracy)), 1000),
                 model_sha256=f"{seed}" * 64, test_accuracy=test and test[seed], test_images=test and 1000)
        for seed, accuracy in enumerate(validation)
    ]  # fmt: skip
    return job(id_, *with_seeds(rows))


SEEDS = seeds("job-a", (0.90, 0.94, 0.93), (0.88, 0.92, 0.90))


def test_seeds_are_one_row_with_mean_and_spread() -> None:
    """The file is that of the median accuracy, and the methods are compared over the seeds, on both splits."""
    (row,) = compare_reports([SEEDS, seeds("job-b", (0.92, 0.961, 0.949), (0.895, 0.94, 0.92))]).rows
    first, other = row.jobs
    assert (row.pipeline, first and first.accuracy, first and first.model_sha256) == ("base", 0.93, "2" * 64)
    assert first is not None
    assert first.over_seeds is not None
    over = first.over_seeds
    assert (over.seeds, over.test_accuracy_mean) == (3, 0.9)
    assert [over.accuracy_mean, over.accuracy_std] == pytest.approx([0.92333333, 0.02081666])
    assert over.test_accuracy_std == pytest.approx(0.02)
    assert other is not None
    assert other.change is not None
    assert (other.change.about, other.change.test, other.change.within_noise) == ("methods", "paired_t", False)
    assert other.change.accuracy_points == pytest.approx(0.02)
    assert other.change.test_points == pytest.approx((0.015 + 0.02 + 0.02) / 3)
    assert other.change.test_within_noise is False


@pytest.mark.parametrize("other", [
    job("job-b", make_row("int8", accuracy=0.92, images=1000, right_images=right(80, 1000))),
    seeds("job-b", (0.92, 0.90, 0.93), None, first=10),
])  # fmt: skip
def test_without_common_seeds_the_files_are_compared(other: Report) -> None:
    """A job with one seed, or with other seeds, says nothing about the difference of the methods."""
    (row,) = compare_reports([SEEDS, other]).rows
    measured = row.jobs[1]
    assert measured is not None
    assert measured.change is not None
    assert (measured.change.about, measured.change.test) == ("files", "mcnemar")
    assert measured.change.accuracy_points == pytest.approx(-0.01)


def test_seeds_on_other_images_are_not_paired() -> None:
    """The images make a difference that is not the methods'."""
    other = seeds("job-b", (0.92, 0.961, 0.949), None)
    apart = other.model_copy(
        update={"provenance": Provenance(edgepress_version="0", code_versions={}, dataset_fingerprint="g")}
    )
    measured = compare_reports([SEEDS, apart]).rows[0].jobs[1]
    assert measured is not None
    assert measured.change is not None
    assert (measured.change.about, measured.change.test) == ("files", "newcombe")


@pytest.mark.parametrize("width", [80, 110])
def test_the_terminal_shows_mean_and_spread(width: int) -> None:
    """The figures of both splits are shown, with a note that says what is compared."""
    out = io.StringIO()
    console = open_console(out, width=width)
    for part in comparison_parts(compare_reports([SEEDS, seeds("job-b", (0.92, 0.961, 0.949), (0.91,) * 3)]), width):
        console.print(part)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["base", "int8", "A", "92.33", "90.00", "5.00", "44.7", "40.2"] in lines
    assert ["±2.08", "±2.00"] in lines
    assert ["B", "94.33", "+2.00", "91.00", "+1.00~", "5.00", "1.00~", "44.7", "1.00", "40.2", "1.00"] in lines
    assert "points are between the methods (paired t-test over seeds)" in " ".join(out.getvalue().split())
    assert max(map(len, out.getvalue().splitlines())) <= width


def test_jobs_are_compared_over_http(tmp_path: Path) -> None:
    """Jobs on the same digits share the same file for each shared step."""
    gateway = sqlite_gateway(tmp_path)
    ids = [gateway.finished_job(), gateway.finished_job(training={"epochs": 3})]
    found: dict[str, Any] = gateway.client.get("/v1/comparison", params={"job": ids}).json()
    assert [entry["id"] for entry in found["jobs"]] == ids
    assert found["same_images"]
    assert [row["export"] for row in found["rows"]] == ["float32", "int8"]
    assert found["spec_differences"] == [{"field": "training.epochs", "values": [2, 3]}]
    assert [len(words) for words in found["best_all_round"]] == [1, 1]


@pytest.mark.parametrize(
    ("jobs", "status", "field"),
    [
        (["job-1"], 422, "job"),
        (["job-1", "job-1"], 422, "job"),
        (["job-1", "a b"], 422, "job[1]"),
        (["a", "b"], 404, ""),
    ],
)
def test_what_can_not_be_compared_is_refused(tmp_path: Path, jobs: list[str], status: int, field: str) -> None:
    """Refused are one job alone, one job twice, an invalid id, and an unknown job."""
    gateway: GatewayApp = sqlite_gateway(tmp_path)
    response = gateway.client.get("/v1/comparison", params={"job": jobs})
    assert response.status_code == status
    if field:
        assert [error["field"] for error in response.json()["errors"]] == [field]


def run(*arguments: str, width: int = 110) -> str:
    """Return the output of `edgepress compare` for the two jobs."""
    content = compare_reports([BEFORE, AFTER]).model_dump_json()
    gateway = FakeGateway(answers={("GET", "/v1/comparison"): httpx.Response(200, content=content)})
    out = io.StringIO()
    invocation = Invocation(open_console(out, width=width), open_console(out), gateway.transport)
    assert CliRunner().invoke(app, ["compare", "job-a", "job-b", *arguments], obj=invocation).exit_code == 0
    assert gateway.requests[0].url.params.multi_items() == [("job", "job-a"), ("job", "job-b")]
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 110])
def test_the_terminal_has_a_line_for_each_job_in_each_row(width: int) -> None:
    """Each line has the change against the first; jobs are named by letters."""
    said = run(width=width)
    lines = [line.split() for line in said.splitlines()]
    assert ["training.epochs", "11", "3"] in lines
    assert ["base", "int8", "A", "96.67", "2.00", "11.0", "9.90"] in lines
    assert ["B", "94.44", "-2.22", "1.00", "0.50", "5.50", "0.50", "4.95", "0.50"] in lines
    assert ["B", "97.22", "same", "6.00", "1.20", "44.7", "1.00", "40.2", "1.00"] in lines
    assert ["QAT", "int8", "A", *["-"] * 8] in lines
    assert "On host, threads: 1." in said
    assert said.count("Best all-round in ") == 2
    assert max(map(len, said.splitlines())) <= width


def test_places_are_told_apart_where_there_are_several() -> None:
    """Results are labelled by device and number of threads."""
    rows = [make_row("int8"), make_row("int8", device="pi4", threads=4)]
    content = compare_reports([job("job-a", *rows), job("job-b", rows[0])]).model_dump_json()
    gateway = FakeGateway(answers={("GET", "/v1/comparison"): httpx.Response(200, content=content)})
    out = io.StringIO()
    invocation = Invocation(open_console(out, width=80), open_console(out), gateway.transport)
    CliRunner().invoke(app, ["compare", "job-a", "job-b"], obj=invocation, catch_exceptions=False)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["base", "int8", "pi4", "4", "A", "98.33", "5.00", "44.7", "40.2"] in lines


def test_pipelines_that_differ_are_told_in_words() -> None:
    """Down to the field; one that a job does not have, by its stages and exports. Never as JSON."""
    both = {"name": "both", "stages": [{"kind": "prune"}], "exports": ["int8"]}
    other = {"name": "other", "stages": [{"kind": "prune"}, {"kind": "cluster"}], "exports": ["int8", "float16"]}
    specs = [
        small_spec(pipelines=[both | {"stages": [{"kind": "prune", "epochs": 7}]}, other]),
        small_spec(pipelines=[both]),
    ]
    reports = [job("job-a").model_copy(update={"spec": specs[0]}), job("job-b").model_copy(update={"spec": specs[1]})]
    out = io.StringIO()
    console = open_console(out, width=110)
    for part in comparison_parts(compare_reports(reports), 110):
        console.print(part)
    said = " ".join(out.getvalue().split())
    assert "pipelines.both.stages.1.epochs 7 4" in said
    assert "pipelines.other stages: prune, cluster; exports: int8, float16 -" in said
    assert not set('{}[]"') & set(said)


def test_a_comparison_is_available_as_json() -> None:
    """The output is the gateway's answer."""
    assert JobsComparison.model_validate_json(run("--json")) == compare_reports([BEFORE, AFTER])
