"""The LiteRT interpreter, as an image classifier: one image in, one score per class out."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from edgepress_common.errors import BrokenPromiseError
from edgepress_evaluator.measure.operators import FileOperator, file_operators

RUNTIME = f"LiteRT {version('ai-edge-litert')}"

TypedImages = npt.NDArray[np.number]
Scores = npt.NDArray[np.number]

_PIXEL_VALUES = np.arange(256, dtype=np.float32)
_IMAGE_RANK = 4  # batch, height, width, channels
_SCORES_RANK = 2  # batch, classes


class Classifier:
    """A loaded .tflite file.

    Not thread-safe. Several threads can each use their own instance in parallel, because the runtime releases Python's
    lock while it computes.

    Attributes:
        image_shape: Height, width and channels of the input images.
        classes: Number of scores in the output.
    """

    def __init__(self, model_path: Path, threads: int) -> None:
        """Read the file, create the interpreter and allocate its tensors.

        Args:
            model_path: The .tflite file.
            threads: Number of interpreter threads, 1 or more.

        Raises:
            BrokenPromiseError: The runtime can't run the file, or it is not an image classifier.
        """
        try:
            self._interpreter = Interpreter(model_path=str(model_path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:  # raised by the runtime for a file that it can't read or run
            raise BrokenPromiseError(f"{RUNTIME} can't run {model_path.name}: {error}") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shapes = [[int(length) for length in tensor["shape"]] for tensor in (*inputs, *outputs)]
        if len(inputs) != 1 or len(outputs) != 1 or [len(shape) for shape in shapes] != [_IMAGE_RANK, _SCORES_RANK]:
            raise BrokenPromiseError(
                f"{model_path.name} has {len(inputs)} inputs and {len(outputs)} outputs, of shapes {shapes}; accepted: "
                "one input (1, height, width, channels) and one output (1, classes)"
            )
        self.image_shape = tuple(shapes[0][1:])
        self.classes = shapes[1][1]
        self._pixel_table = pixel_table(inputs[0]["dtype"], *inputs[0]["quantization"])
        self._output_scale, self._output_zero = outputs[0]["quantization"]
        self._input_index, self._output_index = inputs[0]["index"], outputs[0]["index"]

    def prepare(self, images: npt.NDArray[np.uint8]) -> TypedImages:
        """Return the images converted for the input tensor; see `pixel_table`.

        Args:
            images: uint8 ``(n, height, width, channels)``.

        Returns:
            ``(n, 1, height, width, channels)``: each item is an input of `classify`.
        """
        return look_up(self._pixel_table, images)[:, np.newaxis]

    def classify(self, image: TypedImages) -> Scores:
        """Run one inference: set the input, run the network, read the output. This is what a measurement times.

        Args:
            image: ``(1, height, width, channels)``, from `prepare`.

        Returns:
            ``(1, classes)``, the values of the output tensor. They are not dequantized: the scale is positive, so the
            highest score stays the highest.
        """
        self._interpreter.set_tensor(self._input_index, image)
        self._interpreter.invoke()
        scores: Scores = self._interpreter.get_tensor(self._output_index)
        return scores

    def operators(self) -> tuple[FileOperator, ...]:
        """Return the operators of the file, and which of them run in XNNPACK, the only delegate by default."""
        nodes = self._interpreter._get_ops_details()  # noqa: SLF001 - there is no public API for it
        return file_operators(nodes, {each["index"]: each for each in self._interpreter.get_tensor_details()})

    def dequantized(self, scores: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return values of the output tensor as real numbers.

        Args:
            scores: Values of any shape, from `classify`.
        """
        values = np.asarray(scores, np.float32)
        return values if self._output_scale == 0 else np.float32(self._output_scale) * (values - self._output_zero)


def pixel_table(dtype: type[np.generic], scale: float, zero_point: int) -> TypedImages:
    """Return the input tensor's value for each of the 256 pixel values.

    A float32 tensor receives the pixel values. An integer tensor receives ``round(value / scale) + zero_point``,
    divided in float32, with halves rounded to even, and clipped to the range of the type. In numpy:
    ``np.rint(image.astype(np.float32) / np.float32(scale)) + zero_point``.

    Raises:
        BrokenPromiseError: The type is not one that exports use.
    """
    if dtype == np.float32:
        return _PIXEL_VALUES
    if dtype not in {np.int8, np.uint8, np.int16} or scale <= 0:
        raise BrokenPromiseError(
            f"the input tensor is {np.dtype(dtype).name} with scale {scale}; accepted: float32, or int8, uint8 or "
            "int16 with a scale above 0"
        )
    limits = np.iinfo(dtype)
    quantized = np.rint(_PIXEL_VALUES / np.float32(scale)) + zero_point
    table: TypedImages = np.clip(quantized, limits.min, limits.max).astype(dtype)
    return table


def look_up(table: TypedImages, images: npt.NDArray[np.uint8]) -> TypedImages:
    """Return each pixel's entry in a `pixel_table`, by the fastest method: it must cost little compared with inference.

    On 96x96 pixels ``np.take`` takes five times as long as a plain conversion, twice as long as `bytes.translate`.
    """
    if table.dtype == np.float32:
        return images.astype(np.float32)
    if table.itemsize == 1:
        translated = images.tobytes().translate(table.tobytes())
        return np.frombuffer(translated, table.dtype).reshape(images.shape)
    return np.take(table, images)
