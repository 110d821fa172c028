"""Charts of a search: its trade-offs, the growth of its front, the importance of choices, predictions, all trials."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgepress_common.answers.charts import (
    Chart,
    ChartAxis,
    ChartPoint,
    ChartSeries,
    ParallelChart,
    ParallelLine,
    Spread,
)
from edgepress_common.answers.search_analysis import ChoiceImportance, FrontGrowth
from edgepress_common.answers.trials import TrialsView, TrialView
from edgepress_common.figures.formats import bare_value, percent
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.spec import Criterion

TRIAL_COLOURS = {"screened": "muted", "all epochs": "m4", "front": "m0"}
"""Colours of trials, those in front last."""

_SMALLEST = 1e-9  # lower bound of values on a logarithmic scale


def search_charts(
    view: TrialsView, growth: Sequence[FrontGrowth], importances: Sequence[ChoiceImportance]
) -> tuple[Chart, ...]:
    """Return the charts of a search, without the parallel coordinates.

    Args:
        view: The trials.
        growth: The files that changed the front.
        importances: Importance of each choice for each criterion.
    """
    return (*_trade_offs(view), *_growth(growth), *_importances(importances), *_predictions(view))


def parallel_coordinates(view: TrialsView, space: Mapping[str, Sequence[str]]) -> ParallelChart | None:
    """Return the trials with their choices and figures as lines; None without measured trials.

    Of a trial with all epochs, its screening is not drawn a second time.

    Args:
        view: The trials.
        space: Labels of each choice, in the order of the axes. Trials from before the space was changed have others.
    """
    full = {_member(each) for each in view.trials if each.values and _group(each) != "screened"}
    shown = [
        each
        for each in view.trials
        if each.trial is not None and each.trial.choices and each.values and each.trial.kind != "finalist"
        if _group(each) != "screened" or _member(each) not in full
    ]
    if not shown:
        return None
    labels = {
        choice: list(
            dict.fromkeys((*known, *(_choices(trial)[choice] for trial in shown if choice in _choices(trial))))
        )
        for choice, known in space.items()
    }
    axes = [ChartAxis(title=choice.replace("_", " "), rows=tuple(found)) for choice, found in labels.items()]
    lines = tuple(
        ParallelLine(
            name=trial.name,
            colour=TRIAL_COLOURS[_group(trial)],
            values=(
                *(
                    found.index(_choices(trial)[choice]) if choice in _choices(trial) else None
                    for choice, found in labels.items()
                ),
                *(_bare(name, trial.values[name]) for name in view.criteria),
            ),
        )
        for trial in shown
    )
    return ParallelChart(
        title="All trials by choices and figures",
        summary=f"Parallel coordinates of {len(lines)} trials: {len(labels)} choices, {len(view.criteria)} figures",
        axes=(*axes, *(_axis(name) for name in view.criteria)),
        lines=lines,
    )


def _group(trial: TrialView) -> str:
    if trial.trial is not None and trial.trial.kind == "screening":
        return "screened"
    return "front" if trial.on_front else "all epochs"


def _choices(trial: TrialView) -> Mapping[str, str]:
    return {} if trial.trial is None else trial.trial.choices


def _member(trial: TrialView) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_choices(trial).items()))


def _bare(name: Any, value: float) -> float:
    figure = OBJECTIVES[name].figure
    return 100 * value if figure.unit == "share" else max(bare_value(value, figure.unit), _SMALLEST)


def _axis(name: Any) -> ChartAxis:
    objective = OBJECTIVES[name]
    is_share = objective.figure.unit == "share"
    unit = "%" if is_share else objective.figure.bare_unit
    return ChartAxis(title=", ".join(part for part in (objective.goal.title, unit) if part), is_log=not is_share)


def _words(trial: TrialView) -> str:
    facts = [f"{OBJECTIVES[name].goal.title} {OBJECTIVES[name].figure.text(each)}" for name, each in _values(trial)]
    choices = ", ".join(f"{choice.replace('_', ' ')} {label}" for choice, label in _choices(trial).items())
    return f"{trial.name}: {', '.join(facts)}{f'; {choices}' if choices else ''}"


def _values(trial: TrialView) -> Iterator[tuple[Criterion, float]]:
    for name, objective in OBJECTIVES.items():
        if name in trial.values and objective is not None:
            yield name, trial.values[name]


def _trade_offs(view: TrialsView) -> Iterator[Chart]:
    """Yield accuracy against each other criterion, or the first criterion if accuracy is none."""
    measured = [trial for trial in view.trials if trial.values]
    up = "accuracy" if "accuracy" in view.criteria else view.criteria[0]
    for name in view.criteria:
        if name == up or not measured:
            continue
        title = f"{OBJECTIVES[up].goal.title.capitalize()} against {OBJECTIVES[name].goal.title}"
        groups: dict[str, list[ChartPoint]] = {group: [] for group in TRIAL_COLOURS}
        for trial in measured:
            group = _group(trial)
            groups[group].append(
                ChartPoint(
                    x=_bare(name, trial.values[name]),
                    y=_bare(up, trial.values[up]),
                    words=_words(trial),
                    label=trial.name if group == "front" else "",
                    is_faint=group == "screened" or trial.keeps_limits is False,
                )
            )
        yield Chart(
            topic="search",
            title=title,
            summary=f"{title} of {len(measured)} trials; {len(groups['front'])} are on the Pareto front",
            device=view.device,
            x=_axis(name),
            y=_axis(up),
            series=tuple(
                ChartSeries(name=group, kind="points", colour=TRIAL_COLOURS[group], points=tuple(points))
                for group, points in groups.items()
                if points
            ),
        )


def _growth(growth: Sequence[FrontGrowth]) -> Iterator[Chart]:
    if not growth:
        return
    points = tuple(
        ChartPoint(
            x=each.hours, y=each.hypervolume, words=f"{each.pipeline}: {each.hypervolume:.3f} after {each.hours:.2f} h"
        )
        for each in growth
    )
    yield Chart(
        topic="search",
        title="Hypervolume of the front over hours of work",
        summary=f"Hypervolume over hours of work; {growth[-1].hypervolume:.3f} after {growth[-1].hours:.2f} hours",
        x=ChartAxis(title="hours of work"),
        y=ChartAxis(title="hypervolume"),
        series=(
            ChartSeries(name="hypervolume", kind="steps", colour="front", points=points),
            ChartSeries(name="joined the front", kind="points", colour="m0", points=points),
        ),
    )


def _importances(importances: Sequence[ChoiceImportance]) -> Iterator[Chart]:
    for criterion in dict.fromkeys(each.criterion for each in importances):
        found = sorted((each for each in importances if each.criterion == criterion), key=lambda each: -each.share)
        title = f"Importance of each choice for {OBJECTIVES[criterion].goal.title}"
        names = tuple(each.choice.replace("_", " ") for each in found)
        points = tuple(
            ChartPoint(
                x=100 * each.share, y=at, words=f"{names[at]}: {percent(each.share, 1)}", label=percent(each.share, 0)
            )
            for at, each in enumerate(found)
        )
        yield Chart(
            topic="search",
            title=title,
            summary=f"{title}: {', '.join(point.words for point in points)}",
            x=ChartAxis(title="share, %", ends=(0, 100)),
            y=ChartAxis(title="", rows=names),
            series=(ChartSeries(name="importance", kind="bars", colour="m4", points=points),),
        )


def _predictions(view: TrialsView) -> Iterator[Chart]:
    """Yield predicted against measured latency, if trials have predictions."""
    points = []
    for trial in view.trials:
        predicted = None if trial.trial is None else trial.trial.predicted_latency_ms
        measured = trial.values.get("latency")
        if trial.trial is None or predicted is None or measured is None:
            continue
        low, high = trial.trial.predicted_low_ms, trial.trial.predicted_high_ms
        words = f"{trial.name}: {predicted:.3g} ms predicted, {measured:.3g} ms measured"
        spread = None if low is None or high is None else Spread(low=low, high=high)
        points.append(ChartPoint(x=predicted, y=measured, words=words, spread=spread))
    if not points:
        return
    ends = [each for point in points for each in (point.x, point.y)]
    equal = tuple(ChartPoint(x=each, y=each) for each in (min(ends), max(ends)))
    yield Chart(
        topic="search",
        title="Predicted against measured latency",
        summary=f"Predicted against measured latency of {len(points)} trials",
        device=view.device,
        x=ChartAxis(title="predicted latency, ms"),
        y=ChartAxis(title="measured latency, ms"),
        series=(
            ChartSeries(name="equal", kind="line", colour="front", points=equal),
            ChartSeries(name="trials", kind="spreads", colour="m4", points=tuple(points)),
        ),
    )
