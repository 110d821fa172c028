"""The report's page: its content in addition to the comparison, and that it is complete and small."""

import re
from html import unescape

import pytest

from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.page import report_html
from edgepress_common.answers.charts import Chart
from edgepress_common.answers.report import Report
from edgepress_common.spec import Goals
from fakes.pages import Page
from fakes.paper_report import CLASSES, paper_report
from fakes.reports import make_report, make_row

_MOST_BYTES = 5_000_000  # an attachment that most mail servers accept


@pytest.fixture(scope="module")
def report() -> Report:
    """The study's."""
    return paper_report()


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    """Its page."""
    return report_html(report, "/v1/artifacts/")


def section(page: str, title: str) -> str:
    """A section of the page, from its title to its end."""
    begin = page.index(f"<h2>{title}")
    return page[begin : page.index("</section>", begin)]


def text_of(html: str) -> str:
    """Return the visible text of a page."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def test_the_page_begins_with_what_to_ship(report: Report, page: str) -> None:
    """Each purpose is a link to its file, in the words of the recommendation, with cautions."""
    assert page.index("<h2>Recommended for pi4") < page.index("<h2>Final comparison") < page.index("<h2>Comparison")
    part = text_of(section(page, "Recommended for"))
    assert report.recommendation is not None
    (device,) = report.recommendation.devices
    for purpose in device.purposes:
        assert purpose.words in part
    for caution in device.cautions:
        assert caution in part
    assert "Weights: accuracy 33 %, latency 33 %, size 17 %, zipped size 17 %" in part
    assert "3 PCQAT int8* 94.00 %~ 92.7 to 95.1 29.6 ms 11.2 MB 2.47 MB" in part
    assert "Show 50 more files" in part


def test_the_page_says_which_limits_were_set() -> None:
    """The limits that each file misses are shown."""
    rows = (make_row("float32", p50=5), make_row("int8", p50=2, size_bytes=11_000_000))
    goals = Goals(max_accuracy_drop=0.01, max_latency_ms=3, max_size_bytes=12_000_000, max_zip_bytes=10_500_000)
    report = make_report(*rows)
    weighed = report.model_copy(update={"recommendation": recommend(rows, report.baselines, goals)})
    part = text_of(section(report_html(weighed, ""), "Recommended for"))
    assert (
        "Limits: accuracy drop at most 1.00 points against base float32 (98.33 %); latency at most 3.00 ms; "
        "size at most 12.0 MB; zipped size at most 10.5 MB. Weights:"
    ) in part
    assert (
        "base float32 latency 5.00 ms (limit 3.00 ms), size 44.7 MB (limit 12.0 MB), "
        "zipped size 40.2 MB (limit 10.5 MB)"
    ) in part


def test_the_page_says_where_nothing_keeps_the_limits() -> None:
    """Instead of nothing."""
    rows = (make_row("float32", p50=5),)
    report = make_report(*rows)
    weighed = report.model_copy(update={"recommendation": recommend(rows, report.baselines, Goals(max_latency_ms=1))})
    assert "No file is within the limits." in report_html(weighed, "")


def test_the_page_draws_the_final_comparison_and_the_trade_offs(page: str) -> None:
    """Charts of 65 files and 13 Keras models, which have no times; three trade-offs with a front; a legend."""
    final = section(page, "Final comparison")
    assert (final.count("<rect"), final.count("<circle")) == (2 * 65 + 2 * 78, 78)
    assert final.count('class="swatch') == 10
    trade_offs = section(page, "Accuracy against latency and size")
    assert (trade_offs.count('<svg class="static"'), trade_offs.count('<g class="front"')) == (3, 3)
    assert trade_offs.count('class="ring"') == 2  # by size there is none
    assert trade_offs.count("<path") == 3 * 65 + 5
    assert len(re.findall(r'class="mark"', trade_offs)) == 5


def test_each_chart_is_a_table_too(page: str) -> None:
    """A row for each point; and the chart as data, for the script that draws it."""
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == 5 + 3 + 1 + 1 + 2 * 14
    for figure in figures:
        (data,) = re.findall(r'<script type="application/json">(.*?)</script>', figure)
        chart = Chart.model_validate_json(data)
        points = sum(len(series.points) for series in chart.series if series.kind != "steps")
        assert figure.count("<tr><td>") == points


def test_the_page_draws_how_times_spread(page: str) -> None:
    """A row for each measurement."""
    assert section(page, "Latency of one image").count("inferences</td>") == 65


def test_the_page_tells_classes_apart(page: str) -> None:
    """Each file has a table of them."""
    part = section(page, "Metrics by class")
    assert part.count('class="matrix"') == 65
    assert part.count("<tr><th>basophil</th>") == 65
    assert "basophil 200 94.5 % 94.5 % 94.5 % eosinophil, 11" in text_of(part)


def test_the_page_tells_what_steps_took_and_how_to_do_it_again(report: Report) -> None:
    """Each step is listed once, with the worker or device if known; versions, fingerprint, seed and spec are shown."""
    first, *others = report.costs
    told = report.model_copy(update={"costs": (first.model_copy(update={"seconds": 93.0, "holder": "box"}), *others)})
    page = report_html(told, "")
    costs = text_of(section(page, "Step durations"))
    assert "Total: 1 min 33 s." in costs
    assert f"{len(report.costs)} steps" in costs
    assert f"{first.title} all 13 pipelines box 1 min 33 s" in costs
    again = text_of(section(page, "Reproducibility"))
    assert "Edgepress 0.1.0; code versions: pack 1, stage 2, export 4, evaluation 1" in again
    assert "Data set digits Seed 0" in again
    assert '"pipelines": "paper"' in again


def test_the_page_loads_nothing_and_is_small(page: str) -> None:
    """All of the study's 65 files are in it; its only addresses are links."""
    assert Page(page).loaded == []
    assert page.count("<script") == page.count('<script type="application/json">')
    assert not re.findall(r"url\(|@import|https?://", page)
    assert len(page.encode()) < _MOST_BYTES / 5


def test_the_page_is_small_with_many_classes(report: Report) -> None:
    """Forty, the most of which a matrix is drawn, all of them confused with all others."""
    assert report.dataset is not None
    dataset = report.dataset.model_copy(
        update={"classes": tuple(f"a rather long name {at}" for at in range(40)), "train_counts": (15,) * 40,
                "validation_counts": (40,) * 40}
    )  # fmt: skip
    rows = tuple(row.model_copy(update={"confusion": ((1,) * 40,) * 40}) for row in report.rows)
    page = report_html(report.model_copy(update={"dataset": dataset, "rows": rows}), "/v1/artifacts/")
    assert page.count('class="matrix"') == 2 * 65
    assert len(page.encode()) < _MOST_BYTES


def test_a_report_without_recommendations_has_a_page(report: Report) -> None:
    """Such reports were stored by releases before recommendations."""
    added = {"recommendation", "costs", "provenance"}
    content = report.model_dump(mode="json", exclude=added)
    for row in content["rows"]:
        for name in ("right_images", "accuracy_low", "accuracy_high"):
            del row[name]
    old = Report.model_validate(content)
    page = report_html(old, "/v1/artifacts/")
    assert "Recommended for" not in page
    assert page.count("<tr><td>") >= 65
    assert CLASSES[0] in page


def test_the_page_explains_files_and_says_why_there_is_no_energy() -> None:
    """Sentences of each file, and the reason next to the device."""
    row = make_row("int8", explanations=("It multiplies in float32.",))
    without = row.surroundings.model_copy(update={"no_energy": "no RAPL counters", "instructions": ("avx2",)})
    shown = report_html(make_report(row.model_copy(update={"surroundings": without})), "/v1/artifacts/")
    assert "It multiplies in float32." in text_of(section(shown, "Why a file is not faster"))
    devices = text_of(section(shown, "Devices"))
    assert "Energy not measured: no RAPL counters" in devices
    assert "Instructions avx2" in devices
    assert "Why a file is not faster" not in report_html(make_report(make_row("int8")), "/v1/artifacts/")
