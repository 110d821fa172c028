"""The trials of a search and what they have found so far."""

from datetime import datetime

from edgepress_common.answers.job_list import JobState
from edgepress_common.frozen import Message, added_field
from edgepress_common.trial import Trial


class TrialView(Message):
    """A pipeline of a search.

    Attributes:
        name: Name of the pipeline.
        state: State of the pipeline.
        trial: The record of the search; None for a pipeline that the spec lists.
        values: Its figures in the criteria of the search, on the device that decides; empty until they are known.
        keeps_limits: Whether it keeps all limits; None until its figures are known.
        on_front: Whether it keeps the limits, and no other such pipeline with as many epochs dominates it.
        place: Its place among the pipelines with as many epochs, from 1; None until its figures are known.
        stopped: Why it was not trained for all epochs; None if it was, or may be.
        ended_at: When it ended; None until then.
        hours: Hours of work that had been spent on the job when it ended; None until then.
    """

    name: str
    state: JobState
    trial: Trial | None
    values: dict[str, float]
    keeps_limits: bool | None
    on_front: bool
    place: int | None
    stopped: str | None
    ended_at: datetime | None = added_field(None)
    hours: float | None = added_field(None)


class LimitPrice(Message):
    """The price of a limit: what would be possible without it, with all other limits kept.

    Attributes:
        limit: Name of the limit.
        value: The limit.
        kept_by: Number of files that keep it.
        nearest: The best value of the limited figure among files that keep the other limits; None without such a file.
        best_with: The best value of the first objective among files that keep all limits; None without such a file.
        best_without: The same among files that keep the other limits.
        words: The price in a sentence.
    """

    limit: str
    value: float
    kept_by: int
    nearest: float | None
    best_with: float | None
    best_without: float | None
    words: str


class FinalJudgement(Message):
    """The winner on the test split, which no decision has seen.

    Attributes:
        images: Number of test images.
        accuracy: Accuracy of the winner's file.
        low: Lower end of its 95 % interval (Wilson's).
        high: Upper end of its 95 % interval.
        reference_accuracy: Accuracy of the job's network, not compressed; None if it was not measured.
        tried: Number of files that the winner was chosen from.
        p_value: p-value of the difference from the reference (McNemar's exact test), times ``tried`` (Bonferroni); None
            without a reference on the same images.
        words: The judgement in a sentence.
    """

    images: int
    accuracy: float
    low: float
    high: float
    reference_accuracy: float | None
    tried: int
    p_value: float | None
    words: str


class Winner(Message):
    """The best pipeline of a search.

    Attributes:
        pipeline: Name of the pipeline whose file is the winner: of several seeds, that with the median accuracy.
        export: Kind of the export.
        seeds: Number of seeds that it was trained with.
        values: Its figures in the criteria of the search, means over the seeds.
        keeps_limits: Whether it keeps all limits. If not, it is the nearest that was found.
        test: Its judgement on the test split; None without one, and until the search has ended.
        words: The result in a sentence.
    """

    pipeline: str
    export: str
    seeds: int
    values: dict[str, float]
    keeps_limits: bool
    test: FinalJudgement | None
    words: str


class TrialsView(Message):
    """The trials of a search.

    Attributes:
        complete: Whether the search has ended. Before, the winner is the best so far.
        device: The device whose measurements decide.
        criteria: Objectives of the search, then the criteria that are limited.
        objectives: Number of criteria that are objectives.
        trials: The pipelines of the search, in the order in which they were proposed.
        tried: Number of members of the space that were tried.
        trials_budget: Number of members of the space that may be tried.
        hours: Hours of work that were spent.
        hours_budget: Hours of work that may be spent; None for no limit.
        winner: The best pipeline; None until one has been trained for all epochs and measured.
        prices: The price of each limit.
        ruled_out: Number of members of the space that are not tried, because the device's latency model expects them to
            miss the latency limit.
        latency_error: Median error of that model, as a share; None without a model.
    """

    complete: bool
    device: str
    criteria: tuple[str, ...]
    objectives: int
    trials: tuple[TrialView, ...]
    tried: int
    trials_budget: int
    hours: float
    hours_budget: float | None
    winner: Winner | None
    prices: tuple[LimitPrice, ...]
    ruled_out: int = added_field(0)
    latency_error: float | None = added_field(None)
