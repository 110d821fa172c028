"""Compares the reports of several jobs.

1. Rows with the same pipeline (by its name in the spec), export, device and number of threads are joined. If a pipeline
   has an export twice, they are joined in their order. Of several seeds, the file of the median accuracy is shown.
2. In each row, jobs are compared with the first that has it. If they validate on the same images, the methods are
   compared over the seeds that both have; with one seed, the two files are compared image by image.
3. Fields of the specs that differ are listed, because they may have caused the difference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgepress_api.recommendation.candidates import difference, objective_values, representatives
from edgepress_common.answers.comparison import Change, ComparedFile, ComparedRow, JobsComparison, SpecDifference
from edgepress_common.answers.recommendation import Difference
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.significance import wilson
from edgepress_common.spec import JobSpec

_Key = tuple[str, str, str, int, int]


def compare_reports(reports: Sequence[Report]) -> JobsComparison:
    """Return the comparison of the jobs of some reports."""
    same_images = len({_images_of(report) for report in reports}) == 1
    tables = [_by_key(report) for report in reports]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    order = {name: at for at, name in enumerate(dict.fromkeys(key[0] for key in keys))}
    return JobsComparison(
        jobs=tuple(report.job for report in reports),
        same_images=same_images,
        spec_differences=tuple(_spec_differences([report.spec for report in reports])),
        rows=tuple(
            _compared([table.get(key) for table in tables], same_images=same_images)
            for key in sorted(keys, key=lambda key: order[key[0]])
        ),
        best_all_round=tuple(tuple(_best_all_round(report)) for report in reports),
    )


def _images_of(report: Report) -> tuple[str, str | None]:
    """Return what identifies the validation images: data set and fingerprint, or the job if that is unknown."""
    known = report.provenance is not None and report.provenance.dataset_fingerprint
    return report.spec.dataset.model_dump_json(), known or report.job.id


def _by_key(report: Report) -> dict[_Key, ReportRow]:
    seen: Counter[tuple[str, str, str, int]] = Counter()
    found: dict[_Key, ReportRow] = {}
    shown = {id(row) for device in {row.device for row in report.rows} for row in _representatives(report, device)}
    for row in (row for row in report.rows if id(row) in shown):
        place = (_spec_pipeline(row), row.export, row.device, row.threads)
        found[*place, seen[place]] = row
        seen[place] += 1
    return found


def _representatives(report: Report, device: str) -> list[ReportRow]:
    return representatives([row for row in report.rows if row.device == device])


def _spec_pipeline(row: ReportRow) -> str:
    return row.spec_pipeline or row.pipeline  # older reports do not have it


def _compared(rows: Sequence[ReportRow | None], *, same_images: bool) -> ComparedRow:
    first = next(row for row in rows if row is not None)
    return ComparedRow(
        pipeline=_spec_pipeline(first),
        export=first.export,
        device=first.device,
        threads=first.threads,
        jobs=tuple(None if row is None else _measured(row, first, same_images=same_images) for row in rows),
    )


def _measured(row: ReportRow, first: ReportRow, *, same_images: bool) -> ComparedFile:
    interval = wilson(row.accuracy, row.images)
    return ComparedFile(
        **objective_values(row),
        method=row.method,
        accuracy_low=interval.low,
        accuracy_high=interval.high,
        model_sha256=row.model_sha256,
        change=None if row is first else _change(row, first, same_images=same_images),
        test_accuracy=row.test_accuracy,
        test_accuracy_low=row.test_accuracy_low,
        test_accuracy_high=row.test_accuracy_high,
        over_seeds=row.over_seeds,
    )


def _change(row: ReportRow, first: ReportRow, *, same_images: bool) -> Change:
    found = _difference(row, first, same_images=same_images)
    test, first_test = _on_test(row), _on_test(first)
    tested = None if test is None or first_test is None else _difference(test, first_test, same_images=same_images)
    ratios = _ratios(row, first)
    return Change(
        **ratios,
        latency_within_noise=None
        if ratios["latency_ratio"] is None
        else not row.latency_ms.differs_from(first.latency_ms),
        accuracy_points=-found.points,
        within_noise=found.within_noise,
        test=found.test,
        about=found.about,
        same_file=row.model_sha256 == first.model_sha256,
        test_points=None if tested is None else -tested.points,
        test_within_noise=None if tested is None else tested.within_noise,
    )


def _difference(row: ReportRow, first: ReportRow, *, same_images: bool) -> Difference:
    # Seeds are paired, and it is known which images each file classifies correctly, only of the same images.
    return difference(row if same_images else row.model_copy(update={"right_images": None, "over_seeds": None}), first)


def _on_test(row: ReportRow) -> ReportRow | None:
    """Return the row with the figures of the test split in place of the validation split's."""
    if row.test_accuracy is None:
        return None
    over = row.over_seeds
    return row.model_copy(
        update={
            "accuracy": row.test_accuracy,
            "images": row.test_images,
            "right_images": row.test_right_images,
            "over_seeds": None
            if over is None or over.test_accuracy is None
            else over.model_copy(update={"accuracy": over.test_accuracy, "accuracy_mean": over.test_accuracy_mean}),
        }
    )


def _ratios(row: ReportRow, first: ReportRow) -> dict[str, Any]:
    """Return the ratio of each criterion but accuracy to the first job's; None where either is unknown."""
    found: dict[str, Any] = {}
    for criterion, each in OBJECTIVES.items():
        value, base = each.value(row), each.value(first)
        if criterion != "accuracy":
            found[f"{criterion}_ratio"] = value / base if value is not None and base else None
    return found


def _spec_differences(specs: Sequence[JobSpec]) -> Iterator[SpecDifference]:
    flat = [dict(_fields(spec.model_dump(mode="json"))) for spec in specs]
    for field in dict.fromkeys(field for fields in flat for field in fields):
        values = tuple(fields.get(field) for fields in flat)
        if field != "name" and any(value != values[0] for value in values):
            yield SpecDifference(field=field, values=values)


def _fields(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _best_all_round(report: Report) -> Iterator[str]:
    for device in () if report.recommendation is None else report.recommendation.devices:
        for purpose in device.purposes[:1]:
            yield f"{device.device}: {purpose.words}"
