"""Runs a .tflite file on one image, to verify that it works; the evaluator measures it."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import tf


@dataclass(frozen=True)
class Inference:
    """Output of a network for one image.

    Attributes:
        output: Output as floats, dequantized if the file's output is integers: probabilities ``(1, classes)`` for a
            classifier.
        output_scale: Difference between neighbouring values of the output; 0 for floats.
    """

    output: npt.NDArray[np.float32]
    output_scale: float


def infer(path: Path, image: npt.NDArray[np.uint8]) -> Inference:
    """Run the network once.

    Args:
        path: Path of the file.
        image: Image, uint8 ``(side, side, 3)``.

    Raises:
        ValueError: The interpreter can't read the file, or its input has another shape.
        RuntimeError: The interpreter has no kernel for one of its operators.
    """
    with warnings.catch_warnings():
        # Its successor LiteRT is only installed in the evaluator.
        warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated.*")
        interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(entry["index"], _quantized(image[np.newaxis], entry["dtype"], entry["quantization"]))
    interpreter.invoke()
    scale, _ = end["quantization"]
    return Inference(_dequantized(interpreter.get_tensor(end["index"]), end["quantization"]), output_scale=scale)


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
