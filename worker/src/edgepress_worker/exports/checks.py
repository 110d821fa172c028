"""Holds an exported file against what was promised. A file that breaks its promise fails the step, loudly."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import KeptPromise
from edgepress_worker.exports.exporter import Promise
from edgepress_worker.tflite.float_operators import count_by_name, float_operators
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.model import Operator, TfliteModel

# Arithmetic in float16 is good to three digits, and softmax in int8 to its output's step, which is added to this.
_SUM_TOLERANCE = 0.01
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_PLACES_NAMED = 3  # enough to find the layers by, few enough to read


def check_promise(promise: Promise, model: TfliteModel) -> tuple[KeptPromise, ...]:
    """Looks at the file's types and operators.

    Returns:
        That no operator computes on floats, where that was promised.

    Raises:
        BrokenPromiseError: An input or output of another type, or floats where there should be none.
    """
    for name, promised, tensors in (
        ("input", promise.input_type, model.inputs),
        ("output", promise.output_type, model.outputs),
    ):
        found = [model.tensors[tensor].type for tensor in tensors]
        if found != [promised]:
            raise BrokenPromiseError(f"the file's {name} is {' and '.join(found)}; {promised} was asked for")
    floats = float_operators(model)
    if promise.integers_only and floats:
        raise BrokenPromiseError(_floats_left(floats, model))
    return (KeptPromise(kind="float_operators", promised=0, found=len(floats)),) if promise.integers_only else ()


def check_inference(path: Path, image: npt.NDArray[np.uint8], classes: int) -> KeptPromise:
    """Loads the file and classifies an image with it.

    Args:
        path: The file.
        image: uint8 ``(side, side, 3)``.
        classes: How many probabilities there should be.

    Returns:
        That there are.

    Raises:
        BrokenPromiseError: It does not load or run, or what it gives are no probabilities of so many classes.
    """
    try:
        inference = infer(path, image)
    except (ValueError, RuntimeError) as error:
        raise BrokenPromiseError(f"the file does not run in TFLite's interpreter: {error}") from error
    output = inference.output
    if output.shape != (1, classes):
        raise BrokenPromiseError(f"the file's output has shape {output.shape}; (1, {classes}) is one per class")
    total = float(output.sum())
    tolerance = _SUM_TOLERANCE + classes * inference.output_step / 2  # each may be rounded by half a step
    if not math.isfinite(total) or abs(total - 1) > tolerance:
        raise BrokenPromiseError(
            f"the file's outputs for a training image add up to {total:g}, not to 1 within {tolerance:.2g}: they "
            "are no probabilities. Has training diverged (look at its loss), or does the network not end in a softmax?"
        )
    return KeptPromise(kind="classes", promised=classes, found=output.shape[-1])


def _floats_left(floats: tuple[Operator, ...], model: TfliteModel) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in count_by_name(floats).items())
    # The conversions around a float operator carry no layer's name; they count as well, but it is named by itself.
    at_work = [operator for operator in floats if operator.name not in _CONVERSIONS] or floats
    places = [model.tensors[operator.outputs[0]].name for operator in at_work]
    named = ", ".join(places[:_PLACES_NAMED]) + (", ..." if len(places) > _PLACES_NAMED else "")
    return (
        f"the file still computes on floats in {len(floats)} of its {len(model.operators)} operators ({counts}; at "
        f"{named}), where integers throughout were asked for: these layers have no quantized form, or no range was "
        "found for what flows between them. Replace them by layers that have one, or ask for the export 'int16x8' or "
        "'dynamic' instead"
    )
