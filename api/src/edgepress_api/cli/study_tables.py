"""What the study has beside its comparison, in the terminal: accuracy by export, and seconds per epoch."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_api.cli.formats import figure
from edgepress_api.report import Report
from edgepress_api.report.document import AccuracyByExport
from edgepress_api.report.groups import pipeline_groups
from edgepress_api.report.words import pipelines
from edgepress_common.spec import EXPORTS, ExportKind


def study_tables(report: Report) -> Iterator[RenderableType]:
    """The tables there is something to write in."""
    if report.accuracy_by_export:
        yield accuracy_table(report)
    if report.seconds_per_epoch:
        yield epoch_table(report)
    count = sum(len(file.promises) for group in pipeline_groups(report) for file in group.files)
    if count:
        yield Text(f"{count} promises kept; the report as HTML, JSON or CSV has them one by one.", style="dim")


def accuracy_table(report: Report) -> RenderableType:
    """The study's Table 1 for every pipeline: its model's accuracy before it is exported, and that of each file."""
    measured = {entry.export for accuracies in report.accuracy_by_export for entry in accuracies.exports}
    kinds = [kind for kind in EXPORTS if kind in measured]
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
    return Group(table, Text("keras: the model before it is exported, over the same images.", style="dim"))


def epoch_table(report: Report) -> RenderableType:
    """The study's Table 2: what an epoch of each stage takes."""
    table = _table("Seconds per epoch")
    for name in ("method so far", "stage", "pipelines"):
        table.add_column(name, overflow="fold")
    for name in ("seconds", "times\ntraining"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in report.seconds_per_epoch:
        times = "-" if entry.times_plain_training is None else f"{entry.times_plain_training:.2f}"
        names = pipelines(entry.pipelines, len(report.pipelines))
        table.add_row(entry.method, entry.summary, names, figure(entry.seconds), times)
    note = f"Means without the first epoch. times training: than an epoch of training {report.spec.model.architecture}."
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
