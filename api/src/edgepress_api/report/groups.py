"""Groups the rows of a report by pipeline for the page, with the facts that files share."""

from dataclasses import dataclass

from edgepress_api.report.promise_words import found, promised
from edgepress_common.answers.report import FailureRecord, PipelineRecord, Report, ReportRow
from edgepress_common.spec import ExportKind


@dataclass(frozen=True)
class PromiseLine:
    """A promise and its verification in words, and the exports with this result."""

    promised: str
    found: str
    exports: tuple[ExportKind, ...]


@dataclass(frozen=True)
class PipelineGroup:
    """A pipeline with its measurements and failures."""

    pipeline: PipelineRecord
    rows: tuple[ReportRow, ...]
    failures: tuple[FailureRecord, ...]

    @property
    def files(self) -> tuple[ReportRow, ...]:
        """The first row of each file; the others differ only in device and number of threads."""
        first: dict[tuple[ExportKind, str], ReportRow] = {}
        for row in self.rows:
            first.setdefault((row.export, row.model_sha256), row)
        return tuple(first.values())

    @property
    def promises(self) -> tuple[PromiseLine, ...]:
        """The promises of its files, and their verification."""
        exports: dict[tuple[str, str, str], list[ExportKind]] = {}
        for row in self.files:
            for promise in row.promises:
                exports.setdefault((promise.kind, promised(promise), found(promise)), []).append(row.export)
        kinds = list(dict.fromkeys(kind for kind, _, _ in exports))
        return tuple(
            PromiseLine(promised=promise, found=outcome, exports=tuple(exports[kind, promise, outcome]))
            for kind, promise, outcome in sorted(exports, key=lambda line: kinds.index(line[0]))
        )


def pipeline_groups(report: Report) -> tuple[PipelineGroup, ...]:
    """Return the pipelines that have results or failures, in the order of the spec."""
    groups = (
        PipelineGroup(
            pipeline=pipeline,
            rows=tuple(row for row in report.rows if row.pipeline == pipeline.name),
            failures=tuple(failure for failure in report.failures if pipeline.name in failure.pipelines),
        )
        for pipeline in report.pipelines
    )
    return tuple(group for group in groups if group.rows or group.failures)
