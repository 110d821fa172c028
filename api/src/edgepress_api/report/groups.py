"""A report's rows pipeline by pipeline, as the page shows them, with what files have in common told once."""

from dataclasses import dataclass

from edgepress_api.report.document import FailureRecord, PipelineRecord, Report, ReportRow
from edgepress_api.report.promise_words import found, promised
from edgepress_common.spec import ExportKind


@dataclass(frozen=True)
class PromiseLine:
    """A promise and what came of it, in words, and the exports of which that is so."""

    promised: str
    found: str
    exports: tuple[ExportKind, ...]


@dataclass(frozen=True)
class PipelineGroup:
    """A pipeline, what was measured of it, and what failed."""

    pipeline: PipelineRecord
    rows: tuple[ReportRow, ...]
    failures: tuple[FailureRecord, ...]

    @property
    def files(self) -> tuple[ReportRow, ...]:
        """A row for each file: its first, since devices and threads tell nothing more of the file itself."""
        first: dict[tuple[ExportKind, str], ReportRow] = {}
        for row in self.rows:
            first.setdefault((row.export, row.model_sha256), row)
        return tuple(first.values())

    @property
    def promises(self) -> tuple[PromiseLine, ...]:
        """What was promised of its files, and what was found."""
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
    """The pipelines of which there is something to tell, in the order of the spec."""
    groups = (
        PipelineGroup(
            pipeline=pipeline,
            rows=tuple(row for row in report.rows if row.pipeline == pipeline.name),
            failures=tuple(failure for failure in report.failures if pipeline.name in failure.pipelines),
        )
        for pipeline in report.pipelines
    )
    return tuple(group for group in groups if group.rows or group.failures)
