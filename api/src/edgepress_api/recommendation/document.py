"""What a recommendation says."""

from typing import Literal

from edgepress_common.frozen import Frozen
from edgepress_common.spec import Criterion, ExportKind, Goals, RankingMethod

PurposeName = Literal["best_all_round", "smallest_to_send", "fastest_to_run", "most_accurate"]


class PerCriterion(Frozen):
    """A figure for each criterion; None where the criterion does not count, as time on an emulated device."""

    accuracy: float | None
    latency: float | None
    size: float | None
    zip: float | None


class Choice(Frozen):
    """A file, and how to run it.

    Attributes:
        pipeline: Its pipeline's name.
        export: Kind of the export.
        threads: Interpreter threads that it was measured fastest with.
        model_sha256: Its name among the artifacts.
    """

    pipeline: str
    export: ExportKind
    threads: int
    model_sha256: str


class Standing(Frozen):
    """How a candidate stands among those that keep the limits, by each method.

    Attributes:
        place: By the goals' method, counted from 1; equals share a place.
        places: By each method.
        totals: What each method gives; larger is better.
        scores: 0 to 1 in each criterion, 1 being the best candidate; see `edgepress_api.recommendation.scoring`.
        share_of_weightings: Of all weights there could be, the share under which it is first by the weighted sum.
        on_front: Whether no other candidate is at least as good in everything and better in something.
    """

    place: int
    places: dict[RankingMethod, int]
    totals: dict[RankingMethod, float]
    scores: PerCriterion
    share_of_weightings: float
    on_front: bool


class Difference(Frozen):
    """An accuracy against the most accurate candidate's.

    Attributes:
        points: How much lower, as a share (0.01 is one point).
        test: ``mcnemar`` where it is known which images each gets right, else ``newcombe``.
        p_value: Of ``mcnemar``, else None.
        within_noise: Whether chance alone may have made it: p is 0.05 or more, or the 95 % interval holds 0.
    """

    points: float
    test: Literal["mcnemar", "newcombe"]
    p_value: float | None
    within_noise: bool


class Candidate(Choice):
    """A file that could be shipped, at the number of threads that it is fastest with.

    Attributes:
        method: What was done to the network, as in the report.
        accuracy: Share of the validation images classified right.
        accuracy_low: Lower end of its 95 % interval.
        accuracy_high: Upper end.
        difference: Against the most accurate candidate.
        latency_ms: Median time of one image; None on an emulated device.
        size_bytes: Of the .tflite file.
        zip_bytes: Of the .tflite file, zipped.
        misses: The limits that it misses, in words; empty if none.
        standing: None where it misses one.
    """

    method: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    difference: Difference
    latency_ms: float | None
    size_bytes: int
    zip_bytes: int
    misses: tuple[str, ...]
    standing: Standing | None


class Purpose(Frozen):
    """What to ship for a purpose, and why.

    Attributes:
        purpose: What for.
        choice: The file.
        instead: Another, where the choice is clearly less accurate than the best: the first for the purpose among those
            that are not. Of ``most_accurate``: the smallest to send of those that can't be told from it, if it is not
            itself.
        words: Why, with the figures.
    """

    purpose: PurposeName
    choice: Choice
    instead: Choice | None
    words: str


class Front(Frozen):
    """What nothing else beats in accuracy and one other criterion.

    Attributes:
        against: The other criterion.
        members: The files, from the least accurate.
        knee: Where giving up more of one stops buying much of the other; None where there is no such place.
        hypervolume: Share of the room between the worst and the best score in both that the front takes in, 0 to 1.
    """

    against: Criterion
    members: tuple[Choice, ...]
    knee: Choice | None
    hypervolume: float


class WeightBounds(Frozen):
    """How far one weight can go, the others keeping their proportions, before the first place changes hands.

    Attributes:
        criterion: Whose weight.
        weight: As it is, the weights summing to 1.
        low: The least.
        high: The most.
        below: Who takes over below; None where nobody does.
        above: Likewise above.
    """

    criterion: Criterion
    weight: float
    low: float
    high: float
    below: Choice | None
    above: Choice | None


class Stability(Frozen):
    """How far the first place of the weighted sum stands.

    Attributes:
        first: Whose it is.
        share_of_weightings: Of all weights there could be, the share under which it is first.
        bounds: By criterion.
        methods_agree: Whether all three methods put it first.
        words: The same in a sentence or two.
    """

    first: Choice
    share_of_weightings: float
    bounds: tuple[WeightBounds, ...]
    methods_agree: bool
    words: str


class DeviceRecommendation(Frozen):
    """What to ship to one device.

    Attributes:
        device: Its name.
        emulated: Whether it only imitates its processor: time is then left out of everything.
        reference: What a drop of accuracy is against.
        reference_accuracy: Its accuracy.
        purposes: What to ship; empty where nothing keeps the limits.
        candidates: The best first; those that miss a limit last.
        fronts: Of those that keep the limits.
        stability: None where nothing keeps the limits.
        cautions: What to be careful about, in words.
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


class Recommendation(Frozen):
    """Which file to ship, for each device.

    Attributes:
        goals: What was looked for.
        weights: In force, summing to 1: as the goals have them, or as follows from their preferences.
        consistency_ratio: How far the preferences contradict each other: 0 not at all, above 0.1 too much.
        devices: In the order of the report.
    """

    goals: Goals
    weights: PerCriterion
    consistency_ratio: float
    devices: tuple[DeviceRecommendation, ...]
