"""The subject of measurements that each have a file of their own; see `edgepress_evaluator.measure.figures`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.steps import EvaluationStep
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.validation_pack import ValidationPack


@dataclass(frozen=True)
class Subject:
    """A model that has been timed and has classified the validation images.

    Attributes:
        model: The .tflite file.
        pack: The validation images and their labels.
        predictions: Predicted class of each image, int64 ``(images,)``.
        parameters: Parameters of the evaluation.
        device: The device.
        should_stop: Returns whether the measurement has to stop; to be called at least every few seconds.
    """

    model: Path
    pack: ValidationPack
    predictions: npt.NDArray[np.int64]
    parameters: EvaluationStep
    device: Device
    should_stop: ShouldStop
