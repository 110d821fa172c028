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
from edgepress_worker.compression.grids import CODES, WeightCodes
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


@pytest.mark.parametrize(("lowest", "largest"), [(-4, 4), (-2, 1), (-1, 1)])
def test_gradients_are_those_of_the_paper(lowest: int, largest: int) -> None:
    """Equations 3 to 5, weight by weight in plain Python; the gradient of log s is s times that of s."""
    kernel = a_kernel()
    masters = kernel.variable.numpy()
    scales = np.full((1, 1, 1, 3), 0.1, np.float32)
    grid = LearnedGrid(kernel, scales, WeightCodes(lowest, largest))
    of_weights = np.random.default_rng(3).normal(0, 1, masters.shape).astype(np.float32)
    of_masters, of_logarithms = grid.gradients(tf.constant(masters), tf.constant(of_weights))
    wanted_masters, wanted_scales = np.zeros_like(masters), np.zeros(3)
    for place in np.ndindex(masters.shape):
        position = masters[place] / 0.1
        if lowest <= position <= largest:
            wanted_masters[place] = of_weights[place]
            change = np.floor(position + 0.5) - position
        else:
            change = lowest if position < 0 else largest
        wanted_scales[place[-1]] += of_weights[place] * change / np.sqrt(36 * largest)
    assert 0 < np.count_nonzero(wanted_masters) < masters.size
    np.testing.assert_allclose(of_masters, wanted_masters, rtol=1e-5)
    np.testing.assert_allclose(np.ravel(of_logarithms), wanted_scales * 0.1, rtol=1e-4, atol=1e-6)


def test_one_bit_is_the_sign_times_the_mean() -> None:
    """No other scale has a smaller squared error; each master keeps its gradient, and pruned weights stay zero."""
    kernel = a_kernel()
    weights = kernel.variable.numpy()
    mask = (np.random.default_rng(1).random(weights.shape) < 0.8).astype(np.float32)
    kernel.variable.assign(weights * mask)
    scales = initial_scales(kernel, CODES[1])
    compressed = CompressedKernel(kernel, mask=mask, grid=LearnedGrid(kernel, scales, CODES[1]))
    compressed.project()
    for channel in range(3):
        kept, binary = weights[..., channel][mask[..., channel] == 1], kernel.variable.numpy()[..., channel]
        errors = [((np.sign(kept) * one - kept) ** 2).sum() for one in np.linspace(0.01, 1, 500)]
        assert ((binary[mask[..., channel] == 1] - kept) ** 2).sum() <= min(errors) + 1e-5
        np.testing.assert_allclose(np.unique(binary), np.array([-1, 0, 1]) * np.abs(kept).mean(), rtol=1e-5)
    of_weights = np.random.default_rng(3).normal(0, 1, weights.shape).astype(np.float32)
    of_masters, of_logarithms = compressed.gradients(tf.constant(of_weights))
    np.testing.assert_allclose(of_masters, of_weights * mask)
    wanted = (of_weights * mask * np.sign(weights)).sum((0, 1, 2)) * np.ravel(scales) / np.sqrt(36)
    np.testing.assert_allclose(np.ravel(of_logarithms), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bits", [2, "ternary"])
def test_the_first_scale_of_few_codes_is_near_the_best(bits: Any) -> None:
    """Also where one weight is thirty times as large as the others."""
    kernel, codes = a_kernel(), CODES[bits]
    values = kernel.variable.numpy()
    values[0, 0, 0] = 30 * np.abs(values).mean()
    kernel.variable.assign(values)

    def error(scale: Any) -> Any:
        return ((np.clip(np.round(values / scale), codes.lowest, codes.largest) * scale - values) ** 2).sum((0, 1, 2))

    best = np.min([error(scale) for scale in np.geomspace(0.01, 10, 2000)], axis=0)
    assert np.all(error(initial_scales(kernel, codes)) <= 1.03 * best)


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
    grid = LearnedGrid(kernel, (2 * best).reshape(1, 1, 1, 3).astype(np.float32), CODES[4])
    for _ in range(600):
        error = 2 * (grid.rounded(tf.constant(target)) - target)
        _, of_logarithms = grid.gradients(tf.constant(target), error)
        grid.logarithms.assign_sub(20 * of_logarithms)

    def loss(scales: Any) -> float:
        return float(((np.clip(np.floor(target / scales + 0.5), -7, 7) * scales - target) ** 2).sum())

    assert loss(np.exp(grid.logarithms.numpy())) < 1.25 * loss(best) < 0.5 * loss(2 * best)
    assert loss(initial_scales(kernel, CODES[4])) < 1.05 * loss(best)


def test_a_masked_kernel_keeps_its_zeros() -> None:
    """Zero is on the grid, and removed weights have no gradient."""
    kernel = a_kernel()
    mask = (np.random.default_rng(1).random(kernel.variable.shape) < 0.5).astype(np.float32)
    compressed = CompressedKernel(
        kernel, mask=mask, grid=LearnedGrid(kernel, initial_scales(kernel, CODES[4]), CODES[4])
    )
    compressed.project()
    assert not np.any(kernel.variable.numpy()[mask == 0])
    of_masters, of_logarithms = compressed.gradients(tf.ones(kernel.variable.shape))
    assert not np.any(of_masters.numpy()[mask == 0])
    assert [each.shape for each in compressed.trained] == [kernel.variable.shape, of_logarithms.shape]


def test_weights_off_their_grid_break_the_promise() -> None:
    """They are more than 15 values for a largest code of 7."""
    with pytest.raises(BrokenPromiseError, match="do not lie on a grid"):
        check_kernels([a_kernel()], [LayerPromise(layer="layer", largest_code=7)])


@pytest.mark.parametrize("bits", [4, 2, "ternary", 1])
def test_few_bits_need_learned_scales(bits: Any) -> None:
    """The error says what is accepted."""
    with pytest.raises(ValidationError, match="accepted: scales: learned, or bits: 8"):
        QuantizeAwareStage(bits=bits)


def trained(folder: Path, bits: int | str) -> tuple[Path, StageResult]:
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
@pytest.mark.parametrize(
    ("bits", "kinds", "largest", "values"),
    [(8, ("int8",), 127, 255), (4, ("int8", "int4"), 7, 15), (2, ("int8", "int4"), 2, 4),
     ("ternary", ("int8", "int4"), 1, 3), (1, ("int8", "int4"), 1, 2)],
)  # fmt: skip
def test_the_file_has_the_codes_that_were_trained(
    bits: int | str, kinds: tuple[str, ...], largest: int, values: int, tmp_path: Path
) -> None:
    """The codes of a channel are its weights divided by one number, its scale; they are as few as the bits allow."""
    model, result = trained(tmp_path / "stage", bits)
    assert {promise.largest_code for promise in result.promises} == {largest}
    network = load_model(model)
    kernels = kernel_values(network)
    for kind in kinds:
        context = PlainContext(tmp_path / kind)
        step = ExportStep.model_validate({"export": {"kind": kind, "representative_images": 24}, "seed": 1})
        outputs, exported = run_export(step, coloured_pack(), StoredNetwork(model, result.promises), context)
        contents = TfliteFile.read(context.store.local_path(outputs["tflite"].sha256))
        found = match_layers(kernels, contents.weights, contents.model)
        assert found.keys() == {kernel.layer for kernel in find_kernels(network)}
        for layer, weights in found.items():
            rows = np.moveaxis(kernels[layer], -1, 0).reshape(kernels[layer].shape[-1], -1).astype(np.float64)
            codes = weights.rows().astype(np.float64)
            assert np.abs(codes).max() <= largest
            for row, code in zip(rows, codes, strict=True):
                assert len(np.unique(code)) <= values
                scale = row[np.abs(code).argmax()] / code[np.abs(code).argmax()]
                np.testing.assert_allclose(code * scale, row, atol=1e-4 * np.abs(row).max())
        promised = {kept.promised for kept in exported.promises if kept.kind == "unique_weights_per_channel"}
        assert promised <= {values, 2 * largest + 1}
        assert (values in promised) == (bits != 8)
