"""Formats a running job: as lines that are appended, and as a live display.

Both are computed from successive states of the job, so changes between two states (or while the gateway was
unavailable) are shown with the next.
"""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edgepress_client.cli.formats import duration, moment, percent, took, words
from edgepress_client.following import has_ended
from edgepress_common.answers.jobs import JobView, StepView
from edgepress_common.messages import Progress

_ENDED = frozenset({"succeeded", "failed", "cancelled"})  # states of steps that have ended
_SHOWN_METRICS = ("loss", "accuracy", "val_accuracy")  # more do not fit a line
_BAR_WIDTH = 40
_STEP_BAR_WIDTH = 12
_EARLY = 0.03  # share of the work below which the remaining time is not estimated


def steps_of(job: JobView) -> dict[str, tuple[str, StepView]]:
    """Return each step once, by its key, with its title."""
    found: dict[str, tuple[str, StepView]] = {}
    for pipeline in job.pipelines:
        for step in pipeline.steps:
            shared = step.key in found or len(job.pipelines) == 1
            found[step.key] = (step.title if shared else f"{pipeline.name}: {step.title}", step)
    return found


def changes(before: JobView | None, after: JobView, *, epochs: bool) -> Iterator[str]:
    """Yield a line for each change since the last state.

    Args:
        before: The last state of the job; None at first.
        after: The current state.
        epochs: Whether to yield a line for the end of each epoch.
    """
    known = steps_of(before) if before else {}
    steps = steps_of(after)
    if before is None:
        done = sum(step.state == "succeeded" for _, step in steps.values())
        count = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
        yield f"{after.id} ({after.name}): {count}" + (f", {done} of them done before" if done else "")
    else:
        yield from _added_pipelines(before, after)
    # Ended steps before started ones: that is the order in which it happened.
    for key, (label, step) in sorted(steps.items(), key=lambda item: item[1][1].state == "running"):
        earlier = known[key][1] if key in known else None
        if earlier is not None or step.state not in _ENDED:
            yield from (f"{label}: {change}" for change in _step_changes(earlier, step, epochs=epochs))
    if has_ended(after):
        yield f"{after.id} {words(after.state)}" + (f": {after.error}" if after.error else "")


def picture(job: JobView, *, elapsed_seconds: float, first_progress: float) -> RenderableType:
    """Return the live display of a job: its progress and running steps.

    Args:
        job: The current state.
        elapsed_seconds: Time since the display started.
        first_progress: Progress of the job when the display started; the pace is computed from there.
    """
    steps = steps_of(job).values()
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(job.name, style="bold"),
        ProgressBar(total=1, completed=job.progress, width=_BAR_WIDTH),
        Text(f"{job.progress:4.0%}"),
        Text(_time_left(job.progress, elapsed_seconds, first_progress), style="dim"),
    )
    running = Table.grid(padding=(0, 2))
    for label, step in steps:
        if step.state == "running":
            share = step.progress.fraction if step.progress else 0
            step_bar = ProgressBar(total=1, completed=share, width=_STEP_BAR_WIDTH)
            running.add_row("", step_bar, Text(label, style="cyan"), Text(figures(step.progress) or "begins"))
    waiting = [
        Text(f"  {waits}", style="yellow")
        for waits in dict.fromkeys(filter(None, (absence(step) for _, step in steps)))
    ]
    if not running.row_count and not waiting and job.finished_at is None:
        waiting = [Text("  waiting for a worker or device", style="cyan")]
    states = [step.state for _, step in steps]
    counts = f"  {states.count('succeeded')} of {len(states)} steps done, {states.count('running')} running"
    if failed := states.count("failed"):
        counts += f", {failed} failed"
    return Group(bar, running, *waiting, Text(counts, style="dim"))


def figures(progress: Progress | None) -> str:
    """Return a step's progress in one line: ``epoch 3/8, loss 0.21, accuracy 93.1 %, 12 s left``."""
    if progress is None:
        return ""
    parts = [] if progress.epoch is None else [f"epoch {progress.epoch}/{progress.epochs}"]
    for name in _SHOWN_METRICS:
        if name in progress.metrics:
            value = progress.metrics[name]
            figure = percent(value) if name.endswith("accuracy") else f"{value:.3g}"
            parts.append(f"{name.replace('_', ' ')} {figure}")
    if not parts:
        parts = [progress.message] if progress.message else [percent(progress.fraction, 0)]
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return ", ".join(parts)


def absence(step: StepView) -> str:
    """Return which offline device a step waits for, and until when; empty if it does not wait."""
    if step.kind != "evaluation" or step.state != "ready" or step.due_at is None:
        return ""
    what, who = (
        ("a device: none is online", "one") if step.device == "any" else (f"{step.device}, which is offline", "it")
    )
    return f"waits for {what}; fails at {moment(step.due_at)} unless {who} is online by then"


def _added_pipelines(before: JobView, after: JobView) -> Iterator[str]:
    added = [pipeline.name for pipeline in after.pipelines[len(before.pipelines) :]]
    if added:
        yield f"added to the plan: {', '.join(added)}"


def _step_changes(before: StepView | None, after: StepView, *, epochs: bool) -> Iterator[str]:
    if epochs and after.progress and _epoch(after) and _epoch(after) != _epoch(before):
        yield figures(after.progress)
    if absence(after) and (before is None or not absence(before)):
        yield absence(after)
    if before is None and after.state in {"waiting", "ready", "sent"}:
        return
    if before is None or (before.state, before.attempt) != (after.state, after.attempt):
        yield from _state_changes(after)


def _epoch(step: StepView | None) -> int | None:
    return step.progress.epoch if step and step.progress else None


def _state_changes(step: StepView) -> Iterator[str]:
    match step.state:
        case "running":
            again = f", attempt {step.attempt}" if step.attempt > 1 else ""
            yield f"runs on {step.holder}{again}" + (f", after: {step.failure.message}" if step.failure else "")
        case "succeeded":
            yield f"done in {took(step.started_at, step.finished_at)}"
        case "failed" | "cancelled":
            yield words(step.state) + (f": {step.failure.message}" if step.failure else "")
        case "ready" if step.failure:
            yield f"attempt failed, will be tried again: {step.failure.message}"
        case _:
            return


def _time_left(progress: float, elapsed_seconds: float, first_progress: float) -> str:
    done = progress - first_progress
    gone = duration(elapsed_seconds)
    if done < _EARLY:
        return f"{gone} gone"
    return f"{gone} elapsed, about {duration(elapsed_seconds / done * (1 - progress))} left"
