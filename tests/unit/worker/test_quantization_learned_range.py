"""Trained ranges of activations: gradients against plain Python, and a file with the ranges that were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_common.spec import Model, QuantizeAwareStage, Training
from edgepress_common.steps import ExportStep, StageStep
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_environment import tf
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.learned_range import LearnedRange, rounded
from edgepress_worker.quantization.with_ranges import with_found_ranges, with_learned_ranges, with_ranges
from edgepress_worker.tflite.file import TfliteFile
from fakes.cancelling_context import CancellingContext
from fakes.preactivation_network import coloured_pack, preactivation_network, trained_file
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("low", [0.0, -0.4])
def test_gradients_are_those_of_the_papers(low: float) -> None:
    """Value by value in plain Python, with scale and offset as the variables; the values are int8's."""
    random = np.random.default_rng(1)
    values, of_found = random.normal(0.2, 0.8, 500), random.normal(0, 1, 500)
    high = 1.1
    scale = (high - low) / 255
    zero_point = round(-low / scale)
    offset = -zero_point * scale
    of_values, of_scale, of_offset = np.zeros(500), 0.0, 0.0
    wanted = np.zeros(500)
    for place, (value, gradient) in enumerate(zip(values, of_found, strict=True)):
        position = (value - offset) / scale
        wanted[place] = min(max(np.floor(position + 0.5), 0), 255) * scale + offset
        if position < 0:
            of_offset += gradient
        elif position > 255:
            of_offset += gradient
            of_scale += gradient * 255
        else:
            of_values[place] = gradient
            of_scale += gradient * (wanted[place] - value) / scale
    inputs, lower, upper = tf.constant(values, tf.float32), tf.constant(low), tf.constant(high)
    with tf.GradientTape() as tape:
        tape.watch([inputs, lower, upper])
        found = rounded(inputs, lower, upper, share=0.5)
    found_values, of_low, of_high = tape.gradient(found, [inputs, lower, upper], tf.constant(of_found, tf.float32))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_allclose(found_values, of_values, atol=1e-6)
    # high = offset + 255 scale at a fixed offset; the other end moves the offset, and the scale by -1 / 255.
    np.testing.assert_allclose(of_high, 0.5 * of_scale / 255, rtol=1e-3)
    np.testing.assert_allclose(of_low, 0.5 * (of_offset - of_scale / 255), rtol=1e-3)


def test_learned_ranges_begin_as_the_observed_ones() -> None:
    """Where no value is below zero, the range has no lower end to learn; back again, the network is the same."""
    images = coloured_pack(24).train.images.astype(np.float32)
    network = with_ranges(preactivation_network(), momentum=0.0)
    network(images, training=True)
    before = {layer.name: layer.get_weights() for layer in network.layers if isinstance(layer, ActivationRange)}
    learned = with_learned_ranges(network)
    for name, (low, _) in before.items():
        assert isinstance(learned.get_layer(name), LearnedRange)
        assert len(learned.get_layer(name).trainable_weights) == (2 if low < 0 else 1)
    assert {len(learned.get_layer(name).trainable_weights) for name in before} == {1, 2}
    assert len(learned.trainable_variables) > len(network.trainable_variables)
    found = with_found_ranges(learned)
    assert found.get_config()["layers"] == with_found_ranges(found).get_config()["layers"]
    for name, ends in before.items():
        np.testing.assert_allclose(found.get_layer(name).get_weights(), ends, rtol=1e-5)
    np.testing.assert_allclose(learned(images), network(images), atol=0.02)


def stage_step() -> StageStep:
    """A stage that learns scales and ranges."""
    stage = {"kind": "quantize_aware", "scales": "learned", "bits": 2, "activations": "learned"}
    return StageStep(
        stage=QuantizeAwareStage.model_validate(stage | {"preserve_sparsity": False, "preserve_clusters": False}),
        model=Model(architecture="resnet18"),
        training=Training(epochs=2, batch_size=32, learning_rate=3e-3, seed=3),
    )


@pytest.mark.slow
def test_a_file_has_the_ranges_that_were_learned(tmp_path: Path) -> None:
    """They moved in training, a stopped training finds the same ones, and int8 stores them with the tensors."""
    material = Material(coloured_pack(), trained_file(tmp_path), tmp_path)
    context = PlainContext(tmp_path / "whole")
    outputs, result = run_stage(stage_step(), material, context)
    stopped = CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 1)
    with pytest.raises(StepCancelledError):
        run_stage(stage_step(), material, stopped)
    continued, again = run_stage(stage_step(), material, PlainContext(tmp_path / "stopped"))
    assert again.resumed_after_epochs == 1
    assert continued == outputs

    model = context.store.local_path(outputs["model"].sha256)
    network = load_model(model)
    ranges = {layer.name: layer.get_weights() for layer in network.layers if isinstance(layer, ActivationRange)}
    assert not any(isinstance(layer, LearnedRange) for layer in network.layers)
    step = ExportStep.model_validate({"export": {"kind": "int8", "representative_images": 24}, "seed": 1})
    file, exported = run_export(step, coloured_pack(), StoredNetwork(model, result.promises), context)
    assert not exported.float_operators
    tensors = TfliteFile.read(context.store.local_path(file["tflite"].sha256)).model.tensors
    scales = [
        scale for tensor in tensors if tensor.type == "int8" and len(tensor.scales) == 1 for scale in tensor.scales
    ]
    for name, (low, high) in ranges.items():
        assert np.isclose(scales, (high - low) / 255, rtol=1e-4).any(), name
    assert {kept.found for kept in exported.promises if kept.kind == "unique_weights_per_channel"} == {4}
