"""Scales that are trained with the weights, and files with exactly the codes that were trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import LayerPromise
from edgepress_common.spec import Model, QuantizeAwareStage, Training
from edgepress_common.steps import ExportStep, StageStep
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.kernels import Kernel, find_kernels, kernel_values
from edgepress_worker.compression.learned_grids import LearnedGrid, initial_scales
from edgepress_worker.compression.promises import check_kernels
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_environment import tf
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers
from fakes.preactivation_network import coloured_pack, preactivation_network
from fakes.small_network import saved
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import StageResult


def a_kernel() -> Kernel:
    """A kernel of a convolution with three channels."""
    values = np.random.default_rng(2).normal(0, 0.3, (3, 3, 4, 3)).astype(np.float32)
    return Kernel("layer", "conv2d", tf.Variable(values, name="layer/kernel"))


def test_gradients_are_those_of_the_paper() -> None:
    """Equations 3 to 5, weight by weight in plain Python; the gradient of log s is s times that of s."""
    kernel = a_kernel()
    masters = kernel.variable.numpy()
    scales = np.full((1, 1, 1, 3), 0.1, np.float32)
    grid = LearnedGrid(kernel, scales, largest_code=4)
    of_weights = np.random.default_rng(3).normal(0, 1, masters.shape).astype(np.float32)
    of_masters, of_logarithms = grid.gradients(tf.constant(masters), tf.constant(of_weights))
    wanted_masters, wanted_scales = np.zeros_like(masters), np.zeros(3)
    for place in np.ndindex(masters.shape):
        position = masters[place] / 0.1
        if abs(position) <= 4:
            wanted_masters[place] = of_weights[place]
            change = np.floor(position + 0.5) - position
        else:
            change = 4 * np.sign(position)
        wanted_scales[place[-1]] += of_weights[place] * change / np.sqrt(36 * 4)
    assert 0 < np.count_nonzero(wanted_masters) < masters.size
    np.testing.assert_allclose(of_masters, wanted_masters, rtol=1e-5)
    np.testing.assert_allclose(np.ravel(of_logarithms), wanted_scales * 0.1, rtol=1e-4, atol=1e-6)


def _best_scale(row: npt.NDArray[np.float32]) -> float:
    tried = np.linspace(0.02, 0.5, 400)
    errors = [((np.clip(np.floor(row / one + 0.5), -7, 7) * one - row) ** 2).sum() for one in tried]
    return float(tried[np.argmin(errors)])


@pytest.mark.slow
def test_training_finds_the_scale_of_the_smallest_error() -> None:
    """From twice the best scale, descent on the squared error of the weights ends near the best of 400 scales."""
    kernel = a_kernel()
    target = kernel.variable.numpy()
    best = np.array([_best_scale(row) for row in np.moveaxis(target, -1, 0)])
    grid = LearnedGrid(kernel, (2 * best).reshape(1, 1, 1, 3).astype(np.float32), largest_code=7)
    for _ in range(600):
        error = 2 * (grid.rounded(tf.constant(target)) - target)
        _, of_logarithms = grid.gradients(tf.constant(target), error)
        grid.logarithms.assign_sub(20 * of_logarithms)

    def loss(scales: Any) -> float:
        return float(((np.clip(np.floor(target / scales + 0.5), -7, 7) * scales - target) ** 2).sum())

    assert loss(np.exp(grid.logarithms.numpy())) < 1.25 * loss(best) < 0.5 * loss(2 * best)
    assert loss(initial_scales(kernel, 7)) < 1.05 * loss(best)


def test_a_masked_kernel_keeps_its_zeros() -> None:
    """Zero is on the grid, and removed weights have no gradient."""
    kernel = a_kernel()
    mask = (np.random.default_rng(1).random(kernel.variable.shape) < 0.5).astype(np.float32)
    compressed = CompressedKernel(kernel, mask=mask, grid=LearnedGrid(kernel, initial_scales(kernel, 7), 7))
    compressed.project()
    assert not np.any(kernel.variable.numpy()[mask == 0])
    of_masters, of_logarithms = compressed.gradients(tf.ones(kernel.variable.shape))
    assert not np.any(of_masters.numpy()[mask == 0])
    assert [each.shape for each in compressed.trained] == [kernel.variable.shape, of_logarithms.shape]


def test_weights_off_their_grid_break_the_promise() -> None:
    """They are more than 15 values for a largest code of 7."""
    with pytest.raises(BrokenPromiseError, match="do not lie on a grid"):
        check_kernels([a_kernel()], [LayerPromise(layer="layer", largest_code=7)])


def test_four_bits_need_learned_scales() -> None:
    """The error says what is accepted."""
    with pytest.raises(ValidationError, match="accepted: scales: learned, or bits: 8"):
        QuantizeAwareStage(bits=4)


def trained(folder: Path, bits: int) -> tuple[Path, StageResult]:
    """A network trained with learned scales, and the stage's result."""
    step = StageStep(
        stage=QuantizeAwareStage.model_validate(
            {
                "kind": "quantize_aware",
                "bits": bits,
                "scales": "learned",
                "preserve_sparsity": False,
                "preserve_clusters": False,
            }
        ),
        model=Model(architecture="resnet18"),
        training=Training(epochs=1, batch_size=32, learning_rate=1e-3, seed=3),
    )
    context = PlainContext(folder)
    outputs, result = run_stage(
        step, Material(coloured_pack(), saved(preactivation_network(), folder), folder), context
    )
    return context.store.local_path(outputs["model"].sha256), result


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "kind", "largest"), [(8, "int8", 127), (4, "int8", 7), (4, "int4", 7)])
def test_the_file_has_the_codes_that_were_trained(bits: int, kind: str, largest: int, tmp_path: Path) -> None:
    """The codes of a channel are its weights divided by one number, its scale."""
    model, result = trained(tmp_path / "stage", bits)
    assert {promise.largest_code for promise in result.promises} == {largest}
    context = PlainContext(tmp_path / "export")
    step = ExportStep.model_validate({"export": {"kind": kind, "representative_images": 24}, "seed": 1})
    outputs, exported = run_export(step, coloured_pack(), StoredNetwork(model, result.promises), context)
    contents = TfliteFile.read(context.store.local_path(outputs["tflite"].sha256))
    network = load_model(model)
    kernels = kernel_values(network)
    found = match_layers(kernels, contents.weights, contents.model)
    assert found.keys() == {kernel.layer for kernel in find_kernels(network)}
    for layer, weights in found.items():
        rows = np.moveaxis(kernels[layer], -1, 0).reshape(kernels[layer].shape[-1], -1).astype(np.float64)
        codes = weights.rows().astype(np.float64)
        assert np.abs(codes).max() <= largest
        for row, code in zip(rows, codes, strict=True):
            scale = row[np.abs(code).argmax()] / code[np.abs(code).argmax()]
            np.testing.assert_allclose(code * scale, row, atol=1e-4 * np.abs(row).max())
    kinds = {kept.kind for kept in exported.promises}
    assert ("unique_weights_per_channel" in kinds) == (bits == 4)
