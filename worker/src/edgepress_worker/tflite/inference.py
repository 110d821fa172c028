"""Runs a .tflite file on one image, to see that it works; measuring is the evaluator's business."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import tf


@dataclass(frozen=True)
class Inference:
    """What a network says of an image.

    Attributes:
        output: As floats, dequantized where it is not: for a classifier ``(1, classes)``, probabilities.
        output_step: Distance between neighbouring values that the output can take; 0 for floats.
    """

    output: npt.NDArray[np.float32]
    output_step: float


def infer(path: Path, image: npt.NDArray[np.uint8]) -> Inference:
    """Runs the network once.

    Args:
        path: The file.
        image: uint8 ``(side, side, 3)``.

    Raises:
        ValueError: The interpreter can't read the file, or its input has another shape.
        RuntimeError: The interpreter has no kernel for one of its operators.
    """
    with warnings.catch_warnings():
        # Its successor is LiteRT, which only the evaluator has.
        warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated.*")
        interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(entry["index"], _quantized(image[np.newaxis], entry["dtype"], entry["quantization"]))
    interpreter.invoke()
    scale, _ = end["quantization"]
    return Inference(_dequantized(interpreter.get_tensor(end["index"]), end["quantization"]), output_step=scale)


def _quantized(
    pixels: npt.NDArray[np.uint8], dtype: type[np.floating | np.integer], quantization: tuple[float, int]
) -> npt.NDArray[np.generic]:
    if issubclass(dtype, np.floating):
        return pixels.astype(dtype)
    scale, zero_point = quantization
    limits = np.iinfo(dtype)
    return np.clip(np.rint(pixels / scale) + zero_point, limits.min, limits.max).astype(dtype)


def _dequantized(codes: npt.NDArray[np.generic], quantization: tuple[float, int]) -> npt.NDArray[np.float32]:
    if np.issubdtype(codes.dtype, np.floating):
        return codes.astype(np.float32)
    scale, zero_point = quantization
    return (codes.astype(np.float32) - zero_point) * np.float32(scale)
