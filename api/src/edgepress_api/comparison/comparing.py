"""Puts the reports of several jobs side by side.

1. Rows of the same pipeline (by name), export, device and number of threads make one. A pipeline that has an export
   twice has them in their order.
2. In each row, jobs are held against the first that has it. Whether an accuracy differs is looked at image by image
   where the jobs validate on the same images.
3. Fields of the specs that differ are listed, for they are what may have made the difference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgepress_api.comparison.document import Change, ComparedRow, JobsComparison, Measured, SpecDifference
from edgepress_api.recommendation.candidates import difference
from edgepress_api.recommendation.noise import wilson
from edgepress_api.report.document import Report, ReportRow
from edgepress_common.spec import JobSpec

_Key = tuple[str, str, str, int, int]


def compare_reports(reports: Sequence[Report]) -> JobsComparison:
    """The jobs of some reports, side by side."""
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
    """What was validated on: the set's description with what it held. Jobs of which the latter is not known differ."""
    known = report.provenance is not None and report.provenance.dataset_fingerprint
    return report.spec.dataset.model_dump_json(), known or report.job.id


def _by_key(report: Report) -> dict[_Key, ReportRow]:
    seen: Counter[tuple[str, str, str, int]] = Counter()
    found: dict[_Key, ReportRow] = {}
    for row in report.rows:
        place = (row.pipeline, row.export, row.device, row.threads)
        found[*place, seen[place]] = row
        seen[place] += 1
    return found


def _compared(rows: Sequence[ReportRow | None], *, same_images: bool) -> ComparedRow:
    first = next(row for row in rows if row is not None)
    return ComparedRow(
        pipeline=first.pipeline,
        export=first.export,
        device=first.device,
        threads=first.threads,
        jobs=tuple(None if row is None else _measured(row, first, same_images=same_images) for row in rows),
    )


def _measured(row: ReportRow, first: ReportRow, *, same_images: bool) -> Measured:
    interval = wilson(row.accuracy, row.images)
    return Measured(
        method=row.method,
        accuracy=row.accuracy,
        accuracy_low=interval.low,
        accuracy_high=interval.high,
        latency_ms=None if row.emulated else row.latency_ms.p50,
        size_bytes=row.size_bytes,
        zip_bytes=row.zip_bytes,
        model_sha256=row.model_sha256,
        change=None if row is first else _change(row, first, same_images=same_images),
    )


def _change(row: ReportRow, first: ReportRow, *, same_images: bool) -> Change:
    # Bits of other images say nothing of these.
    comparable = row if same_images else row.model_copy(update={"right_images": None})
    found = difference(comparable, first)
    timed = not row.emulated and not first.emulated and first.latency_ms.p50 > 0
    return Change(
        accuracy_points=row.accuracy - first.accuracy,
        within_noise=found.within_noise,
        test=found.test,
        latency_ratio=row.latency_ms.p50 / first.latency_ms.p50 if timed else None,
        size_ratio=row.size_bytes / first.size_bytes,
        zip_ratio=row.zip_bytes / first.zip_bytes,
        same_file=row.model_sha256 == first.model_sha256,
    )


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
