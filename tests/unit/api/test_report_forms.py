"""A report as CSV and HTML, and as what a client asks for."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_api.database import Database
from edgepress_api.report import words
from edgepress_api.report.building import build_report
from edgepress_api.report.charts.curves import training_charts
from edgepress_api.report.charts.picture import picture
from edgepress_api.report.page import report_html
from edgepress_api.report.table import COLUMNS, report_csv
from edgepress_api.web.negotiation import preferred
from edgepress_common.answers.report import Report
from edgepress_common.figures import formats
from edgepress_common.results import Epoch
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.pages import Page

OFFERED = ("application/json", "text/csv", "text/html")


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


@pytest.fixture
def report(gateway: GatewayApp) -> Report:
    """The report of a job whose name needs escaping."""
    return report_of(gateway.database, gateway.finished_job(name="<i>a & b</i>"))


def report_of(database: Database, job_id: str) -> Report:
    """A job's report."""
    with database.read() as session:
        return build_report(session, job_id)


def with_row(report: Report, **changes: object) -> Report:
    """The report with its first row changed."""
    return report.model_copy(update={"rows": (report.rows[0].model_copy(update=changes), *report.rows[1:])})


def lines(report: Report) -> list[dict[str, str]]:
    """The CSV, read back."""
    return list(csv.DictReader(io.StringIO(report_csv(report), newline="")))


def test_csv_has_a_line_per_row_and_every_figure(report: Report) -> None:
    """The headers begin with those of the contract."""
    first = lines(report)[0]
    assert list(first)[:10] == [
        "pipeline", "method", "export", "device", "threads", "accuracy", "precision", "recall", "f1", "latency_ms_mean"
    ]  # fmt: skip
    assert len(lines(report)) == len(report.rows)
    assert all(None not in line.values() for line in lines(report))
    row = report.rows[0]
    assert (float(first["latency_ms_p99"]), int(first["size_bytes"])) == (row.latency_ms.p99, row.size_bytes)
    assert first["model_sha256"] == row.model_sha256
    assert float(first["size_to_zip_ratio_to_keras_with_optimizer"]) == 1200 / 80
    assert (first["emulated"], first["throttled"]) == ("no", "")


def test_csv_tells_unknown_from_nothing(report: Report) -> None:
    """Throttled is empty if the device does not report it, and no if it was not throttled."""
    assert lines(with_row(report, throttled=()))[0]["throttled"] == "no"
    assert lines(with_row(report, throttled=("capped", "hot")))[0]["throttled"] == "capped; hot"
    assert lines(with_row(report, total_seconds=None))[0]["total_seconds"] == ""


def test_no_cell_of_csv_is_a_formula(report: Report) -> None:
    """This holds for any board name that a device announces."""
    surroundings = report.rows[0].surroundings.model_copy(update={"board": '=HYPERLINK("http://x")', "governor": "-1"})
    line = lines(with_row(report, surroundings=surroundings))[0]
    assert (line["board"], line["governor"]) == ('\'=HYPERLINK("http://x")', "'-1")
    assert len(line) == len(COLUMNS)


def test_html_needs_nothing_else_and_escapes_everything(report: Report) -> None:
    """It links to the models, and loads nothing."""
    page = Page(report_html(report, "https://gateway/v1/artifacts/"))
    assert page.loaded == []
    assert set(page.links) == {f"https://gateway/v1/artifacts/{row.model_sha256}" for row in report.rows}
    assert "<i>a & b</i>" in page.text
    for said in ("base", "float32", "int8", "75.00 %", "aarch64", "LiteRT 2", "2 classes"):
        assert said in page.text


def test_html_marks_what_can_not_be_trusted(report: Report) -> None:
    """Emulated and throttled measurements."""
    assert "emulated" not in Page(report_html(report, "")).text
    assert "their latency is not" in Page(report_html(with_row(report, emulated=True), "")).text
    assert "their latency is too high" in Page(report_html(with_row(report, throttled=("hot",)), "")).text


def test_html_of_an_active_job_says_so(gateway: GatewayApp) -> None:
    """This also holds before there are results."""
    page = Page(report_html(report_of(gateway.database, gateway.submit()), ""))
    assert "0 of 2 evaluations" in " ".join(page.text.split())
    assert "No measurements yet." in page.text


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/*", "text/csv"),
        ("text/*;q=0.5, text/html", "text/html"),
        ("application/json;q=0.1, text/csv;q=0.2", "text/csv"),
        ("TEXT/HTML; charset=utf-8", "text/html"),
        ("image/png", None),
        ("text/html;q=0", None),
        ("*/*, application/json;q=0", "text/csv"),
        ("text/html;q=x", None),
        ("", "application/json"),
    ],
)
def test_the_form_is_the_one_wanted_most(accept: str | None, media_type: str | None) -> None:
    """The header Accept decides by its weights."""
    assert preferred(accept, OFFERED) == media_type


def test_a_report_is_given_in_the_form_asked_for(gateway: GatewayApp) -> None:
    """The parameter takes precedence over the header."""
    path = f"/v1/jobs/{gateway.finished_job()}/report"
    asked = {
        media_type: gateway.client.get(path, headers={"Accept": media_type}).headers["content-type"].split(";")[0]
        for media_type in OFFERED
    }
    assert asked == {media_type: media_type for media_type in OFFERED}
    for format_, media_type in zip(("json", "csv", "html"), OFFERED, strict=True):
        response = gateway.client.get(f"{path}?format={format_}", headers={"Accept": "image/png"})
        assert response.headers["content-type"].startswith(media_type)
        assert response.headers["vary"] == "Accept, Accept-Encoding"
    refused = gateway.client.get(path, headers={"Accept": "image/png"})
    assert (refused.status_code, refused.json()["type"]) == (406, "/problems/not-acceptable")
    assert gateway.client.get(f"{path}?format=pdf").status_code == 422


def test_the_page_links_models_where_they_can_be_fetched(tmp_path: Path) -> None:
    """The links work through a proxy's prefix, and from a saved page."""
    gateway = sqlite_gateway(tmp_path, root_path="/edgepress")
    page = Page(gateway.client.get(f"/v1/jobs/{gateway.finished_job()}/report?format=html").text)
    assert page.links[0] == f"http://127.0.0.1/edgepress/v1/artifacts/{'f' * 64}"


_figures = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=st.lists(st.tuples(_figures, _figures, _figures, _figures), max_size=12))
def test_curves_stay_inside_their_drawing(values: list[tuple[float, float, float, float]]) -> None:
    """This holds for any values of a training."""
    epochs = [
        Epoch(epoch=at, loss=a, accuracy=b, val_loss=c, val_accuracy=d, learning_rate=0.1, seconds=1)
        for at, (a, b, c, d) in enumerate(values, start=1)
    ]
    for chart in training_charts(epochs):
        drawn = picture(chart)
        assert 2 <= len(drawn.y_ticks) <= 8
        assert all(0 <= tick.position <= drawn.height for tick in drawn.y_ticks)
        for drawing in drawn.drawings:
            for point in drawing.line.split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= drawn.width
                assert -0.1 <= y <= drawn.height + 0.1


def test_curves_have_round_ticks() -> None:
    """The ticks cover the range of the values."""
    epochs = [
        Epoch(epoch=at, loss=2 / at, accuracy=0.5 + at / 20, val_loss=3 / at, val_accuracy=0.4 + at / 20,
              learning_rate=0.1, seconds=1)
        for at in range(1, 7)
    ]  # fmt: skip
    accuracy, loss = training_charts(epochs)
    assert [tick.label for tick in picture(accuracy).y_ticks] == ["0.4", "0.5", "0.6", "0.7", "0.8"]
    assert [tick.label for tick in picture(loss).y_ticks] == ["0", "1", "2", "3"]
    assert [line.name for line in loss.series] == ["training", "validation"]
    rated = [epoch.model_copy(update={"bits_per_weight": 7 - epoch.epoch / 2}) for epoch in epochs]
    *_, bits = training_charts(rated)
    assert (bits.title, [line.name for line in bits.series]) == ("Estimated bits per weight", ["training"])
    assert [tick.label for tick in picture(bits).y_ticks] == ["4", "4.5", "5", "5.5", "6", "6.5"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.size(0), "0 B"),
        (words.size(999), "999 B"),
        (words.size(820_000), "820 kB"),
        (words.size(1_234_567), "1.23 MB"),
        (words.size(44_700_000), "44.7 MB"),
        (words.size(2 * 10**12), "2000 GB"),
        (words.percent(0.94567), "94.57 %"),
        (words.milliseconds(0.1234), "0.123 ms"),
        (words.milliseconds(123.4), "123 ms"),
        (words.milliseconds(0), "0.00 ms"),
        (words.duration(9.87), "9.87 s"),
        (words.duration(93), "1 min 33 s"),
        (words.duration(3661), "1 h 1 min"),
        (words.times(3.9812), "3.98\N{MULTIPLICATION SIGN}"),
        (words.times(0.99215), "0.99\N{MULTIPLICATION SIGN}"),
        (formats.text(0.94567, "share"), "94.57 %"),
        (formats.text(0.4567, "mJ"), "0.457 mJ"),
        (formats.text(None, "mJ"), "-"),
        (formats.text(21, "count"), "21"),
        (formats.bare(44_700_000, "bytes"), "44.7"),
        (formats.bare(0.94567, "share"), "94.57"),
        (formats.bare(8.4, "ms"), "8.40"),
        (formats.bare(None, "ms"), "-"),
        (formats.bare_unit("bytes"), "MB"),
        (formats.bare_unit("mJ"), "mJ"),
        (words.moment(None), "-"),
        (words.state("partly_succeeded"), "partly succeeded"),
    ],
)
def test_figures_are_written_for_people(text: str, expected: str) -> None:
    """They have the significant digits."""
    assert text == expected
