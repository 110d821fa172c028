"""Checks results of devices: a device is another program, and one impossible figure would be shown in every report.

`ReportedEvaluation` is an evaluation whose figures are possible and consistent with one another. What only the lease
tells (classes, images, threads, the model) is compared in `edgepress_api.devices.checking`. Results that were stored
before there were checks are read as they are, and left out where they are shown: see `shown_result`.
"""

import base64
import binascii
import math
from collections import Counter
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from edgepress_common.frozen import added_field
from edgepress_common.messages import StepFailure
from edgepress_common.results import (
    Energy,
    EvaluationResult,
    Latency,
    OperatorGroup,
    OperatorTime,
    ReliabilityBin,
    Roofline,
    SplitResult,
    StepResult,
    Surroundings,
    ThreadMeasurement,
    WrongImages,
)
from edgepress_common.text import HarmlessText

_LONGEST_MS = 6e8  # a step may take 160 hours at most, see `ApiSettings.max_step_hours`
_MOST_BYTES = 1 << 50
_MOST_IMAGES = 100_000_000
_MOST_MACS = 10**15
_BINS = 15
_ROUNDING = 1e-6  # relative: figures are sums of up to `_MOST_IMAGES` float64 values

Milliseconds = Annotated[float, Field(ge=0, le=_LONGEST_MS, allow_inf_nan=False)]
Duration = Annotated[float, Field(gt=0, le=_LONGEST_MS, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Celsius = Annotated[float, Field(ge=-273, le=1000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=_MOST_IMAGES)]
Bytes = Annotated[int, Field(ge=0, le=_MOST_BYTES)]
Rate = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Figure = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Words = Annotated[HarmlessText, StringConstraints(max_length=200)]


class ReportedLatency(Latency):
    """Times that are possible, and in order."""

    runs: int = Field(ge=1, le=_MOST_IMAGES)
    mean: Duration
    std: Milliseconds
    min: Duration
    p50: Duration
    p90: Duration
    p99: Duration
    max: Duration
    p50_low: Duration | None = added_field(None)
    p50_high: Duration | None = added_field(None)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        order = (self.min, self.p50, self.p90, self.p99, self.max)
        if list(order) != sorted(order) or not _within(self.mean, self.min, self.max):
            raise ValueError("the figures are not in order; accepted: min <= p50 <= p90 <= p99 <= max, and mean within")
        low, high = self.p50_low, self.p50_high
        if low is None and high is None:
            return self
        if low is None or high is None or not self.min <= low <= self.p50 <= high <= self.max:
            raise ValueError(
                f"the interval of the median is {low} to {high}; accepted: both ends or none, "
                "min <= p50_low <= p50 <= p50_high <= max"
            )
        return self


class ReportedOperatorTime(OperatorTime):
    """A time of an operator that is possible."""

    operator: Words
    calls: int = Field(ge=0, le=1_000_000)
    mean_ms: Milliseconds


class ReportedEnergy(Energy):
    """An energy that is possible; below zero if it is less than the noise of the sensor."""

    mean_mj: Figure
    low_mj: Figure
    high_mj: Figure
    idle_watts: Figure
    images: int = Field(ge=1, le=_MOST_IMAGES)
    sensor: Words

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_mj <= self.mean_mj <= self.high_mj:
            raise ValueError(
                f"the energy is {self.mean_mj} mJ, its interval {self.low_mj} to {self.high_mj}; accepted: within it"
            )
        return self


class ReportedRoofline(Roofline):
    """Ceilings and times that are possible."""

    int8_gmacs: Rate
    float32_gmacs: Rate
    gigabytes_per_second: Rate
    arithmetic_ms: Milliseconds
    memory_ms: Milliseconds
    floor_ms: Milliseconds
    memory_bound_ms: Milliseconds


class ReportedOperatorGroup(OperatorGroup):
    """Operators of limited number and length."""

    operator: Words
    types: Words
    count: int = Field(ge=1, le=1_000_000)
    delegated: int = Field(ge=0, le=1_000_000)
    macs: int = Field(default=0, ge=0, le=_MOST_MACS)
    tile_macs: Annotated[int, Field(ge=0, le=_MOST_MACS)] | None = None
    kernel: Words | None = None


class ReportedReliabilityBin(ReliabilityBin):
    """A bin that is possible."""

    images: Count
    confidence: Share
    accuracy: Share


class ReportedThreadMeasurement(ThreadMeasurement):
    """A measurement whose figures are possible."""

    threads: int = Field(ge=1, le=64)
    load_ms: Milliseconds
    first_inference_ms: Milliseconds
    latency_ms: ReportedLatency
    total_seconds: Milliseconds | None
    accuracy: Share | None
    energy: ReportedEnergy | None = added_field(None)
    roofline: ReportedRoofline | None = added_field(None)


class ReportedSurroundings(Surroundings):
    """Surroundings of limited length."""

    board: Words | None = None
    cpu: Words | None = None
    machine: Words
    cores: int = Field(ge=1, le=65_536)
    memory_bytes: Bytes
    kernel: Words
    governor: Words | None = None
    temperature_before_c: Celsius | None = None
    temperature_after_c: Celsius | None = None
    throttled: Annotated[tuple[Words, ...], Field(max_length=20)] | None = None
    runtime: Words
    delegate: Words | None = None
    delegated_operators: Count | None = None
    load_average: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    other_load: Annotated[float, Field(ge=0, le=65_536, allow_inf_nan=False)] | None = added_field(None)
    instructions: Annotated[tuple[Words, ...], Field(max_length=50)] | None = added_field(None)
    reference_ms: Duration | None = added_field(None)
    no_energy: Words | None = added_field(None)


class ReportedWrongImages(WrongImages):
    """Predictions for wrongly classified images that are possible."""

    predicted: tuple[Count, ...]
    scores: tuple[Share, ...]
    true_scores: tuple[Share, ...]


class ReportedSplitResult(SplitResult):
    """Figures of a split that are possible, and consistent with one another."""

    images: int = Field(ge=1, le=_MOST_IMAGES)
    accuracy: Share
    precision: Share
    recall: Share
    f1: Share
    confusion: tuple[tuple[Count, ...], ...] = Field(min_length=2)
    reliability: tuple[ReportedReliabilityBin, ...] = added_field((), max_length=_BINS)
    wrong_images: ReportedWrongImages | None = added_field(None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        classes = len(self.confusion)
        if any(len(row) != classes for row in self.confusion):
            raise ValueError("the confusion matrix is not square; accepted: a row and a column for each class")
        counted = sum(map(sum, self.confusion))
        if counted != self.images:
            raise ValueError(f"the confusion matrix counts {counted} images, and images is {self.images}")
        right = sum(row[place] for place, row in enumerate(self.confusion))
        if not math.isclose(self.accuracy, right / self.images, abs_tol=_ROUNDING):
            raise ValueError(
                f"accuracy is {self.accuracy}, and by the confusion matrix {right} of {self.images} images are right"
            )
        if self.right_images is not None and _bits(self.right_images, self.images) != right:
            raise ValueError(f"right_images is not the {right} of {self.images} images that are right, in base64")
        binned = sum(each.images for each in self.reliability)
        if self.reliability and binned != self.images:
            raise ValueError(f"reliability counts {binned} images, and images is {self.images}")
        if self.wrong_images is not None:
            self._check_wrong(self.wrong_images, self.images - right)
        return self

    def _check_wrong(self, found: WrongImages, wrong: int) -> None:
        lengths = {len(found.predicted), len(found.scores), len(found.true_scores)}
        if self.right_images is None or lengths != {wrong}:
            raise ValueError(f"wrong_images is not of the {wrong} images that right_images shows to be wrong")
        columns = [sum(column) - column[place] for place, column in enumerate(zip(*self.confusion, strict=True))]
        counts = Counter(found.predicted)
        if counts != Counter({place: count for place, count in enumerate(columns) if count}):
            raise ValueError("wrong_images has other predictions than the confusion matrix")


class ReportedEvaluation(ReportedSplitResult, EvaluationResult):
    """An evaluation whose figures are possible, and consistent with one another."""

    device: Words
    measurements: tuple[ReportedThreadMeasurement, ...] = Field(min_length=1, max_length=64)
    peak_memory_bytes: Bytes
    operator_times: Annotated[tuple[ReportedOperatorTime, ...], Field(max_length=1000)] | None = None
    surroundings: ReportedSurroundings
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    decode_ms: Milliseconds | None = added_field(None)
    figures: dict[Words, Figure] = Field(default_factory=dict, max_length=100)
    operators: tuple[ReportedOperatorGroup, ...] = added_field((), max_length=1000)
    test: ReportedSplitResult | None = added_field(None)

    def stored(self) -> EvaluationResult:
        """Return the result as it is stored."""
        return EvaluationResult.model_validate(self.model_dump())


def shown_result(
    result: StepResult | None, failure: StepFailure | None
) -> tuple[StepResult | None, StepFailure | None]:
    """Return a stored result and failure as they are shown: an impossible result is replaced by a failure that says so.

    Args:
        result: What the step found; None if it found nothing.
        failure: Why it found nothing.
    """
    if isinstance(result, EvaluationResult):
        try:
            ReportedEvaluation.model_validate(result.model_dump())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the result"
            message = f"the device reported an impossible result ({where}: {first['msg']}), which is left out"
            return None, StepFailure.of("implausible_result", message)
    return result, failure


def _within(value: float, low: float, high: float) -> bool:
    return low * (1 - _ROUNDING) <= value <= high * (1 + _ROUNDING)


def _bits(text: str, images: int) -> int | None:
    """Return how many bits are set, or None if the text does not have a bit for each image."""
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    number = int.from_bytes(packed)
    fits = len(packed) == -(-images // 8) and number.bit_length() <= images
    return number.bit_count() if fits else None
