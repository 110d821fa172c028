"""A report in the terminal: as a table, as a document, and in words."""

import io
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from edgepress_api.cli import app
from edgepress_api.cli.formats import duration, figure, size
from edgepress_api.cli.invocation import Invocation, open_console
from edgepress_api.cli.report_view import report_table
from edgepress_api.cli.verdict import verdict
from edgepress_api.report import Report
from fakes.job_gateway import FakeGateway, make_job, make_step
from fakes.reports import make_report, make_row

EXPORTS = make_report(
    make_row("float32"),
    make_row("float16", size_bytes=22_400_000, p50=11.9),
    make_row("int16x8", size_bytes=11_300_000, p50=86, accuracy=0.9806),
    make_row("int8", size_bytes=11_300_000, p50=1.8, accuracy=0.9778),
)


def _table(report: Report, width: int = 100) -> list[str]:
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(report_table(report, width))
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
        "emulated: its times mean nothing" in line for line in _table(make_report(make_row("int8", emulated=True)))
    )


def test_the_verdict_names_the_best_and_all_that_tie() -> None:
    """Smallest, fastest and most accurate, with their figures."""
    assert list(verdict(EXPORTS)) == [
        "Smallest: int16x8, int8, 11.3 MB, 3.96 times smaller than float32.",
        "Fastest: int8, 1.80 ms an image, 2.78 times as fast as float32.",
        "Most accurate: float32, float16, 98.33 % of 360 images.",
    ]


def test_the_verdict_names_pipelines_where_there_are_several() -> None:
    """An export alone would not say which is meant; a model measured twice is named once."""
    rows = [make_row("int8"), make_row("int8", device="pi4"), make_row("int8", pipeline="pruned", accuracy=0.9)]

    assert list(verdict(make_report(*rows)))[-1] == "Most accurate: base int8, 98.33 % of 360 images."


def test_the_verdict_says_when_all_are_alike() -> None:
    """Where there is nothing to choose, no list is given."""
    said = list(verdict(make_report(make_row("float32"), make_row("float16"))))

    assert said[-1] == "Most accurate: all of them alike, 98.33 % of 360 images."


def test_an_emulated_device_is_never_the_fastest() -> None:
    """Its times are left out; where there are no others, nothing is said."""
    said = list(verdict(make_report(make_row("int8", p50=0.1, emulated=True))))

    assert [sentence.split(":")[0] for sentence in said] == ["Smallest", "Most accurate"]


def test_a_report_without_rows_has_no_verdict() -> None:
    """Nothing was measured, so nothing is said."""
    assert list(verdict(make_report())) == []


def _run(gateway: FakeGateway, *arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    invocation = Invocation(open_console(out), open_console(out), gateway.transport)
    exit_code = CliRunner().invoke(app, arguments, obj=invocation, catch_exceptions=False).exit_code
    return out.getvalue(), exit_code


@pytest.mark.parametrize(
    ("format_", "media_type"), [("json", "application/json"), ("csv", "text/csv"), ("html", "text/html")]
)
def test_a_report_is_fetched_as_a_document(tmp_path: Path, format_: str, media_type: str) -> None:
    """As the gateway wrote it, in the format that is asked for or that the file's ending names."""
    gateway = FakeGateway(answers={("GET", "/v1/jobs/job-1/report"): httpx.Response(200, content=b"d\xc3\xb6cument")})
    target = tmp_path / f"report.{format_}"

    _, by_ending = _run(gateway, "report", "job-1", "--output", str(target))
    printed, by_option = _run(gateway, "report", "job-1", "--format", format_)

    assert (by_ending, by_option) == (0, 0)
    assert target.read_bytes() == b"d\xc3\xb6cument"
    assert printed == "döcument"
    assert [request.headers["accept"] for request in gateway.requests] == [media_type, media_type]


def test_an_ending_that_names_no_format_is_refused(tmp_path: Path) -> None:
    """Before anything is fetched."""
    gateway = FakeGateway()

    said, exit_code = _run(gateway, "report", "job-1", "--output", str(tmp_path / "report.pdf"))

    assert (exit_code, "accepted: that, or --format" in said) == (2, True)
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
    assert [size(value) for value in (None, 999, 44_700_000)] == ["-", "1 kB", "44.7 MB"]
    assert [duration(seconds) for seconds in (0.4, 59.6, 200, 7500)] == ["0 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
