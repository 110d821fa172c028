"""Weights and activations in int8, input and output included: runs without floats, or not at all.

The input tensor's scale and zero point say how a pixel becomes a code. They follow from the representative images'
range, so they need not be 1 and -128: read them from the file. Ranges that were trained are kept: the converter takes
them for the tensors'. Ranges, scales and rounding that the calibration chooses are in the network that is written, see
`quantization.post_training`.
"""

from collections.abc import Callable
from dataclasses import replace

from edgepress_common.results import Sensitivity
from edgepress_common.spec import LayerSelection
from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_common.spec.export import Int8ActivationsExport
from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_worker.compression.kernels import KERNEL_KINDS, find_kernels, select
from edgepress_worker.exports.calibration import some_of
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.exports.kept_float import KeptFloat
from edgepress_worker.exports.kept_int16 import KeptInt16
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.quantization.post_training import PostTraining
from edgepress_worker.quantization.sensitivity import measure_sensitivity
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.training import begin_repeatable


def export_int8(parameters: Int8Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""
    grid = WeightGrid(per_channel=parameters.weight_scales == "channel")
    quantization = PostTraining(
        parameters.calibration,
        grids=lambda _kernel: grid,
        batches=lambda: material.calibration.batches(parameters.representative_images),
        seed=material.calibration.seed,
    )
    network = _calibrated(parameters, material, quantization)
    sensitivity, layers = _layers_in_float(parameters, material, quantization)
    kept = KeptFloat(network, layers, parameters.input_type, per_channel=grid.per_channel)
    wide = KeptInt16(network, _named(parameters.int16_layers, material), parameters, material)

    def configure(converter: Converter) -> None:
        computes_in_int8(converter, parameters, material)
        converter._experimental_disable_per_channel = not grid.per_channel  # noqa: SLF001 - no other way
        converter._experimental_calibrate_only = bool(layers)  # noqa: SLF001 - likewise

    promise = FilePromise(
        input_type=parameters.input_type,
        output_type=parameters.input_type,
        integers_only=not layers and not parameters.int16_layers,
        one_weight_scale=not grid.per_channel,
    )
    written = write_with_converter(
        parameters.kind,
        material,
        configure,
        promise=promise,
        network=network,
        finish=_finish(kept if layers else None, wide if parameters.int16_layers else None),
    )
    # The weights that stages promised something of are those before the calibration.
    return replace(
        written,
        network=material.network,
        promise=replace(promise, float_layers=kept.outputs, int16_layers=wide.outputs),
        sensitivity=sensitivity,
    )


def _finish(kept: KeptFloat | None, wide: KeptInt16 | None) -> Callable[[bytes], bytes]:
    """Return the function that makes the file from what the converter has written."""
    if kept is not None:
        return kept.quantize
    return (lambda content: content) if wide is None else wide.join


def computes_in_int8(converter: Converter, parameters: Int8ActivationsExport, material: ExportMaterial) -> None:
    """Let a converter write integers only, calibrated with the representative images."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = material.calibration.dataset(parameters.representative_images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.dtypes.as_dtype(parameters.input_type)
    converter.inference_output_type = tf.dtypes.as_dtype(parameters.input_type)


def _calibrated(parameters: Int8ActivationsExport, material: ExportMaterial, quantization: PostTraining) -> keras.Model:
    """Return the network as the calibration of the export changes it."""
    if parameters.calibration == CalibrationSettings():
        return material.network
    begin_repeatable(material.calibration.seed)
    return quantization.prepare(material.network)


def _layers_in_float(
    parameters: Int8Export, material: ExportMaterial, quantization: PostTraining
) -> tuple[Sensitivity | None, tuple[str, ...]]:
    """Return what int8 costs in each layer, if it is to be measured, and the layers to keep in float."""
    keep = parameters.keep_float
    if not parameters.sensitivity and not isinstance(keep, int):
        return None, _named(keep, material)
    images = some_of(material.validation, parameters.representative_images, material.calibration.seed)
    sensitivity = measure_sensitivity(material.network, quantization, images)
    layers = (
        tuple(each.layer for each in sensitivity.layers[:keep]) if isinstance(keep, int) else _named(keep, material)
    )
    return sensitivity.model_copy(update={"kept_float": layers}), layers


def _named(patterns: tuple[str, ...], material: ExportMaterial) -> tuple[str, ...]:
    if not patterns:
        return ()
    selection = LayerSelection(include=patterns)
    return tuple(each.layer for each in select(find_kernels(material.network), selection, KERNEL_KINDS))


EXPORTER: Exporter[Int8Export] = export_int8
