"""The test split in reports: shown with its name, and seen by no decision."""

import csv
import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from edgepress_api.bundle.card import model_card
from edgepress_api.comparison.comparing import compare_reports
from edgepress_api.database import StepRow
from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.page import report_html
from edgepress_api.report.table import report_csv
from edgepress_client.cli.comparison_view import comparison_parts
from edgepress_client.cli.recommendation_view import recommendation_parts
from edgepress_client.cli.report_view import report_table
from edgepress_client.cli.verdict import verdict
from edgepress_common.answers.recommendation import Choice, FinalAccuracy, Recommendation
from edgepress_common.answers.report import Report
from edgepress_common.figures.declared import FIGURES
from edgepress_common.results import EvaluationResult, PackResult, SplitResult, StepResult
from edgepress_common.significance import newcombe, wilson
from edgepress_common.spec import Goals
from fakes.extension_program import run_with_extensions
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.jobs import made_up_test, with_test_split
from fakes.pages import Page
from fakes.paper_report import CLASSES, paper_job, paper_report
from fakes.reported import map_results

IMAGES_PER_CLASS = 50


def split_result(seed: int) -> SplitResult:
    """Figures of a test split of 400 images in eight classes, as random labels would give them."""
    draw = random.Random(seed)
    confusion = tuple(
        tuple(IMAGES_PER_CLASS - wrong if at == label else wrong * (at == (label + 1) % 8) for at in range(8))
        for label in range(8)
        for wrong in [draw.randint(0, IMAGES_PER_CLASS)]
    )
    right = sum(confusion[at][at] for at in range(8))
    share = right / (8 * IMAGES_PER_CLASS)
    return SplitResult(
        images=8 * IMAGES_PER_CLASS, accuracy=share, precision=share, recall=share, f1=share, confusion=confusion
    )


def study(seed: int | None, *, measured: Callable[[str], bool] = lambda _: True) -> Report:
    """The study's report, with a test split whose labels are made up from a seed; None for no test split.

    Args:
        seed: The seed.
        measured: Whether a file is measured on the test split, by the title of the evaluation.
    """
    draw = random.Random(seed)

    def changed(title: str, result: StepResult) -> StepResult:
        if isinstance(result, PackResult):
            return result.model_copy(update={"test_counts": (IMAGES_PER_CLASS,) * 8})
        if isinstance(result, EvaluationResult):
            test = split_result(draw.randrange(2**32))
            return result.model_copy(update={"test": test if measured(title) else None})
        return result

    return paper_report(paper_job() if seed is None else map_results(paper_job(), changed))


def without_final(recommendation: Recommendation | None) -> dict[str, object]:
    """Everything that is decided: the recommendation but the figures of the test split."""
    assert recommendation is not None
    shown: dict[str, object] = {
        "devices": {"__all__": {"test_images": True, "purposes": {"__all__": {"final"}},
                                "candidates": {"__all__": {"final"}}}}
    }  # fmt: skip
    return recommendation.model_dump(exclude=shown)  # type: ignore[arg-type]  # pydantic's nested form


def printed(parts: Sequence[RenderableType], width: int = 100) -> str:
    """Return what a terminal shows, with single spaces."""
    console = Console(file=io.StringIO(), width=width, record=True)
    for part in parts:
        console.print(part)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    return " ".join(text.split())


def test_no_decision_depends_on_the_test_labels() -> None:
    """Other test labels leave every place, score, limit, front, reason, caveat and ratio as it is, bit for bit."""
    none, one, other = study(None), study(1), study(2)
    for goals in (Goals(), Goals(max_accuracy_drop=0.01), Goals(max_latency_ms=45, method="topsis")):
        decided = [without_final(recommend(each.rows, each.baselines, goals)) for each in (none, one, other)]
        assert decided[0] == decided[1] == decided[2]
    tests = {name for name, figure in FIGURES.items() if figure.split == "test"} | {"test_confusion"}
    rows = [[row.model_dump(exclude=tests) for row in each.rows] for each in (none, one, other)]
    assert rows[0] == rows[1] == rows[2]
    assert [row.test_accuracy for row in one.rows] != [row.test_accuracy for row in other.rows]
    assert one.recommendation != other.recommendation


LEAK = """
from edgepress_common.figures.figure import Derived, Figure, Goal
LEAK = Figure(name="leak", title="t", head="h", unit="share", description="d", direction="higher",
              source=Derived(lambda of: None if of.evaluation.test is None else of.evaluation.test.accuracy, "test"),
              goal=Goal(criterion="leak", field="leak", title="leak", most=1, scale="share"))
"""
READ_LEAK = """
from unit.api.test_report_test_split import study
row = study(1).rows[0]
print(row.leak, row.test_accuracy is not None)
"""


@pytest.mark.slow
def test_a_criterion_of_an_extension_can_not_be_computed_from_the_test_split(tmp_path: Path) -> None:
    """It is unknown, although the row has test figures."""
    done = run_with_extensions(READ_LEAK, {"figures/leak.py": LEAK}, tmp_path)
    assert done.stdout == "None True\n", done.stderr


def test_the_recommendation_shows_the_test_figures_of_what_it_chose() -> None:
    """They change with the test labels; each is that of the file's row, with its interval, in words."""
    for report in (study(1), study(2)):
        assert report.recommendation is not None
        (device,) = report.recommendation.devices
        rows = {(row.pipeline, row.export): row for row in report.rows}
        assert device.test_images == 400
        shown: list[tuple[Choice, FinalAccuracy | None]] = [(each, each.final) for each in device.candidates]
        shown += [(each.choice, each.final) for each in device.purposes]
        for file, final in shown:
            row = rows[file.pipeline, file.export]
            assert final is not None
            assert row.test_accuracy is not None
            interval = wilson(row.test_accuracy, 400)
            assert (final.images, final.accuracy) == (400, row.test_accuracy)
            assert (final.low, final.high) == (interval.low, interval.high)
            assert final.words == (
                f"{100 * row.test_accuracy:.1f} % on 400 test images that no decision has seen "
                f"(95 % interval {100 * interval.low:.1f} to {100 * interval.high:.1f} %)"
            )


def test_a_row_has_its_test_figures() -> None:
    """Figures of both splits come from the evaluation."""
    gateway_result = split_result(5)
    report = paper_report(
        map_results(
            paper_job(),
            lambda _, result: (
                result.model_copy(update={"test": gateway_result}) if isinstance(result, EvaluationResult) else result
            ),
        )
    )
    row = report.rows[0]
    assert (row.accuracy, row.images) == (0.945, 1600)
    assert (row.test_accuracy, row.test_images) == (gateway_result.accuracy, 400)
    assert row.test_confusion == gateway_result.confusion
    line = next(csv.DictReader(io.StringIO(report_csv(report))))
    assert (float(line["accuracy"]), float(line["test_accuracy"])) == (0.945, gateway_result.accuracy)
    assert int(line["test_images"]) == 400


@pytest.mark.slow
def test_the_page_names_the_split_of_each_accuracy() -> None:
    """The headline of a choice is its test accuracy; matrices and metrics by class are shown for both splits."""
    report = study(1)
    assert report.recommendation is not None
    page = Page(report_html(report, ""))
    text = " ".join(page.text.split())
    for purpose in report.recommendation.devices[0].purposes:
        assert purpose.final is not None
        assert f"{purpose.final.words} Why this file {purpose.words}" in text
    assert "under “Validation” are over 1600 validation images, by which files are ranked and recommended;" in text
    assert "those under “Test” are over 400 test images, which no decision has seen. “All images”" in text
    assert "of 1600 validation images Class" not in text
    assert f"float32 on pi4, 94.50 % of 1600 validation images {CLASSES[0]}" in text
    accuracy = report.rows[0].test_accuracy
    assert accuracy is not None
    assert f"float32 on pi4, {100 * accuracy:.2f} % of 400 test images {CLASSES[0]}" in text
    assert "float32 on pi4, validation images Class" in text
    assert "float32 on pi4, test images Class" in text
    plain = " ".join(Page(report_html(study(None), "")).text.split())
    assert "over 1600 validation images; the data set has no test split" in plain
    assert "test images" not in plain.replace("validation or test images", "")


def test_what_an_older_evaluator_did_not_measure_is_said() -> None:
    """In the page, the terminal and the card; files that were measured keep their figures."""
    report = study(1, measured=lambda title: title.startswith("int8"))
    text = " ".join(Page(report_html(report, "")).text.split())
    assert "float32 94.50 % 94.40 % not measured not measured" in text
    assert "which no decision has seen (“not measured”: by an evaluator of an earlier version)." in text
    assert "-: not measured, by an older evaluator." in printed([report_table(report, 100)])
    row = next(row for row in report.rows if row.export == "float32")
    assert "Its accuracy on the test images was not measured." in model_card(report, [row])
    none = study(1, measured=lambda _: False)
    assert none.recommendation == study(None).recommendation
    assert "not measured" in Page(report_html(none, "")).text


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_terminal_names_the_split_of_each_accuracy(width: int) -> None:
    """A column for each split, with notes; none for a data set without a test split."""
    report, plain = study(1), study(None)
    row = report.rows[0]
    assert row.test_accuracy is not None
    text = printed([report_table(report, width)], width)
    assert "acc, total: over 1600 validation images." in text
    assert "test: accuracy over 400 test images, which no decision has seen." in text
    assert f"94.50 {100 * row.test_accuracy:.2f} " in text
    assert " test " not in printed([report_table(plain, width)], width)
    assert report.recommendation is not None
    recommended = printed([*recommendation_parts(report.recommendation, 5)], width)
    (device,) = report.recommendation.devices
    assert device.purposes[0].final is not None
    name = f"{device.purposes[0].choice.pipeline} {device.purposes[0].choice.export}"
    assert f"Best all-round {name}: {device.purposes[0].final.words}. {name}: validation accuracy" in recommended
    assert "test: on 400 other images, which no decision has seen" in recommended
    assert "On 400 test images, which no decision has seen: " in " ".join(verdict(report))
    assert "test images" not in " ".join(verdict(plain))


def test_a_card_leads_with_the_test_accuracy() -> None:
    """With the interval; the classes are those of the test images, and the provenance counts all three splits."""
    report = study(1)
    row = report.rows[0]
    assert row.test_accuracy is not None
    card = model_card(report, [row])
    first = f"Accuracy {100 * row.test_accuracy:.2f} % of 400 test images, which no decision has seen; 95 % interval"
    second = "Accuracy 94.50 % of 1600 validation images, none of which it was trained on, and by which it was chosen;"
    assert 0 < card.index(first) < card.index(second)
    assert "By class, on the test images:" in card
    assert f"| {CLASSES[0]} | {IMAGES_PER_CLASS} |" in card
    assert "4800 images to train, 1600 to validate and 400 to test" in card


def test_jobs_are_compared_on_both_splits() -> None:
    """Test accuracies have intervals, and differences are tested; jobs without a test split have none."""
    one, other, plain = study(1), study(2), study(None)
    found = compare_reports([one, other, plain])
    first, second, third = found.rows[0].jobs
    assert first is not None
    assert second is not None
    assert third is not None
    assert second.change is not None
    assert first.test_accuracy is not None
    assert second.test_accuracy is not None
    assert second.change.accuracy_points == 0
    assert second.change.test_points == pytest.approx(second.test_accuracy - first.test_accuracy)
    difference = newcombe(first.test_accuracy, 400, second.test_accuracy, 400)
    assert second.change.test_within_noise is (difference.low <= 0 <= difference.high)
    interval = wilson(first.test_accuracy, 400)
    assert (first.test_accuracy_low, first.test_accuracy_high) == (interval.low, interval.high)
    assert third.change is not None
    assert (third.test_accuracy, third.change.test_points, third.change.test_within_noise) == (None, None, None)
    text = printed([*comparison_parts(found, 100)], 100)
    assert f"94.50 {100 * first.test_accuracy:.2f} " in text
    assert "acc: on the validation images. test: on the test images." in text
    assert "test" not in printed([*comparison_parts(compare_reports([plain, plain]), 80)], 80)


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway whose data sets have a test split."""
    gateway = sqlite_gateway(tmp_path)
    gateway.workforce.change = with_test_split
    return gateway


def test_the_api_reports_both_splits(gateway: GatewayApp) -> None:
    """Counts of three splits, figures and matrices of two, and the recommendation with its final figures."""
    job_id = gateway.finished_job()
    report = gateway.client.get(f"/v1/jobs/{job_id}/report").json()
    dataset = report["dataset"]
    assert [dataset[f"{split}_counts"] for split in ("train", "validation", "test")] == [[8, 8], [2, 2], [3, 3]]
    row = report["rows"][0]
    assert (row["accuracy"], row["images"], row["confusion"]) == (0.75, 4, [[2, 0], [1, 1]])
    assert (row["test_accuracy"], row["test_images"], row["test_confusion"]) == (4 / 6, 6, [[3, 0], [2, 1]])
    (device,) = gateway.client.get(f"/v1/jobs/{job_id}/recommendation").json()["devices"]
    assert device["test_images"] == 6
    assert {purpose["final"]["accuracy"] for purpose in device["purposes"]} == {4 / 6}


def test_a_result_of_before_the_test_split_was_measured_still_gives_its_report(gateway: GatewayApp) -> None:
    """The pack has a test split, but the evaluation no field for it: the row is as it was, and not measured there."""
    job_id = gateway.finished_job()
    before = Report.model_validate(gateway.client.get(f"/v1/jobs/{job_id}/report").json())
    with gateway.database.write() as session:
        for row in session.query(StepRow).filter(StepRow.kind == "evaluation"):
            assert isinstance(row.result, EvaluationResult)
            assert row.result.test == made_up_test()
            stored = row.result.model_dump(mode="json", exclude={"test"})
            row.result = EvaluationResult.model_validate(stored)
    for form in ("json", "csv", "html"):
        assert gateway.client.get(f"/v1/jobs/{job_id}/report?format={form}").status_code == 200, form
    after = Report.model_validate(gateway.client.get(f"/v1/jobs/{job_id}/report").json())
    assert {row.test_accuracy for row in after.rows} == {None}
    assert without_final(after.recommendation) == without_final(before.recommendation)
    assert [row.accuracy for row in after.rows] == [row.accuracy for row in before.rows]
