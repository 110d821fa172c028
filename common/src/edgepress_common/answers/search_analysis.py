"""The analysis of a search's trials: the growth of the front, and the importance of each choice."""

from datetime import datetime

from edgepress_common.answers.charts import Chart, ParallelChart
from edgepress_common.frozen import Message


class FrontGrowth(Message):
    """A file that changed the Pareto front.

    Attributes:
        pipeline: Name of its pipeline.
        ended_at: When the pipeline ended; None if that is not known.
        hours: Hours of work that had been spent on the job by then.
        hypervolume: Hypervolume of the front with it, 0 to 1; see `SearchAnalysis`.
    """

    pipeline: str
    ended_at: datetime | None
    hours: float
    hypervolume: float


class ChoiceImportance(Message):
    """The importance of a choice for a criterion.

    Attributes:
        criterion: Name of the criterion.
        choice: Name of the choice, such as ``zeros``.
        share: Its share of the importance of all choices for this criterion, 0 to 1.
    """

    criterion: str
    choice: str
    share: float


class SearchAnalysis(Message):
    """An analysis of a search's trials.

    The **hypervolume** (Zitzler and Thiele 1998) is that of the front of all files that were trained for all epochs and
    keep the limits, in the scale of the search: shares as they are, sizes and times by their logarithm. Each objective
    is scaled so that 0 is the ideal point and 1 the nadir point of the front as it is now; the reference point is at
    1.1. The value is the share of the box between the ideal and the reference point that the front dominates. It
    compares moments of one search, and not two searches.

    The **importance** of a choice is that of PED-ANOVA (Watanabe, Bansal and Hutter 2023, doi:10.24963/ijcai.2023/488,
    as optuna has it): how different the values of the choice are among the best trials and among all.

    Attributes:
        objectives: Objectives that the hypervolume is of: the first three of the search.
        ideal: Best value of each objective on the front, in the figure's unit; empty without a front.
        reference: Value of each objective at the reference point, in the figure's unit; empty without a front.
        growth: The files that changed the front, in the order in which they ended.
        importances: Importance of each choice for each criterion; none for fewer than ten measured trials.
        importance_trials: Number of trials that the importance is computed from.
        importance_best: Share of these trials that count as the best.
        charts: Charts of all this.
        parallel: The trials as parallel coordinates; None without measured trials.
    """

    objectives: tuple[str, ...]
    ideal: dict[str, float]
    reference: dict[str, float]
    growth: tuple[FrontGrowth, ...]
    importances: tuple[ChoiceImportance, ...]
    importance_trials: int
    importance_best: float
    charts: tuple[Chart, ...]
    parallel: ParallelChart | None
