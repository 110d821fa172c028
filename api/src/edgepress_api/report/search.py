"""Analyses the search of a job: what its trials show together, and the charts of it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from edgepress_api.jobs.trials import read_search, view_trials
from edgepress_api.planners.search.growth import find_growth
from edgepress_api.planners.search.importance import best_share, find_importances
from edgepress_api.planners.search.past import Past
from edgepress_api.report.charts.search import parallel_coordinates, search_charts
from edgepress_common.answers.search_analysis import ChoiceImportance, FrontGrowth, SearchAnalysis
from edgepress_common.answers.trials import TrialsView
from edgepress_common.spec.space import options


@dataclass(frozen=True)
class ReportedSearch:
    """A search, as a report shows it."""

    trials: TrialsView
    analysis: SearchAnalysis


def report_search(session: Session, job_id: str) -> ReportedSearch:
    """Return the trials of a job's search and their analysis.

    Raises:
        NotFoundError: No such job, or it has no search.
    """
    job, past = read_search(session, job_id)
    view = view_trials(session, job, past)
    return ReportedSearch(view, analyse_search(past, view))


def analyse_search(past: Past, view: TrialsView) -> SearchAnalysis:
    """Return the analysis of a search.

    Args:
        past: Its results so far.
        view: Its trials, from the same results.
    """
    ends = {each.name: each for each in view.trials if each.hours is not None}
    found = find_growth(past, {name: each.hours or 0.0 for name, each in ends.items()})
    growth = tuple(
        FrontGrowth(pipeline=name, ended_at=ends[name].ended_at, hours=ends[name].hours or 0.0, hypervolume=volume)
        for name, volume in found.steps
    )
    importances = tuple(
        ChoiceImportance(criterion=criterion, choice=choice, share=share)
        for criterion, shares in find_importances(past)
        for choice, share in shares.items()
    )
    count = len({each.candidate.pipeline for each in past.ranked_tried()})
    return SearchAnalysis(
        objectives=found.objectives,
        ideal={**found.ideal},
        reference={**found.reference},
        growth=growth,
        importances=importances,
        importance_trials=count if importances else 0,
        importance_best=best_share(count),
        charts=search_charts(view, growth, importances),
        parallel=parallel_coordinates(view, _labels(past)),
    )


def _labels(past: Past) -> dict[str, tuple[str, ...]]:
    """Return the labels of each choice of a search's space."""
    return {choice: tuple(values) for choice, values in options(past.search.space, past.spec.model).items()}
