"""A job as a tree: its pipelines, their steps, and how each stands."""

from rich.text import Text
from rich.tree import Tree

from edgepress_api.cli.formats import moment, percent, took, words
from edgepress_api.cli.progress_view import absence, figures
from edgepress_api.jobs.views import JobView, StepView

_STYLES = {"succeeded": "green", "partly_succeeded": "yellow", "failed": "red", "running": "cyan"}


def job_tree(job: JobView) -> Tree:
    """The job, each step under every pipeline that needs it."""
    head = Text.assemble((job.id, "bold"), f"  {job.name}  ", _state(job.state), f"  {percent(job.progress, 0)}")
    head.append(f"  posted {moment(job.created_at)}, {took(job.created_at, job.finished_at)}", style="dim")
    if job.error:
        head.append(f"\n{job.error}", style="red")
    tree = Tree(head)
    for pipeline in job.pipelines:
        branch = tree.add(Text.assemble((pipeline.name, "bold"), "  ", _state(pipeline.state)))
        for step in pipeline.steps:
            branch.add(_line(step))
    return tree


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
