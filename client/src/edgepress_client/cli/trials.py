"""`edgepress trials` and `edgepress extend`."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import words
from edgepress_client.cli.invocation import GatewayOption, Invocation, JobArgument, JsonOption, NamedJobArgument
from edgepress_common.answers.trials import TrialsView, TrialView
from edgepress_common.figures.formats import milliseconds
from edgepress_common.figures.objectives import OBJECTIVES

if TYPE_CHECKING:
    from edgepress_client.job import Job


def trials(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the search until the job ends.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Include probes, and screenings that were not promoted.")] = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show the trials of a search, the best first, its winner, and the price of each limit.

    Example: `edgepress trials latest`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        view = _watched(found, here, has_all=all_) if watch else found.trials()
    here.show(view, trials_table(view, has_all=all_), as_json=json_)


def extend(
    context: typer.Context,
    job: NamedJobArgument,
    *,
    trials: Annotated[int, typer.Option("--trials", min=0, metavar="N", help="Try N more combinations.")] = 0,
    hours: Annotated[float, typer.Option("--hours", min=0, metavar="H", help="Spend H more hours of work.")] = 0,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Extend the budget of a search. All trials so far are kept.

    Example: `edgepress extend latest --trials 20`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        view = found.extend(trials=trials, hours=hours)
    here.show(view, f"{found.id} goes on; follow it with: edgepress watch {found.id}", as_json=json_)


def _watched(job: "Job", here: Invocation, *, has_all: bool) -> TrialsView:
    """Show the trials of a job whenever a pipeline has changed, and return the last ones when the job has ended."""
    view, seen = None, None
    with Live(console=here.err, transient=True) if here.err.is_terminal and not here.as_json else nullcontext() as live:
        for look in job.watch(lambda error: here.note(f"{error}; trying again")):
            states = [(pipeline.name, pipeline.state) for pipeline in look.pipelines]
            if view is not None and states == seen:
                continue
            view, seen = job.trials(), states
            if live is not None:
                live.update(trials_table(view, has_all=has_all), refresh=True)
            else:
                here.note(next(_notes(view, 0)))
    assert view is not None, "a job is shown at least once"
    return view if view.complete else job.trials()


def trials_table(view: TrialsView, *, has_all: bool) -> RenderableType:
    """Return the trials as a table, with the outcome below it.

    Args:
        view: The trials.
        has_all: Whether screenings that were not promoted are included.
    """
    figures = {name: OBJECTIVES[name].figure for name in view.criteria if name in OBJECTIVES}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for head in ("trial", "state", "limits", "front"):
        table.add_column(head, no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    is_predicted = any(
        trial.trial is not None and trial.trial.predicted_latency_ms is not None for trial in view.trials
    )
    if is_predicted:
        table.add_column("predicted", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    shown = [trial for trial in view.trials if has_all or not (trial.stopped or _is_probe(trial))]
    for trial in sorted(shown, key=_order):
        values = (figure.text(trial.values.get(name)) for name, figure in figures.items())
        kept = {None: "", True: "kept", False: "missed"}[trial.keeps_limits]
        front = "yes" if trial.on_front else ""
        predicted = (_predicted(trial),) if is_predicted else ()
        table.add_row(trial.name, words(trial.state), kept, front, *values, *predicted, _why(trial))
    return Group(table, *(Text(line) for line in _notes(view, len(view.trials) - len(shown))))


def _order(trial: TrialView) -> tuple[bool, bool, int]:
    is_screening = trial.trial is not None and trial.trial.kind == "screening"
    return is_screening, trial.place is None, trial.place or 0


def _is_probe(trial: TrialView) -> bool:
    return trial.trial is not None and trial.trial.kind == "probe"


def _predicted(trial: TrialView) -> str:
    record = trial.trial
    if record is None or record.predicted_latency_ms is None:
        return ""
    if record.predicted_low_ms is None or record.predicted_high_ms is None:
        return milliseconds(record.predicted_latency_ms)
    return f"{record.predicted_low_ms:.3g} to {milliseconds(record.predicted_high_ms)}"


def _why(trial: TrialView) -> str:
    return trial.stopped or ("" if trial.trial is None else trial.trial.reason)


def _notes(view: TrialsView, hidden: int) -> Iterator[str]:
    hours = "" if view.hours_budget is None else f" of {view.hours_budget:g}"
    spent = f"{view.tried} of {view.trials_budget} trials, {view.hours:.1f}{hours} hours of work"
    yield f"{spent}; decided by the measurements of {view.device}."
    if view.ruled_out:
        yield f"{view.ruled_out} combinations are not tried: their predicted latency misses the limit."
    if hidden:
        yield f"{hidden} probes and screenings that were not promoted are not shown: --all."
    if view.winner is not None:
        yield f"{'Winner' if view.complete else 'Best so far'}: {view.winner.words}"
        if view.winner.test is not None:
            yield f"Test split: {view.winner.test.words}"
    yield from (price.words for price in view.prices)
