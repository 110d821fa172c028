"""Mean and spread over seeds, and statements about methods instead of one training."""

from statistics import fmean, stdev
from typing import Any

import pytest

from edgepress_api.recommendation.candidates import representatives
from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.over_seeds import find_repeats, with_seeds
from edgepress_api.report.page import report_html
from edgepress_common.answers.recommendation import DeviceRecommendation
from edgepress_common.answers.report import ReportRow
from edgepress_common.repeats import Repetition
from edgepress_common.significance import paired_t
from edgepress_common.spec import Goals
from fakes.reports import make_report, make_row

BASELINES = make_report().baselines
BASE = (0.90, 0.93, 0.96)
PRUNED = (0.89, 0.921, 0.949)


def repeated(pipeline: str, accuracies: tuple[float, ...], **changes: Any) -> list[ReportRow]:
    """Rows of a pipeline with seeds 0, 1, 2 ..."""
    return [
        make_row("float32", pipeline=Repetition(pipeline, seed or None).name, accuracy=accuracy, spec_pipeline=pipeline,
                 seed=seed, images=1000, **changes)
        for seed, accuracy in enumerate(accuracies)
    ]  # fmt: skip


ROWS = with_seeds([*repeated("base", BASE), *repeated("pruned", PRUNED, size_bytes=9_000_000, p50=4.0)])


def recommended(rows: tuple[ReportRow, ...]) -> DeviceRecommendation:
    """Return the recommendation for the only device."""
    (device,) = recommend(rows, BASELINES, Goals()).devices
    return device


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        # By scipy.stats.ttest_1samp.
        ([0.01, 0.02], 0.20483276469913345),
        ([0.010, 0.009, 0.011], 0.003316758722356861),
        ([0.1, -0.2, 0.3, 0.05], 0.5862251193550214),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.013235599563682695),
        ([2.0, -1.0, 0.5, 3.0, 1.0, 0.2, 0.1], 0.14847443723643244),
    ],
)
def test_the_paired_t_test_gives_what_other_programs_give(differences: list[float], expected: float) -> None:
    """For odd and even degrees of freedom, and for both directions."""
    assert paired_t(differences, 0) == pytest.approx(expected, rel=1e-9)
    assert paired_t([-each for each in differences], 0) == pytest.approx(expected, rel=1e-9)


def test_equal_differences_are_not_taken_for_exact() -> None:
    """One image more in both of two seeds proves nothing."""
    assert paired_t([0.001, 0.001], 0.001) > 0.05
    assert paired_t([0.0, 0.0], 0.001) == 1


def test_rows_have_mean_and_spread() -> None:
    """The same in each row of an export; a job with one seed has none."""
    for row in ROWS[:3]:
        assert row.over_seeds is not None
        assert row.over_seeds.seeds == 3
        assert row.over_seeds.accuracy == dict(enumerate(BASE))
        assert row.over_seeds.accuracy_mean == pytest.approx(fmean(BASE))
        assert row.over_seeds.accuracy_std == pytest.approx(stdev(BASE))
    assert [row.over_seeds for row in with_seeds(repeated("base", (0.9,)))] == [None]
    assert find_repeats(with_seeds(repeated("base", (0.9,))), BASELINES.float32_tflite) == ()


def test_a_method_is_compared_with_the_baseline_seed_by_seed() -> None:
    """The seeds differ by 6 points, the methods by one in each: that is significant only if it is paired."""
    base, pruned = find_repeats(ROWS, BASELINES.float32_tflite)
    assert base.against is None
    assert pruned.against == "base float32"
    assert pruned.points_mean == pytest.approx(-0.01)
    assert pruned.p_value is not None
    assert pruned.p_value < 0.05
    assert pruned.words == (
        "pruned float32 over 3 seeds: validation accuracy 92.00 % \N{PLUS-MINUS SIGN} 2.95 %, median latency 4.00 ms "
        "\N{PLUS-MINUS SIGN} 0.00 ms (mean and standard deviation); 1.00 points less than base float32 with the same "
        f"seeds, standard deviation 0.10 points: a significant difference between the methods (paired t-test over 3 "
        f"seeds, p = {pruned.p_value:.2g})."
    )
    mixed = with_seeds([*repeated("base", BASE), *repeated("other", (0.95, 0.92, 0.90))])
    assert "no significant difference between the methods" in find_repeats(mixed, BASELINES.float32_tflite)[1].words


def test_one_training_of_the_same_files_says_nothing_about_methods() -> None:
    """With one seed each statement is about files, and the caution says so."""
    one = recommended(with_seeds([*repeated("base", BASE[:1]), *repeated("pruned", PRUNED[:1])]))
    assert {each.difference.about for each in one.candidates} == {"files"}
    assert "not about the methods" in one.cautions[0]
    several = recommended(ROWS)
    assert {each.difference.about for each in several.candidates} == {"methods"}
    assert {each.difference.test for each in several.candidates} == {"paired_t"}
    assert "compared by the paired t-test over 3 seeds" in several.cautions[0]


def test_the_file_with_the_median_accuracy_is_recommended_by_the_mean() -> None:
    """A lucky seed does not make a method better."""
    assert [row.pipeline for row in representatives(ROWS)] == ["base, seed 1", "pruned, seed 1"]
    device = recommended(ROWS)
    pruned = next(each for each in device.candidates if each.pipeline == "pruned, seed 1")
    assert pruned.seeds == 3
    assert pruned.accuracy_mean == pytest.approx(fmean(PRUNED))
    words = device.purposes[0].words
    assert "accuracy 92.00 % \N{PLUS-MINUS SIGN} 2.95 % over 3 seeds, 92.10 % in this file" in words
    assert "1.00 points less accurate on average over seeds" in words
    lucky = with_seeds([*repeated("base", BASE), *repeated("lucky", (0.88, 0.88, 0.99))])
    best = next(each for each in recommended(lucky).purposes if each.purpose == "most_accurate")
    assert best.choice.pipeline == "base, seed 1"


def test_the_page_has_the_spread_only_with_several_seeds() -> None:
    """There is a table of methods, and columns in the comparison."""
    report = make_report(*ROWS).model_copy(update={"repeats": find_repeats(ROWS, BASELINES.float32_tflite)})
    page = report_html(report, "/")
    assert "Over seeds" in page
    assert "a significant difference between the methods" in page
    assert "Over seeds" not in report_html(make_report(make_row("int8")), "/")
