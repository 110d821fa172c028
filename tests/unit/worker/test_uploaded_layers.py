"""Uploaded models, layer by layer and parameter by parameter, against Keras 3, which reads the same file on its own."""

from __future__ import annotations

import json
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import UploadedModel
from edgepress_common.spec.exports import ExportKind
from edgepress_common.uploaded_models import read_config, read_network
from edgepress_worker.uploaded_models.building import build_uploaded
from fakes.small_network import SIDE, saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

keras = pytest.importorskip("keras")
L = keras.layers
ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus",
    "softsign", "mish", "swish", "silu", "hard_swish", "hard_silu", "softmax",
)  # fmt: skip
LAYERS: dict[str, Callable[[], Any]] = {
    **{f"activation {name}": partial(L.Activation, name) for name in ACTIVATIONS},
    **{f"convolution with {name}": partial(L.Conv2D, 4, 3, activation=name) for name in ACTIVATIONS},
    "convolution with a ReLU object": lambda: L.Conv2D(4, 3, activation=L.ReLU(1.0)),
    "convolution with a LeakyReLU object": lambda: L.Conv2D(4, 3, activation=L.LeakyReLU(0.4)),
    "convolution, strides": lambda: L.Conv2D(4, (3, 2), strides=(2, 3), padding="same"),
    "convolution, dilation": lambda: L.Conv2D(4, 3, dilation_rate=(2, 1), use_bias=False),
    "depthwise": lambda: L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, activation="relu"),
    "depthwise, dilation": lambda: L.DepthwiseConv2D(3, dilation_rate=2, use_bias=False),
    "separable": lambda: L.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2, activation="selu"),
    "separable, dilation": lambda: L.SeparableConv2D(5, 3, dilation_rate=2, use_bias=False),
    "dense": lambda: L.Dense(5, activation="tanh"),
    "dense without bias": lambda: L.Dense(5, use_bias=False),
    "normalization over a batch": lambda: L.BatchNormalization(epsilon=0.1),
    "normalization over a batch, axis 3": lambda: L.BatchNormalization(axis=3, center=False),
    "normalization over a batch, no scale": lambda: L.BatchNormalization(scale=False),
    "normalization, numbers": lambda: L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]),
    "normalization, one number": lambda: L.Normalization(mean=0.1, variance=2.0),
    "normalization, weights": L.Normalization,
    "rescaling": lambda: L.Rescaling(2.0, 0.5),
    "rescaling by channel": lambda: L.Rescaling([2.0, 1.0, 0.5], [0.5, -1.0, 0.0]),
    "relu with a limit": lambda: L.ReLU(0.7),
    "relu with slope and threshold": lambda: L.ReLU(0.8, negative_slope=0.2, threshold=0.1),
    "leaky relu": L.LeakyReLU,
    "leaky relu with a slope": lambda: L.LeakyReLU(negative_slope=0.1),
    "prelu": L.PReLU,
    "prelu, shared": lambda: L.PReLU(shared_axes=[1, 2]),
    "elu": L.ELU,
    "softmax": L.Softmax,
    "softmax over rows": lambda: L.Softmax(axis=1),
    "softmax over columns": lambda: L.Softmax(axis=-2),
    "softmax over channels": lambda: L.Softmax(axis=3),
    "max pooling": lambda: L.MaxPooling2D((2, 3), strides=(1, 2), padding="same"),
    "average pooling": lambda: L.AveragePooling2D(3, strides=1, padding="same"),
    "average pooling, defaults": lambda: L.AveragePooling2D(2),
    "global average": lambda: L.GlobalAveragePooling2D(keepdims=True),
    "global maximum": L.GlobalMaxPooling2D,
    "zero padding": lambda: L.ZeroPadding2D(((0, 1), (2, 3))),
    "cropping": lambda: L.Cropping2D(((0, 1), (2, 3))),
    "flatten": L.Flatten,
    "reshape": lambda: L.Reshape((-1, 3)),
    "dropout": lambda: L.Dropout(0.4, noise_shape=(None, 1, 1, 3), seed=3),
    "spatial dropout": lambda: L.SpatialDropout2D(0.4),
    "random brightness": lambda: L.RandomBrightness(0.3),
    "noise": lambda: L.GaussianNoise(0.4),
    "gaussian dropout": lambda: L.GaussianDropout(0.4),
    "alpha dropout": lambda: L.AlphaDropout(0.4),
    "activity regularization": lambda: L.ActivityRegularization(0.1),
    "identity": L.Identity,
    "divided, shifted": lambda: lambda x: x / 2.0 - 1,
    "turned round": lambda: lambda x: 1.0 - (-x) * 3,
    "by channel": lambda: lambda x: keras.ops.multiply(x, np.array([1.0, 2.0, 3.0], np.float32)) + 0.5,
    "added to itself": lambda: lambda x: x + keras.ops.relu(x),
    "multiplied with itself": lambda: lambda x: x * keras.ops.sigmoid(x),
    "added": lambda: lambda x: L.Add()([x, L.ReLU()(x), L.Activation("tanh")(x)]),
    "multiplied": lambda: lambda x: L.Multiply()([x, L.GlobalAveragePooling2D(keepdims=True)(x)]),
    "joined along rows": lambda: lambda x: L.Concatenate(axis=1)([x, L.ReLU()(x)]),
    "joined": lambda: lambda x: L.Concatenate()([x, L.ReLU()(x)]),
    "joined vectors": lambda: lambda x: L.Concatenate(axis=1)([L.Flatten()(x), L.GlobalMaxPooling2D()(x)]),
}
QUICK_LAYERS = ("flatten", "joined", "multiplied", "softmax over columns")  # one of each kind
IDLE = (
    "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform",
    "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom", "AugMix", "CutMix", "MixUp", "RandAugment",
)  # fmt: skip


def _images() -> Any:
    random = np.random.default_rng(4)
    return (
        random.uniform(-1, 1, (4, SIDE, SIDE, 3)).astype(np.float32)
        * np.array([0.2, 0.5, 1, 2], np.float32)[:, None, None, None]
    )


def _with_random_weights(model: Any) -> Any:
    random = np.random.default_rng(3)
    model.set_weights(
        [
            random.uniform(0.1, 0.9, weight.shape) - 0.4 * (weight.ndim > 1) if weight.dtype.kind == "f" else weight
            for weight in model.get_weights()
        ]
    )
    return model


def _model(layer: Any, classes: int = 3, activation: str | None = "softmax") -> Any:
    pixels = keras.Input((SIDE, SIDE, 3))
    flow = layer(pixels)
    if len(flow.shape) > 2:
        flow = L.Flatten()(flow)
    # Few of the values, so that each of them shows in the probabilities.
    head = L.Dense(classes, activation=activation)
    return _with_random_weights(keras.Model(pixels, head(flow)))


def _built(model: Any, folder: Path, classes: int = 3) -> Any:
    model.save(folder / "model.keras")
    model_of_spec = UploadedModel(sha256="a" * 64, pixels="0_to_255")
    return build_uploaded(model_of_spec, folder / "model.keras", image_size=SIDE, classes=classes, scratch=folder)


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK_LAYERS else pytest.param(name, marks=pytest.mark.slow) for name in LAYERS],
)
def test_a_layer_computes_what_keras_computes(name: str, tmp_path: Path) -> None:
    """For each parameter: the same logits on probe inputs, of the network that a stage saves and an export loads."""
    model = _model(LAYERS[name](), activation=None)
    images = _images()
    from edgepress_worker.keras_environment import keras as keras_2
    from edgepress_worker.keras_files import load_model

    built = load_model(saved(_built(model, tmp_path), tmp_path))

    logits = keras_2.Model(built.input, built.layers[-2].output)

    # Loaded: a Normalization that is not has the numbers that its weights had when it was made.
    wanted = np.asarray(keras.models.load_model(tmp_path / "model.keras")(images, training=False))
    np.testing.assert_allclose(logits(images, training=False).numpy(), wanted, rtol=1e-4, atol=1e-4 * np.ptp(wanted))
    assert np.ptp(wanted, axis=0).min() > 0.01, "the images are told apart, or this would prove little"


@pytest.mark.parametrize("kind", [kind for kind in IDLE if hasattr(L, kind)])
def test_what_is_left_out_does_nothing_in_keras_either(kind: str) -> None:
    """Augmentation layers return their input when they are not training."""
    values = {"RandomBrightness": 0.4, "RandomContrast": 0.4, "RandomRotation": 0.4, "RandomZoom": 0.4}
    many: dict[str, tuple[Any, ...]] = {
        "RandomTranslation": (0.3, 0.3),
        "RandomHue": (0.4,),
        "RandomSaturation": (0.4,),
        "RandomSharpness": (0.4,),
    }
    arguments = many.get(kind, (values[kind],) if kind in values else ())
    by_kind: dict[str, dict[str, Any]] = {
        "RandomColorDegeneration": {"factor": 0.4},
        "RandomPosterization": {"factor": 4},
    }
    named = by_kind.get(kind, {})
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
    layer = getattr(L, kind)(*arguments, **named)
    np.testing.assert_array_equal(np.asarray(layer(images, training=False)), images)


@pytest.mark.parametrize(("activation", "inside"), [("sigmoid", True), (None, True), ("sigmoid", False)])
def test_one_output_tells_two_classes_apart(activation: str | None, inside: bool, tmp_path: Path) -> None:
    """Like in the guides of keras.io, it is one logit, or its sigmoid, which is the probability of the second class."""
    model = _model(L.Conv2D(4, 3, activation="relu"), classes=1, activation=activation if inside else None)
    if not inside:
        model = keras.Model(model.input, L.Activation("sigmoid")(model.output))
    images = _images() / 20
    wanted = np.asarray(model(images, training=False))
    second = wanted if activation else 1 / (1 + np.exp(-wanted))

    built = _built(model, tmp_path, classes=2)

    np.testing.assert_allclose(built(images).numpy(), np.concatenate([1 - second, second], axis=1), atol=1e-5)
    assert read_network(read_config(tmp_path / "model.keras")).classes == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pixels", "probabilities", "pixel_range", "two words", "conv_relu", "s_depthwise"])
def test_layers_can_have_any_name(name: str, tmp_path: Path) -> None:
    """Also one that the worker's own layers have, or one with a space."""
    pixels = keras.Input((SIDE, SIDE, 3))
    flow = L.Activation("tanh", name=name)(L.Conv2D(3, 3, activation="relu", name="conv")(pixels))
    flow = L.SeparableConv2D(3, 3, name="s")(flow)
    model = _with_random_weights(keras.Model(pixels, L.Dense(3)(L.GlobalAveragePooling2D()(flow))))

    built = _built(model, tmp_path)

    wanted = keras.ops.softmax(model(_images(), training=False))
    np.testing.assert_allclose(built(_images()).numpy(), np.asarray(wanted), atol=1e-5)
    assert name.replace(" ", "_") in [layer.name for layer in built.layers]


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16", "float64"])
def test_models_of_every_accepted_type_are_built(policy: str, tmp_path: Path) -> None:
    """The worker reads all types that the upload accepts, including bfloat16, which HDF5 does not have."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = _model(L.Conv2D(4, 3, activation="relu"))
        wanted = np.asarray(keras.ops.cast(model(_images() / 20), "float32"))
        built = _built(model, tmp_path)
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_allclose(built(_images() / 20).numpy(), wanted, atol=0.02)


def _damaged(file: Path, change: Callable[[Any], object]) -> Path:
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    change(config["config"]["layers"][1]["config"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (content | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, data)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith(("convolution with", "activation"))])
def test_an_unknown_parameter_is_refused_by_name(name: str, tmp_path: Path) -> None:
    """This holds for every kind of layer that has an effect."""
    model = _model(LAYERS[name]())
    model.save(tmp_path / "model.keras")
    kind = type(model.layers[1]).__name__
    if name in {
        "noise", "gaussian dropout", "alpha dropout", "activity regularization", "identity", "random brightness"
    }:  # fmt: skip
        pytest.skip(f"{kind} is left out whole")
    file = _damaged(tmp_path / "model.keras", lambda config: config.update(later_parameter=1))
    with pytest.raises(InvalidInputError, match="later_parameter"):
        read_network(read_config(file))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: L.Conv2D(3, 3, groups=3), "groups"),
        (lambda: L.Conv2D(3, 3, data_format="channels_first"), "channels_first"),
        (lambda: L.Normalization(mean=0.1, variance=2.0, invert=True), "invert"),
        (lambda: L.Normalization(axis=1, mean=[0.1] * SIDE, variance=[2.0] * SIDE), "axis 1"),
        (lambda: L.Softmax(axis=(1, 2)), "axis"),
        (lambda: L.Activation("exponential"), "exponential"),
        (lambda: L.ELU(alpha=0.5), "alpha"),
        (lambda: L.RandomCrop(8, 8), "RandomCrop"),
        (lambda: lambda x: x[..., ::-1], "'GetItem'"),
        (lambda: lambda x: x[..., ::-1], "If it reverses the channels"),
        (lambda: lambda x: 1.0 / x, "divide"),
        (lambda: lambda x: x - keras.ops.relu(x), "subtract"),
        (lambda: lambda x: keras.ops.softmax(x, axis=1), "Softmax"),
    ],
)
def test_what_is_not_carried_out_is_refused(layer: Callable[[], Any], words: str, tmp_path: Path) -> None:
    """With the layer and the parameter."""
    with pytest.raises(InvalidInputError, match=r"accepted|can say") as caught:
        _built(_model(layer()), tmp_path)
    assert words in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic", "int16x8", "int8"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_activation_becomes_every_kind_of_file(kind: ExportKind, seed: int, tmp_path: Path) -> None:
    """In int8 without a float operator, and close to Keras."""
    from edgepress_worker.tflite.float_operators import count_by_name, float_operators
    from edgepress_worker.tflite.inference import infer
    from edgepress_worker.tflite.model import read_tflite
    from fakes.small_network import small_pack, written

    keras.utils.set_random_seed(seed)
    extra = [L.PReLU(shared_axes=[1, 2]), L.ELU(), L.LeakyReLU(), L.ReLU(0.7), L.Softmax(axis=1)]
    pixels = keras.Input((SIDE, SIDE, 3))
    stem = L.Conv2D(8, 3, strides=4)(L.Rescaling(1 / 255)(pixels))
    branches = [layer(L.Conv2D(4, 1)(stem)) for layer in (*map(L.Activation, ACTIVATIONS), *extra)]
    flow = L.SeparableConv2D(8, 3)(L.Concatenate()(branches))
    model = keras.Model(pixels, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(flow)))
    built = _built(model, tmp_path)

    path = written(built, kind, tmp_path)

    parsed = read_tflite(path)
    if kind == "int8":
        assert count_by_name(float_operators(parsed)) == {}
    images = small_pack(8).train.images
    wanted = np.asarray(model(images.astype(np.float32)))
    found = np.concatenate([infer(path, image).output for image in images])
    np.testing.assert_allclose(found, wanted, atol=1e-4 if kind == "float32" else 0.06)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic", "int16x8", "int8"])
def test_every_layer_becomes_every_kind_of_file(kind: ExportKind, tmp_path: Path) -> None:
    """All of them next to each other, on 64 images: within four scales of the outputs' range in int8."""
    from edgepress_worker.keras_environment import keras as keras_2
    from edgepress_worker.tflite.inference import infer
    from fakes.small_network import small_pack, written

    without_kernel = {"relu with slope and threshold"} if kind == "int16x8" else set()
    others = [name for name in LAYERS if not name.startswith(("activation ", "convolution with "))]
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIDE, SIDE, 3))
    scaled = L.Rescaling(1 / 127.5, -1)(pixels)
    flow = L.Concatenate()([L.Flatten()(LAYERS[name]()(scaled)) for name in others if name not in without_kernel])
    built = _built(_with_random_weights(keras.Model(pixels, L.Dense(3, activation="softmax")(flow))), tmp_path)
    model = keras.models.load_model(tmp_path / "model.keras")
    head = next(layer for layer in reversed(built.layers) if isinstance(layer, keras_2.layers.Dense))

    path = written(keras_2.Model(built.input, head.input), kind, tmp_path, calibrated_on=64)

    images = small_pack(64).train.images
    wanted = np.asarray(keras.Model(model.input, model.layers[-1].input)(images.astype(np.float32), training=False))
    found = np.concatenate([infer(path, image).output for image in images])
    share = {"int8": 4 / 255, "int16x8": 1 / 255, "float16": 1e-3}.get(kind, 1e-5)
    np.testing.assert_allclose(found, wanted, atol=share * np.ptp(wanted))


def _scaled_pixels(largest: float) -> tuple[Any, Any]:
    from edgepress_worker.keras_environment import keras as keras_2

    pixels = keras_2.Input((SIDE, SIDE, 3))
    return pixels, keras_2.layers.Rescaling(2 * largest / 255, -largest)(pixels)


def _activated(function: Any, largest: float) -> Any:
    """Return a network of Keras 2 that is one activation of pixels scaled to ``[-largest, largest]``."""
    from edgepress_worker.keras_environment import keras as keras_2

    pixels, scaled = _scaled_pixels(largest)
    return keras_2.Model(pixels, keras_2.layers.Activation(function, name="function")(scaled))


def _stored_and_loaded(network: Any, folder: Path) -> Any:
    from edgepress_worker.keras_files import load_model
    from fakes.small_network import saved

    return load_model(saved(network, folder))


def _errors(network: Any, name: str, kind: ExportKind, largest: float, folder: Path) -> Any:
    """Return how far a file is from Keras 3's function, as shares of the largest magnitude of a pixel."""
    from edgepress_worker.tflite.inference import infer
    from fakes.small_network import small_pack, written

    images = small_pack(6).train.images
    scaled = images.astype(np.float32) * (2 * largest / 255) - largest
    wanted = np.asarray(keras.activations.get(name)(scaled))
    np.testing.assert_allclose(network(images.astype(np.float32)), wanted, rtol=1e-5, atol=1e-5)
    path = written(network, kind, folder)
    found = np.concatenate([infer(path, image).output for image in images])
    return np.abs(found - wanted) / largest


@pytest.mark.slow
@pytest.mark.parametrize("largest", [2, 10, 100])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_int8_activation_is_right_for_all_its_range(name: str, largest: float, tmp_path: Path) -> None:
    """Within three scales of a tensor with the range of the pixels: pixels, an intermediate result and the output."""
    from edgepress_worker.uploaded_models.layers import activation

    pixels, scaled = _scaled_pixels(largest)
    network = type(_activated("relu", 1))(pixels, activation(name, "function")(scaled))  # type: ignore[arg-type]
    assert _errors(network, name, "int8", largest, tmp_path).max() < 3 * 2 / 255


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic", "int16x8", "int8"])
@pytest.mark.parametrize("name", ["softsign", "selu", "softplus", "mish"])
def test_networks_stored_with_an_activation_of_keras(name: str, kind: ExportKind, tmp_path: Path) -> None:
    """They are loaded with ours: in int8 Keras's own stopped on some images, or lost all small values."""
    network = _stored_and_loaded(_activated(name, 10), tmp_path)
    share = {"int8": 3 * 2 / 255, "int16x8": 1e-3, "float16": 1e-3}.get(kind, 1e-5)
    assert _errors(network, name, kind, 10, tmp_path).max() < share


def test_a_division_of_integers_is_refused(tmp_path: Path) -> None:
    """TFLite stops at a divisor of code 0; the message names the operator's place and what to do."""
    from edgepress_common.errors import BrokenPromiseError
    from edgepress_worker.exports.checks import check_promise
    from edgepress_worker.exports.exporter import FilePromise
    from edgepress_worker.keras_environment import keras as keras_2
    from edgepress_worker.tflite.model import read_tflite
    from fakes.small_network import written

    network = _activated(keras_2.activations.softsign, 2)
    promise = FilePromise(input_type="int8", output_type="int8", integers_only=True)
    with pytest.raises(BrokenPromiseError, match=r"divides integers in 1 of its operators \(at .+\): .*another export"):
        check_promise(promise, read_tflite(written(network, "int8", tmp_path)))
    wide = FilePromise(input_type="float32", output_type="float32", integers_only=False)
    assert check_promise(wide, read_tflite(written(network, "int16x8", tmp_path))) == ()
