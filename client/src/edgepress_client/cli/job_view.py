"""A job as a tree: its pipelines and steps, with the state of each; and the images of its data set."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from edgepress_client.cli.formats import moment, percent, took, words
from edgepress_client.cli.progress_view import absence, figures
from edgepress_common.answers.jobs import JobView, StepView
from edgepress_common.results import PackResult

_MOST_CLASSES = 40  # more would push the job out of the window
_STYLES = {"succeeded": "green", "partly_succeeded": "yellow", "failed": "red", "running": "cyan"}


def job_tree(job: JobView) -> Tree:
    """Return the job as a tree, each step under every pipeline that needs it."""
    head = Text.assemble((job.id, "bold"), f"  {job.name}  ", _state(job.state), f"  {percent(job.progress, 0)}")
    head.append(f"  posted {moment(job.created_at)}, {took(job.created_at, job.finished_at)}", style="dim")
    if job.imported is not None:
        head.append(f"\n{job.imported.words}", style="yellow")
    if job.error:
        head.append(f"\n{job.error}", style="red")
    tree = Tree(head)
    for pipeline in job.pipelines:
        branch = tree.add(Text.assemble((pipeline.name, "bold"), "  ", _state(pipeline.state)))
        for step in pipeline.steps:
            branch.add(_line(step))
    return tree


def split_table(pack: PackResult) -> RenderableType:
    """Return the number of images of each class in each split; only their sums if there are many classes."""
    splits = {"training": pack.train_counts, "validation": pack.validation_counts}
    if pack.test_counts is not None:
        splits["test"] = pack.test_counts
    table = Table("images", box=None, pad_edge=False)
    for name in splits:
        table.add_column(name, justify="right")
    for name, *counts in zip(pack.classes, *splits.values(), strict=True):
        if len(pack.classes) <= _MOST_CLASSES:
            table.add_row(Text(name), *map(str, counts))
    table.add_row("all", *(str(sum(counts)) for counts in splits.values()), style="bold")
    return table


def _line(step: StepView) -> Text:
    line = Text.assemble(f"{step.title}  ", _state(step.state))
    if step.started_at is not None and step.state != "running":
        line.append(f"  {took(step.started_at, step.finished_at)}", style="dim")
    if step.state == "running" and step.progress is not None:
        line.append(f"  {figures(step.progress)}")
    if waits := absence(step):
        line.append(f"  {waits}", style="yellow")
    if step.attempt > 1:
        line.append(f"  attempt {step.attempt}", style="yellow")
    if step.failure is not None and step.state != "succeeded":
        line.append(f"\n{step.failure.message}", style="red")
    return line


def _state(state: str) -> Text:
    return Text(words(state), style=_STYLES.get(state, "dim"))
