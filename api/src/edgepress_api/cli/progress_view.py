"""A job under way, as people are shown it: as lines that are added, and as a picture that is redrawn.

Both are made from one look at the job after another, so whatever happens between two looks (or while the gateway was
away) is made good by the next.
"""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edgepress_api.cli.formats import duration, moment, percent, took, words
from edgepress_api.jobs.views import JobView, StepView
from edgepress_api.steps.states import ENDED
from edgepress_common.messages import Progress

_SHOWN_METRICS = ("loss", "accuracy", "val_accuracy")  # more would not fit a line
_BAR_WIDTH = 40
_STEP_BAR_WIDTH = 12
_EARLY = 0.03  # share of the work below which the pace says nothing yet


def has_ended(job: JobView) -> bool:
    """Whether nothing more will happen to the job by itself."""
    return job.state not in {"queued", "running"}


def steps_of(job: JobView) -> dict[str, tuple[str, StepView]]:
    """Each step once, by its key, with what to call it: pipelines that share it are not named."""
    found: dict[str, tuple[str, StepView]] = {}
    for pipeline in job.pipelines:
        for step in pipeline.steps:
            shared = step.key in found or len(job.pipelines) == 1
            found[step.key] = (step.title if shared else f"{pipeline.name}: {step.title}", step)
    return found


def changes(before: JobView | None, after: JobView, *, epochs: bool) -> Iterator[str]:
    """What is new since the last look, a line each.

    Args:
        before: As it was then; None at the first look.
        after: As it is now.
        epochs: Whether the end of an epoch is worth a line.
    """
    known = steps_of(before) if before else {}
    steps = steps_of(after)
    if before is None:
        done = sum(step.state == "succeeded" for _, step in steps.values())
        count = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
        yield f"{after.id} ({after.name}): {count}" + (f", {done} of them done before" if done else "")
    # What ended before what began: that is the order in which they happened.
    for key, (label, step) in sorted(steps.items(), key=lambda item: item[1][1].state == "running"):
        earlier = known[key][1] if key in known else None
        if earlier is not None or step.state not in ENDED:
            yield from (f"{label}: {change}" for change in _step_changes(earlier, step, epochs=epochs))
    if has_ended(after):
        yield f"{after.id} {words(after.state)}" + (f": {after.error}" if after.error else "")


def picture(job: JobView, *, elapsed_seconds: float, first_progress: float) -> RenderableType:
    """The job at a glance: how far it is, and what runs.

    Args:
        job: As it is now.
        elapsed_seconds: Since the watching began.
        first_progress: The job's progress at that time: what was done before says nothing about the pace.
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
    """A step's progress in one line: ``epoch 3/8, loss 0.21, accuracy 93.1 %, val accuracy 90.2 %, 12 s left``."""
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
    """What a step waits for if that is away, and until when; nothing if it does not."""
    if step.kind != "evaluation" or step.state != "ready" or step.due_at is None:
        return ""
    what, who = ("a device: none is there", "one") if step.device == "any" else (f"{step.device}, which is away", "it")
    return f"waits for {what}; fails at {moment(step.due_at)} unless {who} is back by then"


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
    return f"{gone} gone, about {duration(elapsed_seconds / done * (1 - progress))} left"
