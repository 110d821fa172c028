"""Quantization after training: ranges, equalization, bias correction and rounding, against small computations."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_common.spec.exports import EXPORTS
from edgepress_worker.compression.grids import on_grid
from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.checks import check_promise
from edgepress_worker.exports.exporter import ExportMaterial
from edgepress_worker.exports.registry import EXPORTERS
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.quantization.equalization import equalized
from edgepress_worker.quantization.folding import folded
from edgepress_worker.quantization.post_training import PostTraining
from edgepress_worker.quantization.range_search import Histogram, find_range, rounded
from edgepress_worker.quantization.rounding import ToRound, adaptively_rounded
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.model import parse_tflite
from fakes.preactivation_network import coloured_pack, preactivation_network
from fakes.small_network import chain, small_network
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

Values = npt.NDArray[np.float32]
IMAGES = coloured_pack(24).train


def hard_network() -> Any:
    """A network whose channels differ by factors of hundreds: one scale fits none of them."""
    random = np.random.default_rng(0)
    spread = [np.exp(random.normal(0, 2, channels)).astype(np.float32) for channels in (8, 12)]
    kernels = [
        random.normal(0, 0.3, shape).astype(np.float32) for shape in ((3, 3, 3, 8), (3, 3, 8, 12), (1, 1, 12, 8))
    ]
    network = chain(
        {
            "first": kernels[0] * spread[0],
            "second": kernels[1] / spread[0][:, np.newaxis] * spread[1],
            "third": kernels[2] / spread[1][:, np.newaxis],
        }
    )
    classifier = network.get_layer("classifier")
    classifier.set_weights([random.normal(0, 0.3, each.shape) for each in classifier.get_weights()])
    logits = keras.Model(network.input, classifier.output)(IMAGES.images.astype(np.float32)).numpy()
    classifier.set_weights([each / logits.std() for each in classifier.get_weights()])
    return network


def exported(network: Any, folder: Path, **parameters: Any) -> bytes:
    """The int8 file with these parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    context = PlainContext(folder)
    material = ExportMaterial(network, 16, (), Calibration(IMAGES, 1, context), IMAGES, context)
    wanted = EXPORTS["int8"].parameters.model_validate({"kind": "int8", "representative_images": 24} | parameters)
    written = EXPORTERS["int8"](wanted, material)
    check_promise(written.promise, parse_tflite(written.content))
    return written.content


def decibels(network: Any, content: bytes, folder: Path) -> float:
    """Signal-to-noise ratio of a file's probabilities, compared with the network's."""
    path = folder / "measured.tflite"
    path.write_bytes(content)
    found = np.concatenate([infer(path, image).output for image in IMAGES.images])
    wanted = network(IMAGES.images.astype(np.float32), training=False).numpy()
    return float(10 * np.log10((wanted**2).sum() / ((found - wanted) ** 2).sum()))


@pytest.mark.parametrize("network", [preactivation_network, small_network], ids=["normalized", "depthwise"])
def test_a_folded_network_computes_the_same(network: Any) -> None:
    """Normalizations behind convolutions are gone, those behind something else are left."""
    before = network()
    for layer in before.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            random = np.random.default_rng(3)
            layer.set_weights([random.uniform(0.5, 2, each.shape) for each in layer.get_weights()])
    after = folded(before)
    images = IMAGES.images.astype(np.float32)
    assert np.allclose(after(images, training=False), before(images, training=False), atol=1e-5)
    names = {layer.name for layer in after.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert names == ({"bn_data", "unit1_bn1", "bn1"} if network is preactivation_network else set())
    assert all(len(after.get_layer(kernel.layer).get_weights()) == 2 for kernel in find_kernels(after))


@pytest.mark.parametrize("network", [hard_network, small_network], ids=["chain", "depthwise"])
def test_equalized_channels_have_equal_ranges_and_compute_the_same(network: Any) -> None:
    """The largest weight of a channel is the same in the layer that writes it and in the layer that reads it."""
    before = folded(network())
    after = equalized(before)
    images = IMAGES.images.astype(np.float32)
    assert np.allclose(after(images, training=False), before(images, training=False), atol=1e-5)
    kernels = [after.get_layer(kernel.layer).get_weights()[0] for kernel in find_kernels(after)]
    assert not np.allclose(kernels[0], before.get_layer(find_kernels(before)[0].layer).get_weights()[0])
    for writes, reads in itertools.pairwise(kernels):
        depthwise = writes.shape[-1] == 1
        outputs = np.abs(writes[..., 0] if depthwise else writes).max(axis=(0, 1))
        outputs = outputs if depthwise else outputs.max(axis=0)
        inputs = np.abs(reads).max(axis=-1)
        inputs = inputs if reads.ndim == 2 else inputs.max(axis=(0, 1))
        assert np.allclose(outputs, inputs, rtol=0.01)


def test_a_limit_is_removed_between_equalized_layers() -> None:
    """A ReLU6 becomes a ReLU, and a branch is left as it was."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    first = layers.ReLU(6.0, name="between")(layers.Conv2D(4, 3, name="one")(image))
    second = layers.ReLU(6.0, name="branching")(layers.Conv2D(4, 1, name="two")(first))
    joined = layers.Add()([layers.Conv2D(4, 1, name="three")(second), second])
    after = equalized(folded(keras.Model(image, joined)))
    assert after.get_layer("between").max_value is None
    assert float(after.get_layer("branching").max_value) == 6


def _histogram(values: Values) -> Histogram:
    histogram = Histogram.between(float(values.min()), float(values.max()))
    histogram.add(values)
    return histogram


@pytest.mark.parametrize(("shift", "share"), [(0.0, 99.0), (5.0, 99.9)])
def test_a_percentile_is_that_of_the_values(shift: float, share: float) -> None:
    """The bounds are those of numpy, from the values themselves; positive values keep 0 as their lower bound."""
    values = (
        np.abs(np.random.default_rng(1).normal(size=100_000) + shift)
        if shift
        else np.random.default_rng(1).normal(size=100_000)
    )
    low, high = find_range(_histogram(values.astype(np.float32)), "percentile", share)
    beyond = 100 - share
    wanted = (0.0, np.percentile(values, share)) if shift else np.percentile(values, [beyond / 2, 100 - beyond / 2])
    assert np.allclose((low, high), wanted, atol=0.01)


@pytest.mark.parametrize("heavy", [False, True], ids=["uniform", "exponential"])
def test_no_other_bound_has_a_smaller_squared_error(*, heavy: bool) -> None:
    """Tried with 400 upper bounds on the values themselves; only an exponential tail is clipped."""
    random = np.random.default_rng(2)
    values = random.exponential(size=50_000) if heavy else random.uniform(size=50_000)
    low, high = find_range(_histogram(values.astype(np.float32)), "mse", 99.99)

    def error(bound: float) -> float:
        scale = bound / 255
        return float(((np.minimum(np.round(values / scale), 255) * scale - values) ** 2).mean())

    assert low == 0
    assert error(high) <= 1.1 * min(error(bound) for bound in np.linspace(0.2, values.max(), 400))
    assert (high < 0.95 * values.max()) == heavy


def test_values_are_rounded_as_tensorflow_rounds_them() -> None:
    """The range is moved in the same way, so that zero is a code."""
    values = np.linspace(-3, 5, 1001)
    with_tensorflow = tf.quantization.fake_quant_with_min_max_vars(values.astype(np.float32), -1.3, 3.7)
    ours = rounded(values, np.array(-1.3), np.array(3.7))
    assert np.abs(ours - with_tensorflow).max() <= 5 / 255 + 1e-6  # halves may be rounded to either side
    assert np.mean(np.abs(ours - with_tensorflow) > 1e-5) < 0.01


def test_found_ranges_are_those_of_the_tensors() -> None:
    """With the rule min_max, each range is from the smallest to the largest value for the calibration images."""
    network = preactivation_network()
    images = IMAGES.images.astype(np.float32)
    made = PostTraining(CalibrationSettings(), lambda _: WeightGrid(), lambda: iter([images[:9], images[9:]]), 0)
    ranges = made.with_found_ranges(network)
    found = {layer.name: layer.get_weights() for layer in ranges.layers if isinstance(layer, ActivationRange)}
    for name, bounds in found.items():
        values = keras.Model(network.input, network.get_layer(name.removesuffix("_range")).output)(images)
        assert np.allclose(bounds, (min(values.numpy().min(), 0), max(values.numpy().max(), 0)), rtol=1e-5)
    assert {"relu0_range", "unit1_conv2_range", "classifier_range"} <= found.keys()


def test_corrected_biases_leave_no_mean_error() -> None:
    """Rounded to one scale, each layer's channels have the mean that they have in float, for the same images."""
    network = hard_network()
    images = IMAGES.images.astype(np.float32)

    def errors(**settings: bool) -> dict[str, float]:
        quantization = PostTraining(
            CalibrationSettings(**settings), lambda _: WeightGrid(per_channel=False), lambda: iter([images]), 0
        )
        made, reference = folded(network), folded(network)
        quantization.round_layers(reference, made)
        found = {}
        for kernel in find_kernels(made):
            assert np.allclose(kernel.variable, on_grid(kernel.variable, tuple(range(len(kernel.variable.shape)))))
            outputs = [
                keras.Model(each.input, each.get_layer(kernel.layer).output)(images).numpy()
                for each in (made, reference)
            ]
            channels = [each.reshape(-1, each.shape[-1]).mean(axis=0) for each in outputs]
            found[kernel.layer] = float(np.abs(channels[0] - channels[1]).max() / outputs[1].std())
        return found

    assert max(errors().values()) > 0.05
    assert max(errors(bias_correction=True).values()) < 1e-3


def test_adaround_finds_the_best_of_all_roundings() -> None:
    """There are 64 ways to round six weights; it finds the one with the nearest output, and leaves a zero as it is."""
    random = np.random.default_rng(15)
    kernel = random.normal(0, 1, (7, 1)).astype(np.float32)
    kernel[3] = 0
    common = random.normal(1, 1, (256, 1))  # inputs that are alike: errors of the same sign add up
    inputs = (random.normal(0, 0.3, (256, 7)) + common).astype(np.float32)
    scale = np.full((1, 1), 0.7, np.float32)

    def error(candidate: Values) -> float:
        return float(((inputs @ (candidate - kernel)) ** 2).mean())

    (found,) = adaptively_rounded(
        [ToRound(kernel, scale, (-7, 7))],
        lambda batch, weights: batch @ weights[0],
        (inputs, inputs @ kernel),
        steps=400,
        seed=1,
    )
    places = [place for place in range(7) if place != 3]
    below = np.floor(kernel / scale)
    roundings = []
    for ups in itertools.product((0, 1), repeat=6):
        candidate = below.copy()
        candidate[places, 0] += ups
        roundings.append(error((candidate * scale).astype(np.float32)))
    nearest = error(np.round(kernel / scale) * scale)
    assert found[3] == 0
    assert np.isin(found / scale - below, (0, 1)).all()
    assert error(found) <= 1.05 * min(roundings) < 0.1 * nearest


def test_a_scale_of_four_bits_is_the_best_of_many() -> None:
    """No other scale of the same kernel has a squared error that is smaller by more than 2 %."""
    kernel = np.random.default_rng(5).standard_t(3, (3, 3, 16, 1)).astype(np.float32)
    grid = WeightGrid(bits=4)
    scale = grid.scales(kernel, (0, 1, 2))
    errors = [
        ((np.clip(np.round(kernel / one), -7, 7) * one - kernel) ** 2).mean() for one in np.linspace(0.05, 5, 2000)
    ]
    assert ((grid.rounded(kernel, scale) - kernel) ** 2).mean() <= 1.02 * min(errors)
    assert np.allclose(WeightGrid().scales(kernel, (0, 1, 2)), np.abs(kernel).max() / 127)
    on_a_grid = np.float32(0.31) * np.array([[[[-5], [0], [2], [1]]]], np.float32)
    assert np.allclose(grid.rounded(on_a_grid, grid.scales(on_a_grid, (0, 1, 2))), on_a_grid)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calibration", "gain"),
    [
        ({"equalization": True}, 8),
        ({"bias_correction": True}, 3),
        ({"rounding": "adaround", "rounding_steps": 200}, 1),
        ({"equalization": True, "bias_correction": True}, 8),
    ],
    ids=["equalization", "bias correction", "adaround", "together"],
)
def test_calibration_helps_a_network_that_is_hard_to_quantize(
    calibration: dict[str, Any], gain: float, tmp_path: Path
) -> None:
    """With one scale per layer, each setting brings the file nearer to the network, by a factor in decibels."""
    network = hard_network()
    plain = exported(network, tmp_path, weight_scales="layer")
    better = exported(network, tmp_path, weight_scales="layer", calibration=calibration)
    assert decibels(network, better, tmp_path) > decibels(network, plain, tmp_path) + gain
    assert better == exported(network, tmp_path, weight_scales="layer", calibration=calibration)


@pytest.mark.slow
def test_a_percentile_helps_against_rare_large_values(tmp_path: Path) -> None:
    """A channel that is large at few places, and that no layer reads, costs all other channels their codes."""
    network = hard_network()
    first, second = network.get_layer("first"), network.get_layer("second")
    kernel, (next_kernel,) = first.get_weights()[0], second.get_weights()
    response = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)
    response.build((None, 16, 16, 3))
    response.set_weights([kernel])
    values = response(IMAGES.images.astype(np.float32)).numpy()[..., 0]
    rare = np.quantile(values, 0.999)
    next_kernel[:, :, 0] = 0
    second.set_weights([next_kernel])
    made = with_bias(network, "first", np.eye(8, dtype=np.float32)[0] * -rare, scale=1e4)
    plain = decibels(made, exported(made, tmp_path), tmp_path)
    calibration = {"ranges": "percentile", "percentile": 99.9}
    found = decibels(made, exported(made, tmp_path, calibration=calibration), tmp_path)
    assert found > plain + 6  # a quarter of the noise


def with_bias(network: Any, name: str, bias: Values, scale: float) -> Any:
    """The network with a bias in one layer, whose first channel is multiplied by a factor."""
    made = folded(network)
    kernel, _ = made.get_layer(name).get_weights()
    kernel[..., 0] *= scale
    bias = bias.copy()
    bias[0] *= scale
    made.get_layer(name).set_weights([kernel, bias])
    return made
