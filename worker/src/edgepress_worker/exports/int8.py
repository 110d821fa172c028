"""Weights and activations in int8, input and output included: runs without floats, or not at all.

The input tensor's scale and zero point say how a pixel becomes a code. They follow from the representative images'
range, so they need not be 1 and -128: read them from the file. Ranges that were trained are kept: the converter takes
them for the tensors'. Ranges, scales and rounding that the calibration chooses are in the network that is written, see
`quantization.post_training`.
"""

from dataclasses import replace

from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_common.spec.export import Int8ActivationsExport
from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.quantization.post_training import PostTraining
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.training import begin_repeatable


def export_int8(parameters: Int8Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(converter: Converter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = material.calibration.dataset(parameters.representative_images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.dtypes.as_dtype(parameters.input_type)
        converter.inference_output_type = tf.dtypes.as_dtype(parameters.input_type)
        if parameters.weight_scales == "layer":
            converter._experimental_disable_per_channel = True  # noqa: SLF001 - no other way

    promise = FilePromise(
        input_type=parameters.input_type,
        output_type=parameters.input_type,
        integers_only=True,
        one_weight_scale=parameters.weight_scales == "layer",
    )
    network = calibrated(parameters, material)
    written = write_with_converter(parameters.kind, material, configure, promise=promise, network=network)
    # The weights that stages promised something of are those before the calibration.
    return replace(written, network=material.network)


def calibrated(parameters: Int8ActivationsExport, material: ExportMaterial) -> keras.Model:
    """Return the network as the calibration of the export changes it."""
    if parameters.calibration == CalibrationSettings():
        return material.network
    begin_repeatable(material.calibration.seed)
    grid = WeightGrid(per_channel=parameters.weight_scales == "channel")
    return PostTraining(
        parameters.calibration,
        grids=lambda _kernel: grid,
        batches=lambda: material.calibration.batches(parameters.representative_images),
        seed=material.calibration.seed,
    ).prepare(material.network)


EXPORTER: Exporter[Int8Export] = export_int8
