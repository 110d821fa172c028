"""The pictures of a report, as figures."""

import pytest

from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.charts.curves import student_chart
from edgepress_api.report.charts.files import COLOURS, MARKS, device_files, method_colours
from edgepress_api.report.charts.final_comparison import final_comparison
from edgepress_api.report.charts.latency_spread import latency_spreads
from edgepress_api.report.charts.picture import Picture, picture
from edgepress_api.report.charts.scales import linear_scale, log_scale, plain_number
from edgepress_api.report.charts.trade_off import trade_offs
from edgepress_api.report.class_metrics import class_metrics
from edgepress_common.answers.charts import Chart, ChartPoint
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.declared import FIGURES
from edgepress_common.spec import Goals
from fakes.paper_report import paper_report
from fakes.reports import make_report, make_row

BASE = make_row("float32", accuracy=0.95, p50=70, images=1600)
INT8 = make_row("int8", accuracy=0.94, p50=30, size_bytes=11_200_000, images=1600)
STUDENT = make_row(
    "int8", pipeline="student", method="distill", accuracy=0.90, p50=12, size_bytes=2_300_000, images=1600
)


def drawings(*rows: ReportRow, **goals: object) -> tuple[Chart, ...]:
    """The trade-offs of one device."""
    report = make_report(*rows)
    (files,) = device_files(report)
    (device,) = recommend(rows, report.baselines, Goals.model_validate(goals)).devices
    return trade_offs(files, device, rows)


def points_of(chart: Chart) -> list[ChartPoint]:
    """The files of a chart, by row or as they are listed."""
    found = [point for series in chart.series if series.kind != "steps" for point in series.points]
    return sorted(found, key=lambda point: point.y) if chart.y.rows else found


def texts_of(picture_: Picture) -> list[str]:
    """The labels that a picture has."""
    return [mark.label for drawing in picture_.drawings for mark in drawing.marks if mark.label]


@pytest.mark.parametrize(
    ("values", "ends", "ticks"),
    [
        ([0.2, 0.93], (0.2, 1.0), [0.2, 0.4, 0.6, 0.8, 1.0]),
        ([88.1, 95.3], (88, 96), [88, 90, 92, 94, 96]),
        ([5, 5], (5, 5.000001), [5, 5.000001]),
    ],
)
def test_a_plain_axis_runs_between_round_values(
    values: list[float], ends: tuple[float, float], ticks: list[float]
) -> None:
    """Around all that is drawn."""
    scale, found = linear_scale(values, 100)
    assert (scale.low, scale.high) == pytest.approx(ends, abs=5e-6)
    assert found[: len(ticks)] == pytest.approx(ticks, abs=5e-6)
    assert (scale.at(scale.low), scale.at(scale.high), scale.at(1e9)) == (0, 100, 100)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([13, 486], [10, 20, 50, 100, 200, 500]),
        ([3, 3], [2, 5]),
        ([5, 5], [5, 10]),
        ([0.01, 900_000], [10.0**power for power in range(-2, 7)]),
    ],
)
def test_an_axis_of_ratios_runs_between_ones_twos_and_fives(values: list[float], ticks: list[float]) -> None:
    """Equal ratios are equal distances; where there would be too many ticks, powers of ten are left."""
    scale, found = log_scale(values, 100)
    assert found == pytest.approx(ticks)
    assert scale.low <= min(values) <= max(values) <= scale.high
    assert scale.at((scale.low * scale.high) ** 0.5) == pytest.approx(50)


def test_numbers_of_an_axis_have_no_digits_too_many() -> None:
    """This holds for values of any size."""
    assert [plain_number(value) for value in (0.1 + 0.2, 20.0, 5000, 2e6)] == ["0.3", "20", "5000", "2e+06"]


def test_each_method_has_one_colour() -> None:
    """Colours are in the order of the report; the ten methods of the study have different ones."""
    colours = method_colours(paper_report().rows)
    assert list(colours)[:3] == ["base", "prune", "cluster"]
    assert list(colours.values()) == [f"m{at}" for at in range(10)]
    assert len(colours) == COLOURS
    assert len(set(MARKS.values())) == 5


def test_the_final_comparison_has_a_chart_for_each_criterion_and_the_total_time() -> None:
    """A row across is a file, with its accuracy's interval."""
    report = paper_report()
    (files,) = device_files(report)
    charts = final_comparison(files, report.rows)
    assert [chart.title for chart in charts] == [
        "Accuracy, %", "Latency, ms", "Size, MB", "Zipped size, MB", "All images, s"
    ]  # fmt: skip
    assert [len(points_of(chart)) for chart in charts] == [65] * 5
    assert {chart.y.rows for chart in charts} == {charts[0].y.rows}
    assert [chart.y.is_labelled for chart in charts] == [True, False, False, False, False]
    for point in points_of(charts[0]):
        assert point.spread is not None
        assert point.spread.low < point.x < point.spread.high


def test_coded_sizes_are_drawn_like_zipped_ones() -> None:
    """They have a chart and a trade-off, although they do not count by default; not where a file has none."""
    rows = [each.model_copy(update={"coded_bytes": each.size_bytes // 2}) for each in (BASE, INT8, STUDENT)]
    (files,) = device_files(make_report(*rows))
    charts = {chart.title: chart for chart in final_comparison(files, rows)}
    assert [point.label for point in points_of(charts["Coded size, MB"])] == ["22.4 MB", "5.60 MB", "1.15 MB"]
    by_title = {each.title: each for each in drawings(*rows)}
    fronts = [len(by_title[f"Accuracy against {name}"].series[0].points) for name in ("size", "coded size")]
    assert fronts == [3, 3]
    assert "coded size 5.60 MB" in points_of(by_title["Accuracy against coded size"])[1].words
    assert [each.title for each in drawings(*rows[:2], STUDENT)] == [
        f"Accuracy against {name}" for name in ("latency", "size", "zipped size")
    ]


def test_the_keras_model_is_a_row_before_the_files_of_its_pipeline() -> None:
    """It has an accuracy and sizes, and no times."""
    report = paper_report()
    (files,) = device_files(report)
    accuracies = {each.pipeline: each.keras_accuracy for each in report.accuracy_by_export}
    accuracy, latency, size, *_ = final_comparison(files, report.rows, accuracies)
    assert accuracy.y.rows[:7] == (
        "base Keras", "base float32", "base float16", "base dynamic", "base int16x8", "base int8", "PR constant Keras"
    )  # fmt: skip
    assert len(accuracy.y.rows) == 13 * 6
    assert points_of(accuracy)[0].words.startswith(f"base Keras: {100 * accuracies['base']:.2f} %")
    assert points_of(latency)[0].y == 1
    assert points_of(size)[0].label == FIGURES["size_bytes"].text(report.rows[0].keras_bytes)


def test_the_student_is_drawn_with_its_teacher_and_alone() -> None:
    """Figure 17 of the study; a job without a distillation has no such chart."""
    trainings = paper_report().trainings
    chart = student_chart(trainings)
    assert chart is not None
    assert [line.name for line in chart.series] == ["student", "teacher", "alone"]
    assert student_chart([each for each in trainings if each.stage != "distill"]) is None


def test_a_bar_is_as_long_as_its_value_unless_it_is_cut() -> None:
    """One that is more than four times the median would leave nothing of the others."""
    rows = [make_row("float32", p50=40), make_row("dynamic", p50=20), make_row("int8", p50=10),
            make_row("int16x8", p50=900)]  # fmt: skip
    (files,) = device_files(make_report(*rows))
    latency = final_comparison(files, rows)[1]
    assert [point.x for point in points_of(latency)] == [40, 20, 10, 40]
    assert latency.x.ends == (0, 40)
    assert [point.label for point in points_of(latency)] == ["40.0 ms", "20.0 ms", "10.0 ms", "→ 900 ms"]
    drawn = picture(latency)
    assert [mark.x for mark in drawn.drawings[0].marks] == [drawn.width, drawn.width / 2, drawn.width / 4, drawn.width]


def test_an_emulated_device_has_no_times_drawn() -> None:
    """Anywhere."""
    rows = [make_row("float32", emulated=True), make_row("int8", emulated=True)]
    (files,) = device_files(make_report(*rows))
    assert [chart.title for chart in final_comparison(files, rows)] == ["Accuracy, %", "Size, MB", "Zipped size, MB"]
    assert latency_spreads(rows) == ()
    assert [drawing.title for drawing in drawings(*rows)] == ["Accuracy against size", "Accuracy against zipped size"]


def test_a_trade_off_has_every_file_the_front_and_the_knee() -> None:
    """The front begins with the least accurate file; its picture is a staircase."""
    time, *_ = drawings(BASE, INT8, STUDENT)
    assert (time.title, time.x.title, time.x.is_log) == ("Accuracy against latency", "median latency, ms", True)
    assert points_of(time)[2].words == (
        "student int8: accuracy 90.00 %, latency 12.0 ms, size 2.30 MB, zipped size 2.07 MB"
    )
    front = time.series[0]
    assert [(point.x, point.y) for point in front.points] == [(12, 90), (30, 94), (70, 95)]
    assert [point.label for point in points_of(time) if point.is_ringed] == ["base int8"]
    drawn = picture(time)
    corners = [tuple(map(float, corner.split(","))) for corner in drawn.drawings[0].line.split()]
    (x0, y0), (x1, y1), (x2, y2) = ((mark.x, mark.y) for mark in drawn.drawings[0].marks)
    assert x0 < x1 < x2
    assert drawn.height >= y0 > y1 > y2 >= 0
    expected = [(x0, y0), (x1, y0), (x1, y1), (x2, y1), (x2, y2)]
    assert [value for corner in corners for value in corner] == pytest.approx(
        [value for corner in expected for value in corner], abs=0.06
    )


def test_what_misses_a_limit_is_drawn_apart() -> None:
    """It is not on the front."""
    time, *_ = drawings(BASE, INT8, STUDENT, max_accuracy_drop=0.02)
    assert [point.is_faint for point in points_of(time)] == [False, False, True]
    assert [point.label for point in points_of(time)] == ["base float32", "base int8", ""]


def test_labels_of_a_picture_do_not_cover_each_other() -> None:
    """If two files are in nearly the same place, one is named."""
    near = make_row("int8", pipeline="QAT", accuracy=0.9401, p50=31.6, size_bytes=11_200_000, images=1600)
    time, *_ = drawings(BASE, INT8, near, STUDENT)
    assert [point.label for point in points_of(time)] == ["base float32", "base int8", "QAT int8", "student int8"]
    assert texts_of(picture(time)) == ["base float32", "base int8", "student int8"]


def test_percentiles_lie_in_their_order() -> None:
    """A row for each measurement, with the threads where they differ."""
    (chart,) = latency_spreads([make_row("int8", threads=1), make_row("int8", threads=4, p50=2)])
    assert chart.y.rows == ("base int8, 1 threads", "base int8, 4 threads")
    for point in points_of(chart):
        assert point.spread is not None
        assert point.spread.box is not None
        assert point.spread.tick is not None
        assert point.spread.low <= point.x == point.spread.box[0] < point.spread.box[1] < point.spread.tick
        assert point.spread.tick < point.spread.high
    assert points_of(chart)[1].words == (
        "base int8, 4 threads: 2.00 ms to 4.00 ms, median 2.00 ms, 90 % below 2.20 ms, 99 % below 2.60 ms; "
        "50 inferences"
    )


def test_classes_are_told_apart_one_by_one() -> None:
    """A matrix calculated by hand gives these; a class that is neither present nor predicted has no figures."""
    row = make_row("int8").model_copy(update={"confusion": ((8, 2, 0, 0), (1, 6, 3, 0), (0, 0, 0, 0), (0, 0, 0, 0))})
    cat, dog, cow, hen = class_metrics(row.confusion, ("cat", "dog", "cow", "hen"))
    assert (cat.images, cat.precision, cat.recall, cat.f1) == (10, 8 / 9, 0.8, 16 / 19)
    assert (cat.taken_for, cat.taken_count) == ("dog", 2)
    assert (dog.precision, dog.recall, dog.taken_for) == (6 / 8, 0.6, "cow")
    assert (cow.images, cow.precision, cow.recall, cow.f1, cow.taken_for) == (0, 0, 0, 0, None)
    assert (hen.precision, hen.f1) == (0, 0)
