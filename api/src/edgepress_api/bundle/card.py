"""A model's card: what it is, what was measured, where it comes from, and what to be careful about.

After Mitchell et al. 2019, Model Cards for Model Reporting (doi:10.1145/3287560.3287596), as far as a job knows.
"""

from collections.abc import Iterator, Sequence

from edgepress_api.recommendation.noise import wilson
from edgepress_api.report.class_metrics import class_metrics
from edgepress_api.report.document import Report, ReportRow
from edgepress_api.report.promise_words import found, promised
from edgepress_api.report.words import milliseconds, moment, percent, size, times


def model_card(report: Report, rows: Sequence[ReportRow]) -> str:
    """The card, in Markdown.

    Args:
        report: Of the job that made it.
        rows: Of the model, one for each device and number of threads; at least one.
    """
    return "\n".join(_lines(report, rows)) + "\n"


def _lines(report: Report, rows: Sequence[ReportRow]) -> Iterator[str]:
    row = rows[0]
    yield f"# {_text(row.pipeline)} {row.export}"
    yield ""
    yield (
        f"An image classifier for LiteRT, made by Edgepress: {_text('; '.join(row.stages))}; written as {row.export}. "
        f"{size(row.size_bytes)}, {size(row.zip_bytes)} zipped."
    )
    yield ""
    yield from _use(report)
    yield from _measured(report, rows)
    yield from _by_class(report, row)
    yield from _promises(row)
    yield from _careful(report, rows)
    yield from _provenance(report, row)


def _use(report: Report) -> Iterator[str]:
    classes = "" if report.dataset is None else f" It tells {len(report.dataset.classes)} classes apart, and no others."
    yield "## Use"
    yield ""
    yield f"`python predict.py IMAGE` says what an image shows; `pip install ai-edge-litert numpy` first.{classes}"
    yield "How an image becomes what the model takes is in `preprocessing.json`, the classes are in `labels.txt`."
    yield ""


def _measured(report: Report, rows: Sequence[ReportRow]) -> Iterator[str]:
    row = rows[0]
    interval = wilson(row.accuracy, row.images)
    yield "## Measured"
    yield ""
    yield (
        f"Accuracy {percent(row.accuracy)} of {row.images} validation images, none of which it was trained on; 95 % "
        f"interval {100 * interval.low:.1f} to {percent(interval.high, 1)}. Precision {percent(row.precision)}, recall "
        f"{percent(row.recall)}, F1 {percent(row.f1)}: each the mean over the classes."
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
            yield f"{milliseconds(value)} ms"
    yield size(row.peak_memory_bytes)
    yield _text(", ".join(part for part in (where.runtime, where.delegate) if part))


def _by_class(report: Report, row: ReportRow) -> Iterator[str]:
    if report.dataset is None:
        return
    yield "| class | images | precision | recall | F1 | most often taken for |"
    yield "|---|--:|--:|--:|--:|---|"
    for each in class_metrics(row, report.dataset.classes):
        taken = "-" if each.taken_for is None else f"{_text(each.taken_for)}, {each.taken_count}"
        yield (
            f"| {_text(each.name)} | {each.images} | {percent(each.precision, 1)} | {percent(each.recall, 1)} | "
            f"{percent(each.f1, 1)} | {taken} |"
        )
    yield ""


def _promises(row: ReportRow) -> Iterator[str]:
    if row.promises:
        yield "Promised, and found in the file:"
        yield ""
        for promise in row.promises:
            yield f"- {promised(promise)}: {found(promise)}"
        yield ""


def _careful(report: Report, rows: Sequence[ReportRow]) -> Iterator[str]:
    devices = {row.device for row in rows}
    known = () if report.recommendation is None else report.recommendation.devices
    cautions = [caution for device in known if device.device in devices for caution in device.cautions]
    yield "## Careful"
    yield ""
    yield "- Measured on images like those it was trained on. Of others, nothing is known."
    for caution in dict.fromkeys(cautions):
        yield f"- {_text(caution)}"
    yield ""


def _provenance(report: Report, row: ReportRow) -> Iterator[str]:
    yield "## Where it comes from"
    yield ""
    yield f"- Job {report.job.id}, “{_text(report.job.name)}”, posted {moment(report.job.created_at)}"
    yield f"- model.tflite has the SHA-256 {row.model_sha256}"
    if report.dataset is not None:
        yield (
            f"- Data set: {report.dataset.kind}, {report.dataset.image_size}x{report.dataset.image_size} pixels, "
            f"{sum(report.dataset.train_counts)} images to train and {sum(report.dataset.validation_counts)} to "
            "validate"
        )
    if report.provenance is not None:
        yield f"- Edgepress {report.provenance.edgepress_version}"
        yield f"- What the data set held: {report.provenance.dataset_fingerprint or 'not told'}"
    yield ""
    yield "The spec, to make it again:"
    yield ""
    yield "```json"
    yield report.spec.model_dump_json(indent=2)
    yield "```"


def _text(text: str) -> str:
    """Names come from outside: nothing in them ends a line or a cell, or begins a tag."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
