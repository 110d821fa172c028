"""A report in the terminal: as a table, as a document, and in words."""

import io
from pathlib import Path

import httpx
import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from edgepress_api.recommendation.recommending import recommend
from edgepress_client.cli import app
from edgepress_client.cli.formats import duration, figure, size
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.report_view import report_table
from edgepress_client.cli.study_tables import study_tables
from edgepress_client.cli.terminal import open_console
from edgepress_client.cli.verdict import verdict
from edgepress_common.answers.report import Report
from edgepress_common.spec import Goals
from fakes.job_gateway import FakeGateway, make_job, make_step
from fakes.paper_report import paper_job, paper_report, with_broken_promise
from fakes.reports import make_report, make_row

EXPORTS = make_report(
    make_row("float32"),
    make_row("float16", size_bytes=22_400_000, p50=11.9),
    make_row("int16x8", size_bytes=11_300_000, p50=86, accuracy=0.9806),
    make_row("int8", size_bytes=11_300_000, p50=1.8, accuracy=0.9778),
)


def _table(report: Report, width: int = 100) -> list[str]:
    return _printed(report_table(report, width), width=width)


def _printed(*parts: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, record=True)
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def test_the_table_has_the_figures_of_the_report() -> None:
    """One line a row: accuracy in percent, times, sizes in megabytes, the ratio to float32, float operators."""
    lines = _table(EXPORTS)

    assert [line.split() for line in lines if line.lstrip().startswith("base")] == [
        ["base", "float32", "host", "1", "98.33", "5.00", "5.50", "1.80", "44.7", "40.2", "1.00", "21"],
        ["base", "float16", "host", "1", "98.33", "11.9", "13.1", "4.28", "22.4", "20.2", "2.00", "21"],
        ["base", "int16x8", "host", "1", "98.06", "86.0", "94.6", "31.0", "11.3", "10.2", "3.96", "21"],
        ["base", "int8", "host", "1", "97.78", "1.80", "1.98", "0.648", "11.3", "10.2", "3.96", "0"],
    ]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_coded_sizes_are_next_to_zipped_ones(width: int) -> None:
    """A report of files that an earlier release has exported has no such column."""
    coded = make_report(make_row("int8", size_bytes=11_300_000, coded_bytes=9_870_000), make_row("float32"))
    [int8, float32] = [line.split() for line in _table(coded, width) if line.lstrip().startswith("base")]
    assert int8[8:11] == ["11.3", "10.2", "9.87"]
    assert float32[8:11] == ["44.7", "40.2", "-"]
    assert not any("coded" in line for line in _table(EXPORTS, width))


def test_a_wide_table_has_what_was_done_to_the_weights() -> None:
    """How many times smaller the zipped file is than float32 not zipped, the share of zeros, and the values."""
    lines = _table(make_report(make_row("float16", size_bytes=11_000_000, zip_bytes=3_000_000)), 120)

    assert [line.split()[-5:] for line in lines if line.lstrip().startswith("base")] == [
        ["4.06", "21", "14.9", "0.0", "1000"]
    ]
    assert any("zip times: how many times smaller the zipped file is" in line for line in lines)


@pytest.mark.parametrize("width", [100, 120])
def test_the_studys_whole_matrix_is_a_line_for_each_file(width: int) -> None:
    """There are 65 rows, none folded, each with its pipeline's name; failures are listed below."""
    names = {row.pipeline for row in paper_report().rows}
    lines = _table(paper_report(), width)

    rows = [line for line in lines if line.strip().startswith(tuple(names)) and " pi4 " in line]
    assert len(rows) == 65
    assert max(map(len, lines)) <= width
    broken = _table(paper_report(with_broken_promise(paper_job(), "PCQAT", "int8", "31 values, not 16")), width)
    assert "int8 failed (PCQAT): 31 values, not 16" in broken


@pytest.mark.parametrize("width", [80, 120])
def test_the_studys_tables_are_shown_below(width: int) -> None:
    """Accuracy by export with the model itself, seconds per epoch with the ratio to plain training, promises kept."""
    lines = _printed(*study_tables(paper_report()), width=width)

    assert ["pipeline", "keras", "float32", "float16", "dynamic", "int16x8", "int8"] in [line.split() for line in lines]
    assert ["base", "94.50", "94.50", "94.50", "94.50", "94.50", "93.25"] in [line.split() for line in lines]
    assert [line.split()[-2:] for line in lines].count(["44.2", "1.38"]) == 4  # with int8 in mind, after each of four
    assert "times training: relative to training resnet18" in " ".join(lines)
    assert any(line.startswith("146 promises kept") for line in lines)
    assert max(map(len, lines)) <= width


def test_accuracies_on_several_devices_are_labelled() -> None:
    """A column is added for the device."""
    report = paper_report()
    other = report.accuracy_by_export[0].model_copy(update={"device": "qemu", "exports": ()})
    both = report.model_copy(update={"accuracy_by_export": (report.accuracy_by_export[0], other)})

    lines = [line.split() for line in _printed(*study_tables(both), width=100)]

    assert ["base", "qemu", "94.50", "-", "-", "-", "-", "-"] in lines


def test_there_are_no_tables_of_nothing() -> None:
    """The output before a training has no empty tables."""
    assert list(study_tables(make_report())) == []


def test_the_table_says_what_its_figures_stand_on() -> None:
    """The images, the baseline by name and size, and what was measured on."""
    notes = "\n".join(_table(EXPORTS))

    assert "360 validation images" in notes
    assert "times smaller: than the float32 .tflite of base, 44.7 MB" in notes
    assert "host: Imaginary CPU, 2 cores, LiteRT 2.3.0" in notes


@pytest.mark.parametrize("width", [80, 100])
def test_long_names_fit(width: int) -> None:
    """The longest names that a spec can have are folded, and no figure is cut."""
    row = make_row("int16x8", pipeline="p" * 64, device="d" * 63, size_bytes=111_300_000, p50=1234.5)

    lines = _table(make_report(row), width)

    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert {"int16x8", "1234", "1358", "444", "111", "100", "0.40"} <= set(" ".join(lines).split())


def test_an_unfinished_report_says_so() -> None:
    """A table that is read early is not taken for the whole."""
    assert any("So far: 1 of 4 measurements." in line for line in _table(make_report(make_row("int8"), complete=False)))


def test_an_emulated_devices_times_are_said_to_mean_nothing() -> None:
    """They are in the table, and marked."""
    assert any(
        "emulated: its latencies are not meaningful" in line
        for line in _table(make_report(make_row("int8", emulated=True)))
    )


def test_the_verdict_names_the_best_and_all_that_tie() -> None:
    """Smallest, fastest and most accurate, with their figures."""
    assert list(verdict(EXPORTS)) == [
        "Smallest: int16x8, int8, 11.3 MB, 3.96 times smaller than float32.",
        "Fastest: int8, 1.80 ms an image, 2.78 times as fast as float32.",
        "Most accurate: float32, float16, 98.33 % of 360 validation images.",
    ]


def test_the_verdict_names_what_is_smallest_when_zipped() -> None:
    """It may be another file: shared values and zeros make only the zip smaller."""
    clustered = make_row("int8", pipeline="PCQAT", size_bytes=11_400_000, zip_bytes=3_000_000)

    said = list(verdict(make_report(make_row("int8", size_bytes=11_300_000), clustered)))

    assert said[:2] == [
        "Smallest: base int8, 11.3 MB, 3.96 times smaller than float32.",
        "Smallest when zipped: PCQAT int8, 3.00 MB, 14.90 times smaller than float32 not zipped.",
    ]


def test_the_verdict_names_latencies_that_tie_and_no_useless_file() -> None:
    """A difference of 0.0002 ms makes no file the fastest, and a file that always answers one class is left out."""
    rows = [
        make_row("int8", p50=0.0527),
        make_row("int8", pipeline="QAT", p50=0.0525),
        make_row("int8", pipeline="constant", p50=0.01, accuracy=0.5, size_bytes=1000, confusion=((180, 0), (180, 0))),
    ]
    report = make_report(*rows)
    weighed = report.model_copy(update={"recommendation": recommend(rows, report.baselines, Goals())})
    *named, left_out = verdict(weighed)
    text = " ".join(named)
    assert "Fastest: QAT int8, base int8" in text or "Fastest: base int8, QAT int8" in text or "Fastest: all" in text
    assert "constant" not in text
    assert left_out == (
        "Not recommended: constant int8, which is smaller (1.00 kB) and faster (0.010 ms): "
        "answers class 1 for every image."
    )


def test_the_verdict_shows_the_span_of_models_that_tie() -> None:
    """A figure of one of the models is not a figure of all."""
    rows = [
        make_row("int8", p50=0.0525, accuracy=0.9833),
        make_row("int8", pipeline="QAT", p50=0.0527, accuracy=0.9),
        make_row("float32", p50=0.2, accuracy=0.99),
    ]
    fastest = next(sentence for sentence in verdict(make_report(*rows)) if sentence.startswith("Fastest"))
    assert "0.052 to 0.053 ms an image" in fastest
    assert fastest.endswith(", at 90.00 to 98.33 %.")


def test_the_verdict_says_what_being_small_and_fast_costs() -> None:
    """A student that is a lot less accurate does not hide what is small and nearly as good as the best."""
    rows = [
        make_row("int8"),
        make_row("int8", pipeline="PCQAT", accuracy=0.9789, size_bytes=11_300_000, zip_bytes=4_800_000, p50=2.5),
        make_row("int8", pipeline="distillation", accuracy=0.9525, size_bytes=1_000_000, p50=0.5),
    ]

    assert list(verdict(make_report(*rows))) == [
        "Smallest: distillation int8, 1.00 MB, 44.70 times smaller than float32, at 95.25 %.",
        "Fastest: distillation int8, 0.500 ms an image, 10.00 times as fast as float32, at 95.25 %.",
        "Most accurate: base int8, 98.33 % of 360 validation images.",
        (
            "Smallest when zipped, within a point of that: PCQAT int8, 4.80 MB, "
            "9.31 times smaller than float32 not zipped, at 97.89 %."
        ),
    ]


def test_the_verdict_names_pipelines_where_there_are_several() -> None:
    """An export alone would not say which is meant; a model measured twice is named once."""
    rows = [make_row("int8"), make_row("int8", device="pi4"), make_row("int8", pipeline="pruned", accuracy=0.9)]

    assert list(verdict(make_report(*rows)))[-1] == "Most accurate: base int8, 98.33 % of 360 validation images."


def test_the_verdict_says_when_all_are_alike() -> None:
    """If all files are equal, no list is printed."""
    said = list(verdict(make_report(make_row("float32"), make_row("float16"))))

    assert said[-1] == "Most accurate: all models, 98.33 % of 360 validation images."


def test_an_emulated_device_is_never_the_fastest() -> None:
    """Its times are omitted; if there are no others, there is no sentence about time."""
    said = list(verdict(make_report(make_row("int8", p50=0.1, emulated=True))))

    assert [sentence.split(":")[0] for sentence in said] == ["Smallest", "Most accurate"]


def test_a_report_without_rows_has_no_verdict() -> None:
    """Without measurements there is no verdict."""
    assert list(verdict(make_report())) == []


def _run(gateway: FakeGateway, *arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    invocation = Invocation(open_console(out), open_console(out), gateway.transport)
    exit_code = CliRunner().invoke(app, arguments, obj=invocation, catch_exceptions=False).exit_code
    return out.getvalue(), exit_code


def test_a_report_is_shown_with_all_its_tables() -> None:
    """The comparison, then the study's."""
    gateway = FakeGateway()
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, content=paper_report().model_dump_json())

    said, exit_code = _run(gateway, "report", "job-1")

    places = [said.index(words) for words in ("pipeline", "Accuracy by export", "Seconds per epoch", "promises kept")]
    assert (exit_code, places) == (0, sorted(places))


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_report_of_nothing_says_so(arguments: list[str]) -> None:
    """The exit code is 9; there is no empty table."""
    answer = httpx.Response(200, content=make_report().model_dump_json())
    gateway = FakeGateway(answers={("GET", "/v1/jobs/job-1/report"): answer})

    said, exit_code = _run(gateway, "report", "job-1", *arguments)

    assert (exit_code, "job-1 has no measurements yet" in said, "acc" in said.split()) == (9, True, False)


@pytest.mark.parametrize(
    ("format_", "media_type"), [("json", "application/json"), ("csv", "text/csv"), ("html", "text/html")]
)
def test_a_report_is_fetched_as_a_document(tmp_path: Path, format_: str, media_type: str) -> None:
    """The document is the gateway's, in the format that is given or that the file's suffix names."""
    gateway = FakeGateway(answers={("GET", "/v1/jobs/job-1/report"): httpx.Response(200, content=b"d\xc3\xb6cument")})
    target = tmp_path / f"report.{format_}"

    _, by_ending = _run(gateway, "report", "job-1", "--output", str(target))
    printed, by_option = _run(gateway, "report", "job-1", "--format", format_)

    assert (by_ending, by_option) == (0, 0)
    assert target.read_bytes() == b"d\xc3\xb6cument"
    assert printed == "döcument"
    assert [request.headers["accept"] for request in gateway.requests] == [media_type, media_type]


def test_an_ending_that_names_no_format_is_refused(tmp_path: Path) -> None:
    """It is refused before the report is fetched."""
    gateway = FakeGateway()

    said, exit_code = _run(gateway, "report", "job-1", "--output", str(tmp_path / "report.docx"))

    assert (exit_code, "accepted: one of these, or --format" in said) == (2, True)
    assert gateway.requests == []


def test_a_watched_job_that_succeeds_ends_with_its_table() -> None:
    """Exit code 0."""
    gateway = FakeGateway(looks=[make_job(make_step("train"), state="succeeded")])
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, content=EXPORTS.model_dump_json())

    said, exit_code = _run(gateway, "watch", "job-1")

    assert exit_code == 0
    assert "97.78" in said


def test_figures_are_written_for_people() -> None:
    """Three digits, decimal units, no seconds where hours count."""
    assert [figure(value) for value in (0.01234, 1.234, 12.34, 123.4)] == ["0.012", "1.23", "12.3", "123"]
    assert [size(value) for value in (None, 999, 44_700_000)] == ["-", "999 B", "44.7 MB"]
    assert [duration(seconds) for seconds in (0.4, 59.6, 200, 7500)] == ["0 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
