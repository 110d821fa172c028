"""A gateway whose device classifies images at random, to run a search to its end."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from edgepress_api.jobs.growing import grow_plans
from edgepress_common.results import EvaluationResult, ExportResult, PackResult, SplitResult, StepResult
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.search import search_spec

IMAGES = 200
SPACE = {"networks": [{"architecture": "resnet18"}], "teachers": ["none"]}
SEARCH: dict[str, Any] = {
    "objectives": ["accuracy"],
    "space": SPACE,
    "budget": {"trials": 8},
    "finalists": 2,
    "seeds": 2,
}


@dataclass
class RandomLabels:
    """Results of files that know nothing: each image of two classes is a toss of a coin.

    Attributes:
        source: Source of the tosses.
        chance: Probability that an image is classified correctly.
    """

    source: random.Random
    chance: float = 0.5

    def change(self, result: StepResult) -> StepResult:
        """Return a result with tossed figures; for `Workforce.change`."""
        match result:
            case PackResult():
                return result.model_copy(update={"test_counts": (IMAGES // 2, IMAGES // 2)})
            case EvaluationResult():
                split = self._split()
                return result.model_copy(update={**dict(split), "test": self._split()})
            case _:
                return result

    def _split(self) -> SplitResult:
        tosses = [self.source.random() < self.chance for _ in range(IMAGES)]
        right = sum(tosses)
        bits = sum(1 << at for at, toss in enumerate(tosses) if toss)
        return SplitResult(
            images=IMAGES,
            accuracy=right / IMAGES,
            precision=0.5,
            recall=0.5,
            f1=0.5,
            confusion=((right, IMAGES - right), (0, 0)),
            right_images=base64.b64encode(bits.to_bytes(-(-IMAGES // 8))).decode(),
        )


@dataclass
class RandomFigures:
    """Results of files that differ in accuracy, latency and coded size; each evaluation takes a minute.

    Attributes:
        gateway: The gateway whose clock goes on.
        source: Source of the figures.
    """

    gateway: GatewayApp
    source: random.Random

    def change(self, result: StepResult) -> StepResult:
        """Return a result with other figures; for `Workforce.change`."""
        match result:
            case ExportResult():
                return result.model_copy(update={"coded_bytes": self.source.randrange(20_000, 2_000_000)})
            case EvaluationResult():
                self.gateway.workforce.now += timedelta(minutes=1)
                (timing,) = result.measurements
                factor = self.source.uniform(1, 20)
                latency = {name: factor * value for name, value in timing.latency_ms if value and name != "runs"}
                measured = timing.model_copy(update={"latency_ms": timing.latency_ms.model_copy(update=latency)})
                labelled = RandomLabels(self.source, self.source.uniform(0.8, 0.97)).change(result)
                return labelled.model_copy(update={"measurements": (measured,)})
            case _:
                return result


def searching_gateway(folder: Path, labels: RandomLabels) -> GatewayApp:
    """Return a gateway whose device measures what the labels give."""
    gateway = sqlite_gateway(folder)
    gateway.workforce.change = labels.change
    return gateway


def submit_search(gateway: GatewayApp, **search: object) -> str:
    """Post a small search, and return its id."""
    return gateway.submission.submit(search_spec(**SEARCH | search), gateway.now)


def finish_search(gateway: GatewayApp) -> None:
    """Work until the searches of a gateway have ended."""
    for _ in range(40):
        gateway.workforce.work_until_nothing_is_left()
        gateway.workforce.now += timedelta(seconds=1)
        grow_plans(gateway.database, gateway.ledger, gateway.planners, gateway.workforce.now)
