"""Verifies an exported file against its promise. A file that breaks its promise fails the step."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import KeptPromise
from edgepress_worker.exports.exporter import FilePromise
from edgepress_worker.tflite.float_operators import count_by_name, float_operators
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.model import Operator, TfliteModel
from edgepress_worker.tflite.weights import read_weights

# Arithmetic in float16 is exact to three digits. A softmax in int8 is exact to its output's scale, which is added.
_SUM_TOLERANCE = 0.01
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
# TFLite's kernels stop with an error at a divisor of code 0, which an int8 tensor of any range can hold.
_DIVISIONS = ("DIV", "FLOOR_DIV", "FLOOR_MOD")
# What XNNPACK requires, see tensorflow/lite/tools/optimize/reduced_precision_support.h.
_PRECISION_KEY, _FLOAT16_ARITHMETIC = "reduced_precision_support", b"fp16accfp16"
_PLACES_NAMED = 3  # enough to find the layers, few enough to read


def check_promise(promise: FilePromise, model: TfliteModel) -> tuple[KeptPromise, ...]:
    """Verify the types and operators of a file.

    Returns:
        The kept promises that no operator computes on floats, that weights have few bits, few values or one scale, and
        that the runtime may compute in float16; empty if none was promised.

    Raises:
        BrokenPromiseError: An input or output has another type, an operator computes on floats despite the promise, an
            operator stops at some images, weights have too many bits, values or scales, or the file does not allow the
            promised arithmetic.
    """
    for name, promised, tensors in (
        ("input", promise.input_type, model.inputs),
        ("output", promise.output_type, model.outputs),
    ):
        found = [model.tensors[tensor].type for tensor in tensors]
        if found != [promised]:
            raise BrokenPromiseError(f"the file's {name} is {' and '.join(found)}; {promised} was asked for")
    floats = float_operators(model)
    if divisions := [each for each in model.operators if each.name in _DIVISIONS and each not in floats]:
        raise BrokenPromiseError(
            f"the file divides integers in {len(divisions)} of its operators (at {_places(divisions, model)}): TFLite "
            "stops at a divisor of code 0, so that the file fails on some images. Replace the division, for example by "
            "a product with a reciprocal square root, or ask for another export than 'int8'"
        )
    if promise.integers_only and floats:
        raise BrokenPromiseError(_floats_left(floats, model))
    kept = [KeptPromise(kind="float_operators", promised=0, found=len(floats))] if promise.integers_only else []
    if promise.float_layers:
        kept.append(_float_layers(promise.float_layers, floats, model))
    if promise.int16_layers:
        kept.append(_int16_layers(promise.int16_layers, model))
    kept += _weights(promise, model)
    if promise.float16_arithmetic:
        precision = model.metadata.get(_PRECISION_KEY, b"")
        if precision != _FLOAT16_ARITHMETIC:
            raise BrokenPromiseError(
                f"the file's metadata {_PRECISION_KEY!r} is {precision.decode()!r}; {_FLOAT16_ARITHMETIC.decode()!r} "
                "is needed for arithmetic in float16. Ask for the export with arithmetic: float32, and report this"
            )
        kept.append(KeptPromise(kind="float16_arithmetic", promised=1, found=1))
    return tuple(kept)


def _weights(promise: FilePromise, model: TfliteModel) -> Iterator[KeptPromise]:
    if promise.weight_bits is not None:
        yield _weight_bits(promise.weight_bits, model)
    if promise.weight_values is not None:
        yield _weight_values(promise.weight_values, model)
    if promise.one_weight_scale:
        yield _one_weight_scale(model)


def _weight_bits(promised: int, model: TfliteModel) -> KeptPromise:
    bits = {
        model.tensors[each.tensor].name: int(model.tensors[each.tensor].type.removeprefix("int"))
        for each in read_weights(model)
        if each.operators[0].name != "DEPTHWISE_CONV_2D"
    }
    worst = max(bits, key=lambda name: bits[name], default="")
    if bits.get(worst, 0) > promised:
        raise BrokenPromiseError(
            f"the weights {worst!r} have {bits[worst]} bits; at most {promised} were asked for. Ask for the export "
            "int8, and report this"
        )
    return KeptPromise(kind="weight_bits", promised=promised, found=bits.get(worst, 0), layers=len(bits))


def _weight_values(promised: int, model: TfliteModel) -> KeptPromise:
    values = {
        model.tensors[each.tensor].name: int(each.unique_count_per_channel().max())
        for each in read_weights(model)
        if each.operators[0].name != "DEPTHWISE_CONV_2D"
    }
    worst = max(values, key=lambda name: values[name], default="")
    if values.get(worst, 0) > promised:
        raise BrokenPromiseError(
            f"an output channel of {worst!r} has {values[worst]} different weights; at most {promised} were asked for. "
            "Ask for the export with weight_bits: 4, and report this"
        )
    return KeptPromise(
        kind="unique_weights_per_channel", promised=promised, found=values.get(worst, 0), layers=len(values)
    )


def _float_layers(promised: Sequence[str], floats: Sequence[Operator], model: TfliteModel) -> KeptPromise:
    found = sorted(model.tensors[each.outputs[0]].name for each in floats if each.name not in _CONVERSIONS)
    if found != sorted(promised):
        raise BrokenPromiseError(
            f"the file computes {', '.join(found) or 'nothing'} in float, where exactly {', '.join(promised)} was "
            "asked for. Ask for other layers with keep_float"
        )
    return KeptPromise(kind="float_layers", promised=len(promised), found=len(found))


def _int16_layers(promised: Sequence[str], model: TfliteModel) -> KeptPromise:
    outputs = (model.tensors[each.operators[0].outputs[0]] for each in read_weights(model))
    found = sorted(tensor.name for tensor in outputs if tensor.type == "int16")
    if found != sorted(promised):
        raise BrokenPromiseError(
            f"the file computes {', '.join(found) or 'no layer'} in int16, where exactly {', '.join(promised)} was "
            "asked for. Ask for other layers with int16_layers, and report this"
        )
    return KeptPromise(kind="int16_layers", promised=len(promised), found=len(found))


def _one_weight_scale(model: TfliteModel) -> KeptPromise:
    scales = {model.tensors[each.tensor].name: max(each.zero_codes.size, 1) for each in read_weights(model)}
    worst = max(scales, key=lambda name: scales[name], default="")
    if scales.get(worst, 1) > 1:
        raise BrokenPromiseError(
            f"the weights {worst!r} have {scales[worst]} scales; one for each layer was asked for. Ask for the export "
            "with weight_scales: channel, and report this"
        )
    return KeptPromise(kind="weight_scales", promised=1, found=1, layers=len(scales))


def check_inference(path: Path, image: npt.NDArray[np.uint8], classes: int) -> KeptPromise:
    """Load the file and classify an image with it.

    Args:
        path: The .tflite file.
        image: Image, uint8 ``(side, side, 3)``.
        classes: Number of probabilities that the file should return.

    Returns:
        The kept promise about the number of classes.

    Raises:
        BrokenPromiseError: The file does not load or run, or its output is not one probability for each class.
    """
    try:
        inference = infer(path, image)
    except (ValueError, RuntimeError) as error:
        raise BrokenPromiseError(f"the file does not run in TFLite's interpreter: {error}") from error
    output = inference.output
    if output.shape != (1, classes):
        raise BrokenPromiseError(f"the file's output has shape {output.shape}; (1, {classes}) is one per class")
    total = float(output.sum())
    tolerance = _SUM_TOLERANCE + classes * inference.output_scale / 2  # each output may be rounded by half a scale
    if not math.isfinite(total) or abs(total - 1) > tolerance:
        raise BrokenPromiseError(
            f"the file's outputs for a training image add up to {total:g}, not to 1 within {tolerance:.2g}: they "
            "are not probabilities. Has training diverged (look at its loss), or does the network not end in a softmax?"
        )
    return KeptPromise(kind="classes", promised=classes, found=output.shape[-1])


def _floats_left(floats: tuple[Operator, ...], model: TfliteModel) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in count_by_name(floats).items())
    # Conversions around a float operator do not have a layer's name: they are counted, but only the operator is named.
    at_work = [operator for operator in floats if operator.name not in _CONVERSIONS] or floats
    return (
        f"the file still computes on floats in {len(floats)} of its {len(model.operators)} operators ({counts}; at "
        f"{_places(at_work, model)}), where integers throughout were asked for: these layers have no quantized form, "
        "or no range was found for what flows between them. Replace them by layers that have one, or ask for the "
        "export 'int16x8' or 'dynamic' instead"
    )


def _places(operators: Sequence[Operator], model: TfliteModel) -> str:
    places = [model.tensors[operator.outputs[0]].name for operator in operators]
    return ", ".join(places[:_PLACES_NAMED]) + (", ..." if len(places) > _PLACES_NAMED else "")
