"""Further tables of a study in the terminal: accuracy by export, and seconds per epoch."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_client.cli.formats import figure
from edgepress_common.answers.report import AccuracyByExport, Report
from edgepress_common.spec import EXPORTS, ExportKind


def study_tables(report: Report) -> Iterator[RenderableType]:
    """Return the tables that have rows."""
    if report.accuracy_by_export:
        yield accuracy_table(report)
    if report.seconds_per_epoch:
        yield epoch_table(report)
    files = {(row.pipeline, row.export, row.model_sha256): row for row in report.rows}
    count = sum(len(row.promises) for row in files.values())
    if count:
        yield Text(f"{count} promises kept; the report as HTML, JSON or CSV has them one by one.", style="dim")


def accuracy_table(report: Report) -> RenderableType:
    """Return the study's Table 1: for every pipeline, the accuracy of its model before export and of each file."""
    measured = {entry.export for accuracies in report.accuracy_by_export for entry in accuracies.exports}
    kinds = [*(kind for kind in EXPORTS if kind in measured), *sorted(measured.difference(EXPORTS))]
    several = len({accuracies.device for accuracies in report.accuracy_by_export}) > 1
    table = _table("Accuracy by export, %")
    table.add_column("pipeline", overflow="fold")
    if several:
        table.add_column("device", overflow="fold")
    for name in ("keras", *kinds):
        table.add_column(name, justify="right", no_wrap=True)
    for accuracies in report.accuracy_by_export:
        places = [accuracies.device] if several else []
        figures = [_percent(accuracies.keras_accuracy), *(_accuracy(accuracies, kind) for kind in kinds)]
        table.add_row(accuracies.pipeline, *places, *figures)
    return Group(table, Text("Over the validation images. keras: the model before it is exported.", style="dim"))


def epoch_table(report: Report) -> RenderableType:
    """Return the study's Table 2: the duration of an epoch of each stage."""
    table = _table("Seconds per epoch")
    for name in ("method so far", "stage", "pipelines"):
        table.add_column(name, overflow="fold")
    for name in ("seconds", "times\ntraining"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in report.seconds_per_epoch:
        times = "-" if entry.times_plain_training is None else f"{entry.times_plain_training:.2f}"
        every = len(entry.pipelines) == len(report.pipelines) > 1
        names = f"all {len(report.pipelines)} pipelines" if every else ", ".join(entry.pipelines)
        table.add_row(entry.method, entry.summary, names, figure(entry.seconds), times)
    note = f"Means without the first epoch. times training: relative to training {report.spec.model.architecture}."
    return Group(table, Text(note, style="dim"))


def _table(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
        title=title,
        title_style="bold",
        title_justify="left",
    )


def _accuracy(accuracies: AccuracyByExport, kind: ExportKind) -> str:
    return ", ".join(_percent(entry.accuracy) for entry in accuracies.exports if entry.export == kind) or "-"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
