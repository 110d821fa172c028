"""The results of finished steps, by kind; the bytes that a step made are artifacts.

Units are in the names. Arrays are lists here: these values travel as JSON. Results tolerate unknown fields, so that
workers, evaluators and gateways of neighbouring versions work together. Figures without a field of their own are in
`figures`; see `edgepress_common.figures`.
"""

from typing import Annotated

from pydantic import Field

from edgepress_common.results.evaluation import (
    Energy,
    EvaluationResult,
    Latency,
    OperatorGroup,
    OperatorTime,
    ReliabilityBin,
    Roofline,
    SplitResult,
    Surroundings,
    ThreadMeasurement,
    WrongImages,
)
from edgepress_common.results.export import ExportResult
from edgepress_common.results.open_figures import OpenFigures
from edgepress_common.results.pack import ImageStatistics, PackResult, Twin, Twins, UnreadableImage
from edgepress_common.results.sensitivity import LayerSensitivity, Sensitivity
from edgepress_common.results.stage import (
    AugmentedImage,
    AugmentedSamples,
    ChannelGroup,
    Epoch,
    PredictedLatency,
    StageResult,
)
from edgepress_common.results.work import OperatorKind, OperatorWork

__all__ = [
    "AugmentedImage",
    "AugmentedSamples",
    "ChannelGroup",
    "Energy",
    "Epoch",
    "EvaluationResult",
    "ExportResult",
    "ImageStatistics",
    "Latency",
    "LayerSensitivity",
    "OpenFigures",
    "OperatorGroup",
    "OperatorKind",
    "OperatorTime",
    "OperatorWork",
    "PackResult",
    "PredictedLatency",
    "ReliabilityBin",
    "Roofline",
    "Sensitivity",
    "SplitResult",
    "StageResult",
    "StepResult",
    "Surroundings",
    "ThreadMeasurement",
    "Twin",
    "Twins",
    "UnreadableImage",
    "WrongImages",
]

StepResult = Annotated[
    PackResult | StageResult | ExportResult | EvaluationResult,
    Field(discriminator="kind"),
]
