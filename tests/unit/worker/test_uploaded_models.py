"""Uploaded Keras models in the worker: built as they were, and weights that are made to do harm."""

import importlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import PixelRange, Training, TrainStage, UploadedModel
from edgepress_common.steps import StageStep
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.uploaded_models.building import build_uploaded
from edgepress_worker.uploaded_models.weights import _ENVIRONMENT, read_weights
from fakes.keras_files import called, convolution, functional, image, keras_file, layer, small_cnn
from fakes.keras_weights import small_weights
from fakes.small_network import CLASSES, SIDE, small_pack
from fakes.step_context import PlainContext

NAMES = ("layers/conv2d/vars/0", "layers/conv2d/vars/1")
SHA256 = "a" * 64


def _network(library: object, *, ends: str | None = "softmax") -> object:
    """A model of most kinds of layer, with one inside it, by Keras 3 or Keras 2."""
    layers = library.layers  # type: ignore[attr-defined]  # either of two without types
    inside = library.Sequential(  # type: ignore[attr-defined]
        [
            library.Input((6, 6, 8)),  # type: ignore[attr-defined]
            layers.ZeroPadding2D(1),
            layers.DepthwiseConv2D(3, activation="relu"),
            layers.Conv2D(8, 1, activation="swish"),
        ]
    )
    pixels = library.Input((SIDE, SIDE, 3))  # type: ignore[attr-defined]
    flow = layers.RandomFlip("horizontal")(layers.Rescaling(1 / 255)(pixels))
    flow = layers.MaxPooling2D()(layers.Cropping2D(1)(layers.Conv2D(8, 3, use_bias=False)(flow)))
    flow = layers.ReLU(6.0)(layers.BatchNormalization(scale=False)(flow))
    both = layers.Concatenate()([layers.Add()([flow, inside(flow)]), layers.LeakyReLU()(flow)])
    pooled = layers.Reshape((16,))(layers.GlobalAveragePooling2D(keepdims=True)(layers.SpatialDropout2D(0.1)(both)))
    out = layers.Dense(len(CLASSES), activation=ends)(layers.Dropout(0.2)(pooled))
    model = library.Model(pixels, out)  # type: ignore[attr-defined]
    random = np.random.default_rng(3)
    model.set_weights(
        [random.uniform(0.1, 0.9, weight.shape) - 0.3 * (weight.ndim > 1) for weight in model.get_weights()]
    )
    return model


def _built(file: Path, folder: Path, pixels: PixelRange = "0_to_255", classes: int = len(CLASSES)) -> keras.Model:
    model = UploadedModel(sha256=SHA256, pixels=pixels)
    return build_uploaded(model, file, image_size=SIDE, classes=classes, scratch=folder)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_model_computes_what_it_did_where_it_was_saved(library: str, tmp_path: Path) -> None:
    """Saved by Keras 3 or by Keras 2, compiled, with a model inside: the same probabilities."""
    original = _network(importlib.import_module(library))
    original.compile("adam", "categorical_crossentropy")  # type: ignore[attr-defined]
    original.save(tmp_path / "model.keras")  # type: ignore[attr-defined]
    # Of different brightness: noise alone is pooled to the same.
    images = small_pack(4).train.images * np.array([0.1, 0.3, 0.6, 1.0], np.float32)[:, None, None, None]

    built = _built(tmp_path / "model.keras", tmp_path)

    wanted = np.asarray(original(images, training=False))  # type: ignore[operator]
    np.testing.assert_allclose(built(images, training=False).numpy(), wanted, atol=1e-5)
    assert np.ptp(wanted, axis=0).max() > 1e-3, "the images are told apart, or this would prove little"
    assert all(variable.trainable for variable in built.trainable_variables)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_logits_get_a_softmax_and_pixels_their_range(tmp_path: Path) -> None:
    """The network then has pixels as input and probabilities as output, as every network here."""
    original = _network(keras, ends=None)
    original.save(tmp_path / "model.keras")  # type: ignore[attr-defined]
    images = small_pack(4).train.images.astype(np.float32)

    built = _built(tmp_path / "model.keras", tmp_path, "minus_1_to_1")

    wanted = keras.activations.softmax(original(images / 127.5 - 1, training=False))  # type: ignore[operator]
    np.testing.assert_allclose(built(images, training=False).numpy(), wanted.numpy(), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [0, 1])
def test_a_training_goes_on_from_its_weights(epochs: int, tmp_path: Path) -> None:
    """Without an epoch the network and its accuracy are unchanged; with one it has weights derived from these."""
    original = _network(keras)
    original.save(tmp_path / "model.keras")  # type: ignore[attr-defined]
    context = PlainContext(tmp_path / "context")
    sha256 = context.store.put_file(tmp_path / "model.keras").sha256
    step = StageStep(
        stage=TrainStage(),
        model=UploadedModel(sha256=sha256, pixels="0_to_255"),
        training=Training(epochs=epochs, batch_size=10, learning_rate=1e-4),
    )

    outputs, result = run_stage(step, Material(small_pack(), None, tmp_path), context)

    made = load_model(context.store.local_path(outputs["model"].sha256))
    apart = max(
        float(np.abs(now - before).max())
        for now, before in zip(made.get_weights(), original.get_weights(), strict=True)  # type: ignore[attr-defined]
        if now.ndim > 1
    )
    assert (len(result.epochs), apart == 0, apart < 0.01) == (epochs, epochs == 0, True)
    assert 0 < result.val_accuracy < 1
    assert (result.epoch_seconds > 0) == (epochs > 0)


def _weights(folder: Path, plant: Callable[[h5py.File], object] = lambda _: None) -> Path:
    """The weights of `small_cnn`, and something planted."""
    file = folder / "planted.h5"
    file.write_bytes(small_weights(plant))
    return file


def test_weights_are_read_by_a_process_of_their_own(tmp_path: Path) -> None:
    """Requested weights that exist are returned as float32; no file is left."""
    file = _weights(tmp_path)

    found = read_weights(file, [*NAMES, "layers/conv2d/vars/2"], tmp_path)

    assert {name: array.shape for name, array in found.items()} == {NAMES[0]: (3, 3, 3, 4), NAMES[1]: (4,)}
    assert list(tmp_path.iterdir()) == [file]


def _external_link(content: h5py.File) -> None:
    content["evil"] = h5py.ExternalLink("/etc/passwd", "/x")


def _soft_link(content: h5py.File) -> None:
    content["evil"] = h5py.SoftLink("/layers/conv2d/vars/0")


def _external_storage(content: h5py.File) -> None:
    content.create_dataset("evil", (4,), np.float32, external=[("/etc/passwd", 0, 16)])


def _virtual(content: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    content.create_virtual_dataset("evil", layout)


def _filtered(content: h5py.File) -> None:
    content.create_dataset("evil", data=np.zeros(1 << 16, np.float32), compression="gzip")


def _other_type(content: h5py.File) -> None:
    del content[NAMES[0]]
    content[NAMES[0]] = np.zeros(4, np.int64)


def _python_objects(content: h5py.File) -> None:
    del content[NAMES[0]]
    content.create_dataset(NAMES[0], data=["cos\nsystem"], dtype=h5py.string_dtype())


def _huge_and_empty(content: h5py.File) -> None:
    del content[NAMES[0]]
    content.create_dataset(NAMES[0], (1 << 40,), np.float32)


def _named_type(content: h5py.File) -> None:
    content["evil"] = np.dtype("f4")


def _deep(content: h5py.File) -> None:
    content.create_group("/".join("g" * 100))


def _circle(content: h5py.File) -> None:
    content["layers/again"] = content["layers"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (_external_link, "ExternalLink"),
        (_soft_link, "SoftLink"),
        (_external_storage, "another file"),
        (_virtual, "another file"),
        (_filtered, "filters"),
        (_other_type, "int64"),
        (_python_objects, "type object"),
        (_huge_and_empty, "has fewer"),
        (_named_type, "Datatype"),
        (_deep, "groups deep"),
        (_circle, "groups deep"),
    ],
)
def test_a_file_of_weights_that_reaches_elsewhere_is_refused(
    plant: Callable[[h5py.File], object], words: str, tmp_path: Path
) -> None:
    """It is refused before any of it is read; the error names its location and what is accepted."""
    with pytest.raises(InvalidInputError, match="accepted:") as caught:
        read_weights(_weights(tmp_path, plant), NAMES, tmp_path)
    assert words in str(caught.value)


def test_a_broken_file_of_weights_is_refused(tmp_path: Path) -> None:
    """Cut off, or no HDF5 at all."""
    file = _weights(tmp_path)
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(InvalidInputError, match=r"model\.weights\.h5"):
        read_weights(file, NAMES, tmp_path)


def test_the_process_that_reads_can_do_no_harm(tmp_path: Path) -> None:
    """It has no network, starts nothing, opens few files, and writes no more than there was to read."""
    program = """
import os, resource, socket, subprocess, sys
from pathlib import Path
from edgepress_worker.uploaded_models import weights_process
weights_process._give_up_rights(1000)
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
    print("network")
except OSError:
    pass
try:
    Path(sys.argv[2]).write_bytes(bytes(64 << 20))
    print("disk")
except (OSError, MemoryError):
    pass
try:
    bytearray(4 << 30)
    print("memory")
except MemoryError:
    pass
print(dict(os.environ), resource.getrlimit(resource.RLIMIT_NPROC), resource.getrlimit(resource.RLIMIT_CPU)[1] <= 120)
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", program, port, str(tmp_path / "large")],
            capture_output=True,
            text=True,
            check=False,
            env=_ENVIRONMENT,
        )
    lines = done.stdout.splitlines()
    may_unshare = "network" not in lines
    if not may_unshare:
        lines.remove("network")
    assert lines == ["{} (0, 0) True"], done
    assert may_unshare or not _can_unshare()


def _can_unshare() -> bool:
    program = shutil.which("unshare")
    return (
        program is not None
        and subprocess.run([program, "-Un", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "classes", "words"),
    [
        (small_cnn(side=None, classes=10), 3, "gives (10)"),
        (small_cnn(side=64), 10, "image_size"),
        (small_cnn(side=None, classes=9), 9, "needs weights of shapes (4, 9), (9); found under layers/dense"),
        (small_cnn(layer("BatchNormalization", "norm"), side=None), 10, "found under layers/batch_normalization: none"),
        (small_cnn(layer("BatchNormalization", "norm", axis=1), side=None), 10, "accepted: the last, by channel"),
        (small_cnn(layer("Cropping2D", "cut", cropping=[[9, 9], [9, 9]]), side=None), 10, "'cut'"),
        (small_cnn(layer("ZeroPadding2D", "pad", padding=[[1024] * 2] * 2), *[
            layer("ZeroPadding2D", f"pad{n}", padding=[[1024] * 2] * 2) for n in range(8)
        ], side=None), 10, "values for an image"),
        (functional(
            called(image(None)), called(convolution(), "image"), called(layer("Add", "sum"), "image", "convolution"),
            output="sum"), 10, "'sum' (Add)"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_fit_is_refused_with_the_layer(
    config: object, classes: int, words: str, tmp_path: Path
) -> None:
    """Its weights, its data set, or itself."""
    file = tmp_path / "model.keras"
    file.write_bytes(keras_file(config, weights=_weights(tmp_path).read_bytes()))
    with pytest.raises(InvalidInputError) as caught:
        _built(file, tmp_path, classes=classes)
    assert words in str(caught.value)


def test_planted_code_is_never_run(tmp_path: Path) -> None:
    """A Lambda that Keras itself would run, in a file that Keras itself wrote: refused, and nothing has happened."""
    import keras as keras_3

    mark = tmp_path / "executed"
    pixels = keras_3.Input((SIDE, SIDE, 3))
    evil = keras_3.layers.Lambda(_touching(mark), output_shape=(SIDE, SIDE, 3))
    flow = keras_3.layers.Flatten()(evil(pixels))
    keras_3.Model(pixels, keras_3.layers.Dense(3)(flow)).save(tmp_path / "model.keras")
    mark.unlink(missing_ok=True)
    keras_3.models.load_model(tmp_path / "model.keras", safe_mode=False, compile=False)(np.zeros((1, SIDE, SIDE, 3)))
    assert mark.exists(), "what was planted works"
    mark.unlink()

    with pytest.raises(InvalidInputError, match="Lambda"):
        _built(tmp_path / "model.keras", tmp_path)

    assert not mark.exists()


def _touching(mark: Path) -> Callable[[object], object]:
    path = str(mark)
    # A lambda, since of other functions Keras writes down only the name; and as short as an attacker would have it.
    return lambda values: (open(path, "w"), values)[1]  # noqa: PTH123


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e38, -1e38])
def test_weights_that_kill_the_converter_are_refused_with_their_layer(value: float, tmp_path: Path) -> None:
    """Infinite, no number, or so large that the product of two of them is infinite."""
    kernel = np.zeros((4, len(CLASSES)), np.float32)
    kernel[1, 2] = value
    shapes = {"conv2d": (np.zeros((3, 3, 3, 4), np.float32), 4), "dense": (kernel, len(CLASSES))}
    with h5py.File(tmp_path / "weights.h5", "w") as weights:
        for name, (array, outputs) in shapes.items():
            weights[f"layers/{name}/vars/0"] = array
            weights[f"layers/{name}/vars/1"] = np.zeros(outputs, np.float32)
    network = small_cnn(side=SIDE, classes=len(CLASSES))
    (tmp_path / "model.keras").write_bytes(keras_file(network, weights=(tmp_path / "weights.h5").read_bytes()))

    with pytest.raises(InvalidInputError, match=r"layer 'dense' .* has 1 weights like .*; accepted: finite"):
        _built(tmp_path / "model.keras", tmp_path)
