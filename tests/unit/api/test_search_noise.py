"""A search over pure noise: the labels are random, and no trial is better than another.

Its winner looks good on the validation split, because it is the best of many. On the test split, which no decision has
seen, it gains no more than the correction for the choice allows.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

import pytest

from edgepress_api.jobs.trials import judge
from edgepress_api.planners.results import EvaluationOutcome, ExportOutcome, PipelineResult
from edgepress_api.planners.search.outcome import find_winner
from edgepress_api.planners.search.past import REFERENCE, Past
from edgepress_common.answers.trials import FinalJudgement
from edgepress_common.results import SplitResult
from edgepress_common.significance import SIGNIFICANCE, discordant, mcnemar
from edgepress_common.spec import JobSpec, Pipeline
from fakes.search import MadeUpWorld, search_spec

IMAGES = 200
SEARCHES = 60
TRIALS = 24
SPACE = {"networks": [{"architecture": "resnet18"}], "teachers": ["none"]}


@dataclass
class TossedWorld(MadeUpWorld):
    """Each image of each split is classified by the toss of a coin.

    Attributes:
        seed: Seed of the tosses.
    """

    seed: int = 0

    def outcome(self, pipeline: Pipeline, seed: int | None = None) -> tuple[ExportOutcome, ...]:
        """See `MadeUpWorld`."""
        (file,) = super().outcome(pipeline, seed)
        source = random.Random(f"{self.seed} {seed} {pipeline.stages!r} {pipeline.exports!r}")
        (evaluation,) = file.evaluations
        assert evaluation.result is not None
        result = evaluation.result.model_copy(update={**dict(tossed(source)), "test": tossed(source)})
        return (file.model_copy(update={"evaluations": (evaluation.model_copy(update={"result": result}),)}),)


def tossed(source: random.Random) -> SplitResult:
    """Return the result of a split whose images are classified at random."""
    tosses = [source.random() < 0.5 for _ in range(IMAGES)]
    bits, right = sum(toss << at for at, toss in enumerate(tosses)), sum(tosses)
    return SplitResult(
        images=IMAGES, accuracy=right / IMAGES, precision=0.5, recall=0.5, f1=0.5,
        confusion=((right, IMAGES - right), (0, 0)),
        right_images=base64.b64encode(bits.to_bytes(IMAGES // 8)).decode(),
    )  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """A search that has ended.

    Attributes:
        validation: Accuracy of the winner, by which it was chosen.
        naive: p-value of the winner against the job's network on the validation split, without a correction.
        judgement: Judgement on the test split.
    """

    validation: float
    naive: float
    judgement: FinalJudgement


def spec(strategy: str, seed: int) -> JobSpec:
    """Return a search for the most accurate file."""
    found = search_spec(
        objectives=["accuracy"], space=SPACE, budget={"trials": TRIALS}, strategy=strategy, finalists=1, seeds=1,
        screening=1,
    )  # fmt: skip
    return found.model_copy(update={"training": found.training.model_copy(update={"seed": seed})})


@cache
def searched(strategy: str) -> tuple[Ended, ...]:
    """Return the ends of many searches."""
    return tuple(_ended(spec(strategy, seed), TossedWorld(seed=seed)) for seed in range(SEARCHES))


def _ended(of: JobSpec, world: TossedWorld) -> Ended:
    past = Past(of, "pi", world.run(of))
    winner = find_winner(past)
    assert winner is not None
    file = _file(past.results, winner.candidate.pipeline)
    reference = next(each for each in past.results if each.name == REFERENCE)
    judgement = judge(past, file, reference)
    assert judgement is not None
    return Ended(winner.candidate.values["accuracy"], _naive(file, reference.exports[0]), judgement)


def _file(results: Sequence[PipelineResult], name: str) -> ExportOutcome:
    return next(each for each in results if each.name == name).exports[0]


def _naive(file: ExportOutcome, reference: ExportOutcome) -> float:
    right = [_right(each.evaluations[0]) for each in (file, reference)]
    return mcnemar(*discordant(right[0], right[1]))


def _right(evaluation: EvaluationOutcome) -> str:
    assert evaluation.result is not None
    assert evaluation.result.right_images is not None
    return evaluation.result.right_images


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["knee_guided", "tpe", "random"])
def test_noise_gains_nothing_on_the_test_split(strategy: str) -> None:
    """At most one search in twenty finds a significant gain; the mean accuracy is that of chance."""
    ended = searched(strategy)
    assert {each.judgement.tried for each in ended} == {TRIALS + 1}
    gains = [
        each
        for each in ended
        if each.judgement.p_value is not None
        and each.judgement.p_value < SIGNIFICANCE
        and each.judgement.reference_accuracy is not None
        and each.judgement.accuracy > each.judgement.reference_accuracy
    ]
    assert len(gains) <= SIGNIFICANCE * SEARCHES
    # Three standard deviations of the mean: 3 * sqrt(0.25 / 200 / 60).
    assert fmean(each.judgement.accuracy for each in ended) == pytest.approx(0.5, abs=0.014)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["knee_guided", "tpe", "random"])
def test_without_the_test_split_noise_would_look_like_a_gain(strategy: str) -> None:
    """The winner is above chance on the images that it was chosen by, and often significantly."""
    ended = searched(strategy)
    assert fmean(each.validation for each in ended) > 0.55
    assert sum(each.naive < SIGNIFICANCE for each in ended) > 2 * SIGNIFICANCE * SEARCHES
