"""The report of the study's whole matrix: thirteen pipelines by five exports."""

import csv
import io
import re
from collections import Counter

import pytest

from edgepress_api.report.page import report_html
from edgepress_api.report.table import report_csv
from edgepress_common.answers.report import Report
from edgepress_common.spec.presets import PRESETS
from fakes.pages import Page
from fakes.paper_report import paper_job, paper_report, with_broken_promise

BROKEN = "stage3_unit1_conv2 has 31 different values where 16 were promised"


@pytest.fixture(scope="module")
def report() -> Report:
    """All done."""
    return paper_report()


@pytest.fixture(scope="module")
def text(report: Report) -> str:
    """Return the text of a report's page, with single spaces."""
    return said(report)


def said(report: Report) -> str:
    """Return the text of a report's page, with single spaces, between cells too."""
    page = re.sub("</t[dh]>", r"\g<0> ", report_html(report, "/v1/artifacts/"))
    return " ".join(Page(page).text.split())


def section(text: str, title: str, end: str) -> str:
    """Return the text between two headings, with the multiplication sign as a letter."""
    text = text.replace("\N{MULTIPLICATION SIGN}", "x")
    return text.partition(title)[2].partition(end)[0]


def test_every_row_of_the_final_comparison_is_there(report: Report) -> None:
    """Each pipeline has each export: accuracy, time over the whole set, size and zipped size."""
    assert [(row.pipeline, row.export) for row in report.rows] == [
        (pipeline.name, export.kind) for pipeline in PRESETS["paper"] for export in pipeline.exports
    ]
    assert len(report.rows) == 65
    assert all(row.total_seconds and row.accuracy and row.size_bytes and row.zip_bytes for row in report.rows)
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_rows_are_named_by_what_was_done(report: Report) -> None:
    """The names are unique: no two pipelines have the same stages."""
    methods = {row.pipeline: row.method for row in report.rows}
    assert methods == {
        "base": "base",
        "PR constant": "prune",
        "PR": "prune",
        "CL KPP 32": "cluster",
        "CL LIN 32": "cluster",
        "CL KPP 256": "cluster",
        "PR CL": "prune + cluster",
        "QAT": "quantize_aware",
        "PQAT": "prune + quantize_aware",
        "CQAT": "cluster + quantize_aware",
        "PCQAT": "prune + cluster + quantize_aware",
        "distillation": "distill",
        "student alone": "train",
    }
    assert len({row.stages for row in report.rows}) == len(methods)


def test_the_page_has_a_group_for_each_pipeline(text: str) -> None:
    """The group describes its stages."""
    comparison = section(text, "Comparison", "Accuracy by export")
    places = [comparison.index(f" {pipeline.name} ") for pipeline in PRESETS["paper"]]
    assert places == sorted(places)
    assert (
        "PCQAT prune + cluster + quantize_aware: train resnet18, 11 epochs; prune to 50 % (polynomial), 4 epochs; "
        "cluster to 16 values (kmeans_plus_plus), zeros kept, 4 epochs; "
        "quantize_aware, zeros and shared values kept, 4 epochs"
    ) in comparison
    assert "Measured on pi4, threads: 4." in comparison


def test_the_page_has_a_row_for_each_file_with_all_its_sizes(report: Report) -> None:
    """Dense and sparse sizes are shown, the unused one in grey; and the ratios of size, unpacked and zipped."""
    page = report_html(report, "/v1/artifacts/")
    comparison = section(page, "<h2>Comparison</h2>", "</section>")
    assert comparison.count("<tr><td>") == len(report.rows)
    cells = re.findall(r"<td[^>]*>.*?</td>", section(comparison, ">PR ", 'class="group"'), re.DOTALL)
    assert cells[10:15] == [
        '<td class="number soft">44.7 MB</td>', '<td class="number">28.2 MB</td>', '<td class="number">1.59x</td>',
        '<td class="number">24.7 MB</td>', '<td class="number">1.81x</td>',
    ]  # fmt: skip


def test_regions_have_names_of_their_own(report: Report) -> None:
    """A screen reader lists them; several trainings and devices have charts with the same titles."""
    rows = (*report.rows, *(row.model_copy(update={"device": "pi5"}) for row in report.rows))
    names = re.findall(r'role="region" aria-label="([^"]*)"', report_html(report.model_copy(update={"rows": rows}), ""))
    assert sum("as a table" in name for name in names) > 10
    assert len(names) == len(set(names)), [name for name, count in Counter(names).items() if count > 1]


def test_the_page_tells_places_apart_where_there_are_several(report: Report) -> None:
    """Results are labelled by device and number of threads."""
    rows = (report.rows[0], report.rows[0].model_copy(update={"threads": 1}))
    text = said(report.model_copy(update={"rows": rows}))
    assert "Export Device Threads Accuracy" in text
    assert "Measured on pi4, threads" not in text


def test_the_page_marks_each_row_that_can_not_be_trusted(report: Report) -> None:
    """The mark is in the column of the export, since there may be no column for the device."""
    changes: dict[str, object] = {"emulated": True, "throttled": ("hot",)}
    rows = (report.rows[0], report.rows[1].model_copy(update=changes))
    assert "float16 emulated throttled 94.50 %" in said(report.model_copy(update={"rows": rows}))


def test_the_page_says_what_ratios_are_against(report: Report, text: str) -> None:
    """If there is no baseline, the page says so."""
    against = "the float32 .tflite file of “base”, the network trained without compression (44.7 MB, not zipped)"
    assert f"“Faster” and both “Smaller” columns compare with {against}" in text
    nothing = report.baselines.model_copy(update={"float32_tflite": None})
    assert "The “Faster” and “Smaller” columns are empty" in said(report.model_copy(update={"baselines": nothing}))


def test_the_page_has_the_studys_tables(text: str) -> None:
    """Accuracy by export, and seconds per epoch with the ratio to plain training."""
    table_1 = section(text, "Accuracy by export", "Seconds per epoch")
    assert "Pipeline Keras float32 float16 dynamic int16x8 int8 base 94.50 % 94.50 %" in table_1
    table_2 = section(text, "Seconds per epoch", "Verified promises")
    assert "prune prune to 50 % (polynomial), 4 epochs resnet18 PR, PR CL, PQAT, PCQAT 4 33.9 1.06x" in table_2
    assert "distill distill into mobilenet_v2, 11 epochs mobilenet_v2 distillation 11 31.7 0.99x" in table_2


def test_the_page_has_a_device_column_where_accuracies_are_of_several(report: Report) -> None:
    """With one device there is no column, since all rows would be equal."""
    other = report.accuracy_by_export[0].model_copy(update={"device": "qemu", "exports": ()})
    rows = (*report.rows, report.rows[0].model_copy(update={"device": "qemu"}))
    text = said(report.model_copy(update={"rows": rows, "accuracy_by_export": (*report.accuracy_by_export, other)}))
    assert "Pipeline Device Keras float32" in text
    assert "base qemu 94.50 % - - - - -" in text


def test_the_page_tells_what_was_promised_and_found(text: str) -> None:
    """Promises are described, with the files for which they hold."""
    promises = section(text, "Verified promises", "Data set")
    assert (
        "at least 50 % zeros in each of 21 layers 50.0 % in the layer with fewest (stage1_unit1_conv1) "
        "float32, float16, dynamic"
    ) in promises
    assert "no float operator none int16x8, int8" in promises
    assert promises.count("8 outputs, one for each class 8 float32, float16, dynamic, int16x8, int8") == 13


def test_a_broken_promise_is_told_with_its_pipeline() -> None:
    """The others have their rows, and its other files theirs."""
    report = paper_report(with_broken_promise(paper_job(), "PCQAT", "int8", BROKEN))
    text = said(report)
    assert len(report.rows) == 64
    assert f"int8 failed: {BROKEN} distillation distill:" in section(text, "Comparison", "Failures")
    assert f"int8 PCQAT {BROKEN} (broken_promise)" in section(text, "Failures", "Accuracy by export")
    assert "PCQAT 94.00 % 94.00 % 94.00 % 94.00 % 94.00 % -" in section(text, "Accuracy by export", "Seconds per epoch")


def test_every_stage_has_its_curves_once(report: Report) -> None:
    """The title names the pipelines that use it, and the previous stages; student and teacher share a chart before."""
    page = report_html(report, "/v1/artifacts/")
    trainings = section(page, "<h2>Training</h2>", "</section>")
    assert (len(report.trainings), trainings.count("<h3>"), trainings.count("<svg")) == (14, 1 + 14, 1 + 28)
    text = said(report)
    assert "prune to 50 % (polynomial), 4 epochs for PR, PR CL, PQAT, PCQAT After train resnet18, 11 epochs." in text
    assert (
        "cluster to 16 values (kmeans_plus_plus), zeros kept, 4 epochs for PR CL, PCQAT After train resnet18, "
        "11 epochs; prune to 50 % (polynomial), 4 epochs."
    ) in text


def test_confusion_is_folded_up_by_pipeline(report: Report) -> None:
    """A matrix for each file, in thirteen folds of which the first is open."""
    confusion = section(report_html(report, "/v1/artifacts/"), "<h2>Confusion matrices</h2>", "</section>")
    counts = [confusion.count(tag) for tag in ('class="matrix"', "<details>", "<details open>")]
    assert counts == [65, 12, 1]


def test_csv_has_what_was_done_and_promised_in_columns_of_their_own(report: Report) -> None:
    """They are at the end, where new columns are added."""
    lines = list(csv.DictReader(io.StringIO(report_csv(report), newline="")))
    assert len(lines) == 65
    assert list(lines[0])[-44:] == [
        "encoding", "dense_size_bytes", "sparse_size_bytes", "dense_zip_bytes", "sparse_zip_bytes",
        "unique_weights_per_channel_max", "promises", "stages", "stage_epoch_seconds", "accuracy_low", "accuracy_high",
        "latency_ms_max", "latency_ms_p50_low", "latency_ms_p50_high", "worst_class_recall", "spec_pipeline", "seed",
        "over_seeds_seeds", "over_seeds_accuracy_mean", "over_seeds_accuracy_std", "over_seeds_latency_ms_mean",
        "over_seeds_latency_ms_std", "test_accuracy", "test_accuracy_low", "test_accuracy_high", "test_precision",
        "test_recall", "test_f1", "test_images", "compile_seconds", "macs", "weights",
        "over_seeds_test_accuracy_mean",
        "over_seeds_test_accuracy_std", "coded_bytes", "decode_ms", "bits_per_weight",
        "energy_mj", "energy_mj_low", "energy_mj_high", "roofline_share", "reference_ms", "ece",
        "predicted_latency_ms",
    ]  # fmt: skip
    pruned = next(line for line in lines if (line["pipeline"], line["export"]) == ("PCQAT", "float32"))
    assert (pruned["method"], pruned["encoding"]) == ("prune + cluster + quantize_aware", "sparse")
    assert (pruned["dense_size_bytes"], pruned["sparse_size_bytes"]) == ("44700000", "28161000")
    assert pruned["promises"] == (
        "classes=8: 8; sparsity>=0.5: 0.5 (stage1_unit1_conv1, 21 layers); "
        "unique_weights_per_channel<=16: 16 (stage4_unit2_conv2, 21 layers)"
    )
    assert pruned["stages"].split("; ")[1] == "prune to 50 % (polynomial), 4 epochs"
    assert len(pruned["stage_epoch_seconds"].split("; ")) == 4
    assert (lines[0]["encoding"], lines[0]["sparse_size_bytes"]) == ("dense", "")
