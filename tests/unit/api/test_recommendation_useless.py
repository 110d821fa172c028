"""Useless files are never recommended, and bad files do not change the order of the others."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_api.recommendation.recommending import recommend
from edgepress_common.answers.recommendation import DeviceRecommendation
from edgepress_common.answers.report import ReportRow
from edgepress_common.spec import Goals
from fakes.reports import make_report, make_row

BASELINES = make_report().baselines
CLASSES = ("rare", "common", "other")


def classified(*confusion: tuple[int, ...], pipeline: str = "base", **changes: Any) -> ReportRow:
    """A row with the figures of a confusion matrix."""
    right = sum(line[at] for at, line in enumerate(confusion))
    images = sum(map(sum, confusion))
    recalls = [line[at] / sum(line) for at, line in enumerate(confusion) if sum(line)]
    return make_row("int8", pipeline=pipeline, accuracy=right / images, images=images, confusion=confusion,
                    recall=sum(recalls) / len(recalls), **changes)  # fmt: skip


def recommended(*rows: ReportRow, **goals: object) -> DeviceRecommendation:
    """Return the recommendation for the only device."""
    (device,) = recommend(rows, BASELINES, Goals.model_validate(goals), classes=CLASSES).devices
    return device


def misses(device: DeviceRecommendation) -> dict[str, tuple[str, ...]]:
    """Return why each pipeline's file is not recommended, without the recommended files."""
    return {candidate.pipeline: candidate.misses for candidate in device.candidates if candidate.misses}


def test_one_answer_for_every_image_is_never_recommended() -> None:
    """The class is named. This holds at 88 % too, and where no other file is left."""
    constant = classified((0, 1, 0), (0, 15, 0), (0, 1, 0), pipeline="constant", p50=1, size_bytes=1000)
    device = recommended(constant, max_accuracy_drop=1)
    assert misses(device) == {"constant": ("answers “common” for every image",)}
    assert device.purposes == ()
    assert any("constant int8 answers “common” for every image. It is not" in caution for caution in device.cautions)
    good = classified((1, 0, 0), (0, 15, 0), (0, 0, 1), pipeline="good")
    assert {each.choice.pipeline for each in recommended(constant, good).purposes} == {"good"}


@pytest.mark.parametrize(
    ("confusion", "is_useless"),
    [
        (((34, 33, 33), (33, 34, 33), (33, 33, 34)), True),  # at chance
        (((0, 10, 0), (2, 96, 2), (0, 10, 0)), True),  # no better than the majority
        (((9, 1, 0), (15, 70, 15), (0, 1, 9)), False),  # less accurate than the majority, and yet better
        (((1, 0, 0), (0, 15, 0), (0, 0, 1)), False),  # few images, all right
        (((60, 20, 20), (20, 60, 20), (20, 20, 60)), False),
    ],
)
def test_a_file_is_useless_if_it_does_not_beat_chance_or_the_majority(
    confusion: tuple[tuple[int, ...], ...], *, is_useless: bool
) -> None:
    """Accuracy alone does not tell: balanced accuracy counts too."""
    found = misses(recommended(classified(*confusion)))
    assert bool(found) == is_useless
    if is_useless:
        assert "does not beat answering" in found["base"][0]


def test_a_loss_of_more_than_five_points_is_not_recommended_without_a_limit() -> None:
    """It is measured against the most accurate file; a limit of the goals replaces it; a loss by chance is none."""
    rows = [make_row("int8", pipeline=name, accuracy=accuracy, images=2000, p50=p50)
            for name, accuracy, p50 in (("best", 0.666, 9), ("student", 0.52, 2), ("poor", 0.47, 1))]  # fmt: skip
    assert misses(recommended(*rows)) == {
        "student": ("accuracy 14.60 points below best int8 (default limit 5.00 points)",),
        "poor": ("accuracy 19.60 points below best int8 (default limit 5.00 points)",),
    }
    assert {each.choice.pipeline for each in recommended(*rows).purposes} == {"best"}
    assert misses(recommended(*rows, max_accuracy_drop=0.15)).keys() == {"poor"}
    few = [row.model_copy(update={"images": 20}) for row in rows[:2]]
    assert misses(recommended(*few)) == {}


def test_a_class_that_no_file_recognises_is_told() -> None:
    """With the range over all files; one file that recognises it is enough to be silent."""
    poor = [
        classified((2, 38, 0), (0, 100, 0), (0, 5, 60), pipeline="a"),
        classified((6, 34, 0), (0, 100, 0), (0, 5, 60), pipeline="b"),
    ]
    said = "\n".join(recommended(*poor).cautions)
    assert "No file recognises “rare” reliably: 5.0 to 15.0 % of its 40 validation images are found." in said
    assert "“other” reliably" not in said
    better = classified((30, 10, 0), (0, 100, 0), (0, 5, 60), pipeline="c")
    assert "No file recognises" not in "\n".join(recommended(*poor, better).cautions)


def test_an_accuracy_of_the_frequent_classes_is_told() -> None:
    """With the balanced accuracy, and the classes that a file never answers."""
    said = "\n".join(recommended(classified((0, 10, 0), (0, 100, 0), (0, 2, 8))).cautions)
    assert "its balanced accuracy, each class weighing the same, is 60.00 %" in said
    assert "base int8 never answers “rare”." in said


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("min_balanced_accuracy", "balanced accuracy 60.00 % (at least 70.00 %)"),
        ("min_f1", "F1 55.00 % (at least 70.00 %)"),
        ("min_worst_class_recall", "recall of the worst class 10.00 % (at least 70.00 %)"),
    ],
)
def test_figures_by_class_are_goals(limit: str, words: str) -> None:
    """A file below the limit is not recommended, for that reason."""
    row = classified((1, 9, 0), (0, 100, 0), (0, 3, 7), f1=0.55, worst_class_recall=0.1)
    assert misses(recommended(row, **{limit: 0.7}))["base"] == (words,)


accuracies = st.floats(0.93, 0.97)
files = st.lists(
    st.tuples(accuracies, st.floats(5, 50), st.integers(10**6, 10**8), st.integers(10**6, 10**8)),
    min_size=2,
    max_size=6,
)
METHODS = st.sampled_from(["weighted_sum", "topsis", "ahp"])


def _ordered(rows: list[ReportRow], method: str) -> dict[str, int]:
    device = recommended(*rows, method=method)
    return {each.pipeline: each.standing.place for each in device.candidates if each.standing}


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(files, METHODS, st.floats(0.1, 0.9), st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_far_less_accurate_file_never_changes_the_order(
    measured: list[tuple[float, float, int, int]], method: str, worse: float, time: float, size: float
) -> None:
    """However fast or small it is."""
    rows = [make_row("int8", pipeline=f"p{at}", accuracy=a, p50=t, size_bytes=s, zip_bytes=z, images=5000)
            for at, (a, t, s, z) in enumerate(measured)]  # fmt: skip
    size_bytes = int(measured[0][2] * size) + 1
    bad = make_row("int8", pipeline="bad", accuracy=worse * 0.9, p50=measured[0][1] * time, size_bytes=size_bytes,
                   images=5000)  # fmt: skip
    assert _ordered([*rows, bad], method) == _ordered(rows, method)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(files, METHODS, st.floats(1.5, 100))
def test_a_file_that_is_worse_in_everything_never_changes_the_order(
    measured: list[tuple[float, float, int, int]], method: str, factor: float
) -> None:
    """Though it keeps the limit of accuracy, so that it is ranked."""
    rows = [make_row("int8", pipeline=f"p{at}", accuracy=a, p50=t, size_bytes=s, zip_bytes=z, images=5000)
            for at, (a, t, s, z) in enumerate(measured)]  # fmt: skip
    worst = [choose(each[at] for each in measured) for at, choose in enumerate((min, max, max, max))]
    bad = make_row("int8", pipeline="bad", accuracy=worst[0] - 0.01, p50=worst[1] * factor,
                   size_bytes=int(worst[2] * factor), zip_bytes=int(worst[3] * factor), images=5000)  # fmt: skip
    found = _ordered([*rows, bad], method)
    found.pop("bad", None)
    assert found == _ordered(rows, method)
