"""The recommendation of a report: which file to ship to each device.

The fields for each criterion follow from the figures that are declared as criteria; see `edgepress_common.figures`.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import create_model

from edgepress_common.figures.objectives import OBJECTIVES, objective_fields
from edgepress_common.frozen import MaybeUnknown, Message, added_field
from edgepress_common.significance import Test
from edgepress_common.spec import Criterion, ExportKind, Goals, RankingMethod

PURPOSES: dict[str, str] = {"best_all_round": "Best all-round"} | {
    # The default criteria are declared with accuracy first, and what is small and fast is asked for first.
    each.goal.purpose: each.goal.purpose_title
    for each in reversed(OBJECTIVES.values())
    if each.goal.purpose is not None
}
"""Titles of the recommendations for a device, by name: the first of the ranking, and the best by single criteria."""

if TYPE_CHECKING:
    # The criteria and purposes that the code names; the others follow from their declarations, as these do.
    PurposeName = str

    class PerCriterion(Message):
        """A number for each criterion; None where the criterion does not count, as latency on an emulated device."""

        accuracy: float | None = None
        latency: float | None = None
        size: float | None = None
        zip: float | None = None

    class _EachFigure(Message):
        accuracy: float
        latency_ms: float | None = None
        size_bytes: int
        zip_bytes: int

else:
    PurposeName = Literal[tuple(PURPOSES)]
    PerCriterion = create_model(
        "PerCriterion",
        __base__=Message,
        __module__=__name__,
        __doc__="A number for each criterion; None where it does not count, as latency on an emulated device.",
        **dict.fromkeys(OBJECTIVES, (float | None, None)),
    )
    _EachFigure = create_model("_EachFigure", __base__=Message, **objective_fields())


class Choice(Message):
    """A file, and how to run it.

    Attributes:
        pipeline: Name of the pipeline.
        export: Kind of the export.
        threads: Number of interpreter threads with the lowest median latency.
        model_sha256: SHA-256 of the file, its name among the artifacts.
        options: Options of the export, as in the row of the report.
    """

    pipeline: str
    export: MaybeUnknown[ExportKind]
    threads: int
    model_sha256: str
    options: str = added_field("")

    @property
    def export_name(self) -> str:
        """Name of the export among those of its pipeline: ``int8``, or ``int8 (weight_scales: layer)``."""
        return f"{self.export} ({self.options})" if self.options else str(self.export)


class Standing(Message):
    """The places of a candidate among those that keep the limits.

    Attributes:
        place: Place by the goals' ranking method, counted from 1; equal candidates share a place.
        places: Place by each ranking method.
        totals: Total by each ranking method; larger is better.
        scores: Score in each criterion, 0 to 1, 1 being the best candidate; see
            `edgepress_api.recommendation.scoring`.
        share_of_weightings: Share of all possible weights under which it is first by the weighted sum.
        on_front: Whether no other candidate is at least as good in every criterion and better in one.
    """

    place: int
    places: dict[MaybeUnknown[RankingMethod], int]
    totals: dict[MaybeUnknown[RankingMethod], float]
    scores: PerCriterion
    share_of_weightings: float
    on_front: bool


class Difference(Message):
    """The difference between the accuracy of the most accurate candidate and that of another.

    Attributes:
        points: How much lower the accuracy is, as a share (0.01 is one point).
        test: ``paired_t`` over the seeds that both have, if those are several; else ``mcnemar`` where it is known which
            images each file classifies correctly; else ``newcombe``.
        p_value: p-value of ``mcnemar`` and ``paired_t``, else None.
        within_noise: Whether the difference is not statistically significant: p is 0.05 or more, or the 95 % interval
            contains 0.
        about: ``methods``: a statement about two methods, over several seeds; ``files``: about two files of one
            training each, which another seed may turn round.
    """

    points: float
    test: Test
    p_value: float | None
    within_noise: bool
    about: Literal["files", "methods"] = "files"


class FinalAccuracy(Message):
    """How a file classifies the test split. No limit, rank, weight or choice depends on it.

    Attributes:
        images: Number of test images.
        accuracy: Share of them that is classified correctly.
        low: Lower end of the accuracy's 95 % interval.
        high: Upper end of the accuracy's 95 % interval.
        words: The same in words.
    """

    images: int
    accuracy: float
    low: float
    high: float
    words: str


class Candidate(_EachFigure, Choice):
    """A file that could be shipped, at the number of threads that it is fastest with.

    It has the figure of each criterion, under the field that its declaration names; None if it is unknown, or a latency
    of an emulated device. The accuracy and everything that is decided by it are of the validation split.

    Attributes:
        method: Methods applied to the network, as in the report.
        accuracy_low: Lower end of the accuracy's 95 % interval.
        accuracy_high: Upper end of the accuracy's 95 % interval.
        difference: Difference from the most accurate candidate.
        misses: The limits that it misses, in words; empty if none.
        standing: Its places; None where it misses a limit.
        seeds: Number of seeds of its export; the file is that with the median accuracy.
        accuracy_mean: Mean accuracy over the seeds, by which it is ranked; None with one seed.
        accuracy_std: Standard deviation of the accuracy over the seeds; None with one seed.
        final: Its accuracy on the test split; None without a test split, or if it is not measured there.
    """

    method: str
    accuracy_low: float
    accuracy_high: float
    difference: Difference
    misses: tuple[str, ...]
    standing: Standing | None
    seeds: int = 1
    accuracy_mean: float | None = None
    accuracy_std: float | None = None
    final: FinalAccuracy | None = None


class Purpose(Message):
    """The file to ship for a purpose, and why.

    Attributes:
        purpose: The purpose.
        choice: The file.
        instead: An alternative, where the choice is significantly less accurate than the best: the first for the
            purpose among the others. For ``most_accurate``: the smallest to send among those whose accuracy is
            not significantly different, if it is another file.
        words: The reason, with the figures that decided: of the validation split.
        final: Accuracy of the choice on the test split; None without a test split, or if it is not measured there.
    """

    purpose: MaybeUnknown[PurposeName]
    choice: Choice
    instead: Choice | None
    words: str
    final: FinalAccuracy | None = None


class Front(Message):
    """The Pareto front of accuracy and one other criterion.

    Attributes:
        against: The other criterion.
        members: The files on the front, the least accurate first.
        knee: The file beyond which giving up more of one criterion gains little of the other; None where there is none.
        hypervolume: Hypervolume of the front in scores, 0 to 1.
    """

    against: MaybeUnknown[Criterion]
    members: tuple[Choice, ...]
    knee: Choice | None
    hypervolume: float


class WeightBounds(Message):
    """The range of one weight within which the first place stays the same; the others keep their proportions.

    Attributes:
        criterion: The criterion that the weight belongs to.
        weight: The weight, the weights summing to 1.
        low: Lower end of the range.
        high: Upper end of the range.
        below: The file that is first below the range; None where there is none.
        above: The file that is first above the range; None where there is none.
    """

    criterion: MaybeUnknown[Criterion]
    weight: float
    low: float
    high: float
    below: Choice | None
    above: Choice | None


class Stability(Message):
    """How sensitive the first place of the weighted sum is to the weights.

    Attributes:
        first: The file in the first place.
        share_of_weightings: Share of all possible weights under which it is first.
        bounds: Range of each criterion's weight.
        methods_agree: Whether all three ranking methods put it first.
        words: The same in a few sentences.
    """

    first: Choice
    share_of_weightings: float
    bounds: tuple[WeightBounds, ...]
    methods_agree: bool
    words: str


class DeviceRecommendation(Message):
    """The recommendation for one device.

    Attributes:
        device: Name of the device.
        emulated: Whether the device emulates its processor; latencies are then not used.
        reference: The file that accuracy drops are measured against.
        reference_accuracy: Accuracy of that file.
        purposes: The file to ship for each purpose; empty where no file keeps the limits.
        candidates: All files, the best first; those that miss a limit last.
        fronts: Pareto fronts of the files that keep the limits.
        stability: Sensitivity to the weights; None where no file keeps the limits.
        cautions: Caveats, in words.
        test_images: Number of test images; None without a test split, or if no file is measured on it.
        summary: The best all-round file, what it gives up and what it wins against the reference, a sentence each;
            empty where no file keeps the limits.
    """

    device: str
    emulated: bool
    reference: Choice
    reference_accuracy: float
    purposes: tuple[Purpose, ...]
    candidates: tuple[Candidate, ...]
    fronts: tuple[Front, ...]
    stability: Stability | None
    cautions: tuple[str, ...]
    test_images: int | None = None
    summary: tuple[str, ...] = ()


class Recommendation(Message):
    """Which file to ship, for each device.

    Attributes:
        goals: The goals that the recommendation is made by.
        weights: Effective weights, summing to 1: those of the goals, or those that follow from their preferences.
        consistency_ratio: Consistency ratio of the preferences: 0 without contradictions, above 0.1 too inconsistent.
        devices: The recommendation for each device, in the order of the report.
    """

    goals: Goals
    weights: PerCriterion
    consistency_ratio: float
    devices: tuple[DeviceRecommendation, ...]
