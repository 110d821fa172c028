"""Which file to ship: limits, ranking, purposes, fronts and stability over a report's rows."""

import base64
from typing import Any

import pytest

from edgepress_api.recommendation.recommending import recommend
from edgepress_common.answers.recommendation import Choice, DeviceRecommendation, PurposeName, Recommendation
from edgepress_common.answers.report import Baselines, ReportRow
from edgepress_common.spec import Goals
from fakes.paper_report import paper_report
from fakes.reports import make_report, make_row

BASELINES = make_report().baselines

# A float file, an int8 file, one that is small once zipped, and a student that is fast and less accurate.
BASE = make_row("float32", accuracy=0.945, images=1600, p50=70)
INT8 = make_row("int8", accuracy=0.94, images=1600, p50=30, size_bytes=11_200_000)
PCQAT = make_row("int8", pipeline="PCQAT", accuracy=0.941, images=1600, p50=30, size_bytes=11_200_000,
                 zip_bytes=2_500_000, method="prune + cluster + quantize_aware")  # fmt: skip
STUDENT = make_row("int8", pipeline="student", accuracy=0.90, images=1600, p50=12, size_bytes=2_300_000)
FILES = (BASE, INT8, PCQAT, STUDENT)


def recommended(*rows: ReportRow, baselines: Baselines = BASELINES, **goals: Any) -> DeviceRecommendation:
    """Return the recommendation for the only device."""
    (device,) = recommend(rows, baselines, Goals.model_validate(goals)).devices
    return device


def names(choices: tuple[Choice, ...]) -> list[str]:
    """Return the files in short form."""
    return [f"{choice.pipeline} {choice.export}" for choice in choices]


def chosen(device: DeviceRecommendation) -> dict[PurposeName, str]:
    """Return the file chosen for each purpose."""
    return {purpose.purpose: names((purpose.choice,))[0] for purpose in device.purposes}


def test_each_purpose_has_its_file() -> None:
    """The best all round is the first of the ranking."""
    assert chosen(recommended(*FILES)) == {
        "best_all_round": "PCQAT int8",
        "smallest_to_send": "student int8",
        "fastest_to_run": "student int8",
        "most_accurate": "base float32",
    }


def test_a_choice_that_is_clearly_less_accurate_has_an_alternative() -> None:
    """It is the first for the same purpose that is not; for the most accurate, the smallest of equal accuracy."""
    instead = {p.purpose: None if p.instead is None else names((p.instead,))[0] for p in recommended(*FILES).purposes}
    assert instead == {
        "best_all_round": None,
        "smallest_to_send": "PCQAT int8",
        "fastest_to_run": "PCQAT int8",
        "most_accurate": "PCQAT int8",
    }


def test_words_have_the_figures_in_them() -> None:
    """Each figure is given with the one that it is compared with."""
    words = {
        purpose.purpose: purpose.words.replace("\N{MULTIPLICATION SIGN}", "x")
        for purpose in recommended(*FILES).purposes
    }
    assert words["smallest_to_send"] == (
        "student int8: validation accuracy 90.00 % (95 % interval 88.4 to 91.4 %), latency 12.0 ms with 1 thread, "
        "size 2.30 MB, zipped size 2.07 MB. Compared with base float32: 4.50 points less accurate, 5.83x faster, "
        "19.4x smaller, 19.4x smaller zipped. It is significantly less accurate than base float32 (94.50 %); of the "
        "files that are not, PCQAT int8 is first: zipped size 2.50 MB, at 94.10 %."
    )
    assert "Among 4 files that keep the limits: 1st by weighted sum, 1st by TOPSIS, " in words["best_all_round"]
    assert "0.40 points less accurate (not statistically significant)" in words["best_all_round"]
    assert words["most_accurate"].endswith(
        "PCQAT int8 is smaller to send (2.50 MB); its accuracy, 94.10 %, is not significantly different on these "
        "1600 images."
    )


@pytest.mark.parametrize(
    ("goals", "missing", "words"),
    [
        ({"max_accuracy_drop": 0.01}, ["student int8"], "accuracy drop 4.50 points (limit 1.00 points)"),
        ({"max_latency_ms": 30}, ["base float32"], "latency 70.0 ms (limit 30.0 ms)"),
        ({"max_size_bytes": 11_200_000}, ["base float32"], "size 44.7 MB (limit 11.2 MB)"),
        ({"max_zip_bytes": 9_000_000}, ["base float32", "base int8"], "zipped size 40.2 MB (limit 9.00 MB)"),
    ],
)
def test_a_file_that_misses_a_limit_is_never_recommended(goals: dict[str, Any], missing: list[str], words: str) -> None:
    """It is listed last, with the limit that it misses; what just keeps it is not."""
    device = recommended(*FILES, **goals)
    out = [candidate for candidate in device.candidates if candidate.misses]
    assert names(tuple(out)) == missing
    assert list(device.candidates[-len(out) :]) == out
    assert out[0].misses == (words,)
    assert all(candidate.standing is None for candidate in out)
    assert not {*chosen(device).values()} & {*missing}
    assert all(not {*names(front.members)} & {*missing} for front in device.fronts)


def test_where_nothing_keeps_the_limits_nothing_is_recommended() -> None:
    """Each file still has the limits that it misses."""
    device = recommended(*FILES, max_latency_ms=1, max_size_bytes=1)
    assert (device.purposes, device.fronts, device.stability) == ((), (), None)
    assert [len(candidate.misses) for candidate in device.candidates] == [2, 2, 2, 2]
    assert device.candidates[0].misses == ("latency 70.0 ms (limit 1.00 ms)", "size 44.7 MB (limit 1 B)")


def test_a_drop_is_against_the_uncompressed_file_or_else_the_most_accurate() -> None:
    """Which is said."""
    better = make_row("int8", pipeline="QAT", accuracy=0.97, images=1600)
    assert names((recommended(better, *FILES).reference,)) == ["base float32"]
    nothing = Baselines(float32_tflite=None, keras_with_optimizer=None)
    found = recommended(better, *FILES, baselines=nothing, max_accuracy_drop=0.02)
    assert (names((found.reference,)), found.reference_accuracy) == (["QAT int8"], 0.97)
    assert [bool(candidate.misses) for candidate in found.candidates] == [False, True, True, True, True]


def test_a_drop_of_just_what_is_allowed_is_allowed() -> None:
    """However the difference is rounded."""
    rows = [make_row("float32", accuracy=0.945, images=1600), make_row("int8", accuracy=0.935, images=1600)]
    assert not any(candidate.misses for candidate in recommended(*rows, max_accuracy_drop=0.01).candidates)


def test_weights_change_the_order() -> None:
    """All on one criterion puts that one's best first."""
    nothing = dict.fromkeys(("accuracy", "latency", "size", "zip"), 0)
    firsts = [
        names(recommended(*FILES, weights=nothing | {name: 1}).candidates[:1])[0]
        for name in ("accuracy", "latency", "size", "zip")
    ]
    assert firsts == ["base float32", "student int8", "student int8", "student int8"]


def test_the_first_place_is_by_the_method_that_is_asked_for() -> None:
    """All three are shown; candidates come in the order of that one."""
    for method in ("weighted_sum", "topsis", "ahp"):
        device = recommended(*FILES, method=method)
        standings = [candidate.standing for candidate in device.candidates]
        totals = [standing.totals[method] for standing in standings if standing is not None]
        assert totals == sorted(totals, reverse=True)
        assert [standing.place for standing in standings if standing is not None] == [1, 2, 3, 4]
        assert names((device.purposes[0].choice,)) == names(device.candidates[:1])


def test_a_file_is_a_candidate_once_with_the_threads_it_is_fastest_with() -> None:
    """Which are told."""
    rows = [make_row("int8", p50=9, threads=1), make_row("int8", p50=4, threads=4), make_row("int8", p50=5, threads=2)]
    (candidate,) = recommended(*rows).candidates
    assert (candidate.threads, candidate.latency_ms) == (4, 4)


def test_each_device_has_its_own_recommendation() -> None:
    """Times on one device do not apply to another."""
    rows = [make_row("float32", p50=5), make_row("int8", p50=9), make_row("int8", device="pi4", p50=20)]
    found = recommend(rows, BASELINES, Goals())
    assert [(device.device, len(device.candidates)) for device in found.devices] == [("host", 2), ("pi4", 1)]
    assert recommend([], BASELINES, Goals()).devices == ()


def test_time_counts_in_nothing_on_an_emulated_device() -> None:
    """Limits, scores, fronts and purposes ignore it."""
    rows = [
        make_row("float32", p50=900, emulated=True, images=1600),
        make_row("int8", p50=1, size_bytes=11_000_000, emulated=True, images=1600),
    ]
    device = recommended(*rows, max_latency_ms=10)
    assert [candidate.misses for candidate in device.candidates] == [(), ()]
    assert [candidate.latency_ms for candidate in device.candidates] == [None, None]
    assert "fastest_to_run" not in chosen(device)
    assert [front.against for front in device.fronts] == ["size", "zip"]
    standing = device.candidates[0].standing
    assert standing is not None
    assert standing.scores.latency is None
    assert "ms" not in device.purposes[0].words
    assert any("emulated" in caution for caution in device.cautions)


def test_a_coded_size_is_told_and_does_not_count() -> None:
    """Standings are those without it."""
    rows = [each.model_copy(update={"coded_bytes": each.size_bytes // 2}) for each in FILES]
    found, without = recommended(*rows), recommended(*FILES)
    assert [each.standing for each in found.candidates] == [each.standing for each in without.candidates]
    assert [each.against for each in found.fronts] == ["latency", "size", "zip", "coded"]
    words = {each.purpose: each.words for each in found.purposes}["fastest_to_run"]
    assert "zipped size 2.07 MB, coded size 1.15 MB. Compared with" in words
    assert "19.4\N{MULTIPLICATION SIGN} smaller zipped, 19.4\N{MULTIPLICATION SIGN} smaller coded. It is" in words


def test_fronts_run_from_the_least_accurate_to_the_most() -> None:
    """A front has the undominated files, the knee, and its share of the space that the files span."""
    latency, size, zipped = recommended(*FILES).fronts
    assert names(latency.members) == ["student int8", "PCQAT int8", "base float32"]
    assert latency.knee is not None
    assert names((latency.knee,)) == ["PCQAT int8"]
    assert names(size.members) == names(zipped.members) == names(latency.members)
    # Scores: 1 - log10(latency / 12), and 1 - (0.945 - accuracy) / 0.05.
    student, pcqat, base = (1, 0.1), (0.60206, 0.92), (0.23408, 1)
    area = student[0] * student[1] + pcqat[0] * (pcqat[1] - student[1]) + base[0] * (base[1] - pcqat[1])
    assert latency.hypervolume == pytest.approx(area, abs=1e-4)


def test_stability_says_who_takes_over() -> None:
    """The weight is given beyond which that file leads; asked with a weight beyond it, it does."""
    stability = recommended(*FILES).stability
    assert stability is not None
    assert names((stability.first,)) == ["PCQAT int8"]
    bound = next(bound for bound in stability.bounds if bound.criterion == "accuracy")
    assert bound.below is not None
    assert bound.weight == pytest.approx(1 / 3)
    assert bound.low < bound.weight < bound.high
    beyond = bound.low - 0.01
    weights = {
        "accuracy": beyond,
        **{name: (1 - beyond) * w / 4 for name, w in (("latency", 2), ("size", 1), ("zip", 1))},
    }
    assert names(recommended(*FILES, weights=weights).candidates[:1]) == names((bound.below,))
    assert "With less than" in stability.words
    assert 0 < stability.share_of_weightings < 1


def test_a_single_file_is_first_for_any_weights() -> None:
    """No other file takes over."""
    stability = recommended(INT8).stability
    assert stability is not None
    assert (stability.share_of_weightings, stability.methods_agree) == (1, True)
    assert {(bound.low, bound.high) for bound in stability.bounds} == {(0, 1)}
    assert stability.words == "base int8 is first under 100 % of all possible weights. All three methods put it first."


def _right(wrong: set[int], count: int = 1600) -> str:
    number = int("".join("0" if at in wrong else "1" for at in range(count)), 2)
    return base64.b64encode(number.to_bytes((count + 7) // 8)).decode()


def test_a_paired_test_sees_what_intervals_do_not() -> None:
    """Twelve more of the same images wrong, and none right instead, are statistically significant."""
    few, many = {*range(80)}, {*range(92)}
    rows = [make_row("float32", accuracy=1520 / 1600, images=1600), make_row("int8", accuracy=1508 / 1600, images=1600)]
    unpaired = recommended(*rows).candidates
    paired = recommended(
        *[row.model_copy(update={"right_images": _right(wrong)}) for row, wrong in zip(rows, (few, many), strict=True)]
    ).candidates
    differences = [next(c.difference for c in found if c.export == "int8") for found in (unpaired, paired)]
    assert [(each.test, each.within_noise) for each in differences] == [("newcombe", True), ("mcnemar", False)]
    assert differences[1].p_value == pytest.approx(2 / 2**12)


def test_the_studys_whole_matrix_is_weighed() -> None:
    """65 files, in the report as JSON, which can be read again."""
    report = paper_report()
    assert report.recommendation is not None
    again = Recommendation.model_validate_json(report.recommendation.model_dump_json())
    assert again == report.recommendation
    (device,) = again.devices
    assert len(device.candidates) == 65
    assert sum(c.standing.share_of_weightings for c in device.candidates if c.standing) == pytest.approx(1)
