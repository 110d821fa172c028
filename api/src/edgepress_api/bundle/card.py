"""Model card: description, measurements, provenance and caveats of a model.

After Mitchell et al. 2019, Model Cards for Model Reporting (doi:10.1145/3287560.3287596), with the parts that a job
has data for.
"""

from collections.abc import Iterator, Sequence

from edgepress_api.recommendation.cautions import find_file_cautions
from edgepress_api.recommendation.class_cautions import find_class_cautions
from edgepress_api.report.class_metrics import class_metrics
from edgepress_api.report.promise_words import found, promised
from edgepress_api.report.splits import measured_splits
from edgepress_api.report.words import milliseconds, moment, percent, size, times
from edgepress_common.answers.report import DatasetSummary, Report, ReportRow
from edgepress_common.significance import wilson

_ROLES = {
    "validation": "none of which it was trained on, and by which it was chosen",
    "test": "which no decision has seen",
}


def model_card(report: Report, rows: Sequence[ReportRow]) -> str:
    """Return the card in Markdown.

    Args:
        report: The report of the job.
        rows: The rows with the model, one for each device and number of threads; at least one.
    """
    return "\n".join(_lines(report, rows)) + "\n"


def _lines(report: Report, rows: Sequence[ReportRow]) -> Iterator[str]:
    row = rows[0]
    yield f"# {_text(row.pipeline)} {row.export}"
    yield ""
    yield (
        f"An image classifier for LiteRT, made by Edgepress: {_text('; '.join(row.stages))}; written as {row.export}. "
        f"{size(row.size_bytes)}, {size(row.zip_bytes)} zipped{_coded(row)}."
    )
    yield ""
    yield from _use(report)
    yield from _measured(report, rows)
    yield from _by_class(report, row)
    yield from _promises(row)
    yield from _careful(report, rows)
    yield from _provenance(report, row)


def _coded(row: ReportRow) -> str:
    return "" if row.coded_bytes is None else f", {size(row.coded_bytes)} coded"


def _use(report: Report) -> Iterator[str]:
    classes = "" if report.dataset is None else f" It distinguishes {len(report.dataset.classes)} classes."
    yield "## Use"
    yield ""
    # An environment of its own, since Debian's Python and that of Raspberry Pi OS refuse to install packages.
    yield "```"
    yield "python3 -m venv environment"
    yield "environment/bin/pip install ai-edge-litert numpy pillow"
    yield "environment/bin/python predict.py IMAGE"
    yield "```"
    yield ""
    yield f"classifies an image. On Debian and Raspberry Pi OS, `sudo apt install python3-venv` comes first.{classes}"
    yield "`preprocessing.json` describes how an image becomes the model's input; `labels.txt` lists the classes."
    yield (
        "In short: the EXIF orientation is followed, transparent pixels become white, the whole image is squashed to "
        "the model's size by Pillow's bilinear filter, and the values stay 0 to 255. `predict.py` does exactly that."
    )
    yield ""


def _measured(report: Report, rows: Sequence[ReportRow]) -> Iterator[str]:
    row = rows[0]
    yield "## Measured"
    yield ""
    for split in reversed([*measured_splits(row)]):
        interval = wilson(split.accuracy, split.images)
        yield (
            f"Accuracy {percent(split.accuracy)} of {split.images} {split.name} images, {_ROLES[split.name]}; 95 % "
            f"interval {100 * interval.low:.1f} to {percent(interval.high, 1)}."
        )
    if report.has_test_split and row.test_accuracy is None:
        yield "Its accuracy on the test images was not measured."
    yield (
        f"On the validation images, precision {percent(row.precision)}, recall {percent(row.recall)}, F1 "
        f"{percent(row.f1)}: each the mean over the classes."
    )
    ratio, baseline = row.ratios.float32_tflite, report.baselines.float32_tflite
    if ratio is not None and baseline is not None:
        yield (
            f"{times(ratio.size)} smaller than the float32 file of “{_text(baseline.pipeline)}”, the network trained "
            f"and not compressed; zipped, {times(ratio.size_to_zip)} smaller than that file as it is."
        )
    yield ""
    yield "| device | threads | median | 90 % | 99 % | memory | runtime |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for each in rows:
        yield f"| {' | '.join(_device_cells(each))} |"
    yield ""


def _device_cells(row: ReportRow) -> Iterator[str]:
    where = row.surroundings
    yield _text(", ".join(part for part in (row.device, where.board, where.cpu) if part))
    yield str(row.threads)
    if row.emulated:
        yield from ("emulated",) * 3
    else:
        for value in (row.latency_ms.p50, row.latency_ms.p90, row.latency_ms.p99):
            yield milliseconds(value)
    yield size(row.peak_memory_bytes)
    yield _text(", ".join(part for part in (where.runtime, where.delegate) if part))


def _by_class(report: Report, row: ReportRow) -> Iterator[str]:
    if report.dataset is None:
        return
    split = [*measured_splits(row)][-1]
    yield f"By class, on the {split.name} images:"
    yield ""
    yield "| class | images | precision | recall | F1 | most often taken for |"
    yield "|---|--:|--:|--:|--:|---|"
    for each in class_metrics(split.confusion, report.dataset.classes):
        taken = "-" if each.taken_for is None else f"{_text(each.taken_for)}, {each.taken_count}"
        yield (
            f"| {_text(each.name)} | {each.images} | {percent(each.precision, 1)} | {percent(each.recall, 1)} | "
            f"{percent(each.f1, 1)} | {taken} |"
        )
    yield ""


def _promises(row: ReportRow) -> Iterator[str]:
    if row.promises:
        yield "Promises, verified in the file:"
        yield ""
        for promise in row.promises:
            yield f"- {promised(promise)}: {found(promise)}"
        yield ""


def _careful(report: Report, rows: Sequence[ReportRow]) -> Iterator[str]:
    classes = () if report.dataset is None else report.dataset.classes
    cautions: list[str] = []
    for device in dict.fromkeys(row.device for row in rows):
        # Only this file's rows: caveats about other files, or about comparisons with them, say nothing about it.
        found = [row for row in rows if row.device == device]
        cautions += (*find_file_cautions(found), *find_class_cautions(found[:1], classes))
    yield "## Caveats"
    yield ""
    yield (
        "- Its accuracy is measured on images that were set aside from the same data set. How accurate it is on images "
        "from another source, camera or subject is not known."
    )
    for caution in dict.fromkeys(cautions):
        yield f"- {_text(caution)}"
    yield ""


def _provenance(report: Report, row: ReportRow) -> Iterator[str]:
    yield "## Provenance"
    yield ""
    yield f"- Job {report.job.id}, “{_text(report.job.name)}”, posted {moment(report.job.created_at)}"
    yield f"- model.tflite has the SHA-256 {row.model_sha256}"
    if report.dataset is not None:
        size = report.dataset.image_size if row.tensors is None else row.tensors.image_size
        yield f"- Data set: {report.dataset.kind}, {size}x{size} pixels, {_counts(report.dataset)}"
    if report.provenance is not None:
        yield f"- Edgepress {report.provenance.edgepress_version}"
        yield f"- Fingerprint of the data set: {report.provenance.dataset_fingerprint or 'not available'}"
    yield ""
    yield "The spec that reproduces it:"
    yield ""
    yield "```json"
    yield report.spec.model_dump_json(indent=2)
    yield "```"


def _counts(dataset: DatasetSummary) -> str:
    train, validation = f"{sum(dataset.train_counts)} images to train", f"{sum(dataset.validation_counts)} to validate"
    if dataset.test_counts is None:
        return f"{train} and {validation}"
    return f"{train}, {validation} and {sum(dataset.test_counts)} to test"


def _text(text: str) -> str:
    """Escape a name that a user chose: it must not end a line or a table cell, or begin a tag."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
