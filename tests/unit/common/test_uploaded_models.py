"""Uploaded Keras models: what is read out of a file, and that nothing else ever is."""

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models import KerasNetwork, copy_weights, read_config, read_network
from fakes.keras_files import (
    HDF5,
    Json,
    called,
    convolution,
    functional,
    image,
    keras_file,
    layer,
    sequential,
    small_cnn,
)


def _read(folder: Path, content: bytes) -> KerasNetwork:
    file = folder / "model.keras"
    file.write_bytes(content)
    return read_network(read_config(file))


def _refused(folder: Path, content: bytes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        _read(folder, content)
    assert "accepted:" in str(caught.value) or "can say:" in str(caught.value), str(caught.value)
    return str(caught.value)


def test_a_sequential_model_is_read_as_a_chain(tmp_path: Path) -> None:
    """Each layer takes the one before it, and weights lie where Keras puts them."""
    network = _read(
        tmp_path, keras_file(small_cnn(convolution() | {"config": convolution()["config"] | {"name": "b"}}))
    )

    assert [(call.name, call.inputs, call.weights) for call in network.calls] == [
        ("image", (), None),
        ("convolution", ("image",), "layers/conv2d"),
        ("b", ("convolution",), "layers/conv2d_1"),
        ("pooled", ("b",), None),
        ("dense", ("pooled",), "layers/dense"),
    ]
    assert (network.image_size, network.classes, network.ends_in) == (32, 10, "probabilities")


def test_models_inside_a_model_are_laid_flat(tmp_path: Path) -> None:
    """Their layers keep their names where these are free, and their weights lie under the model's place."""
    inner = sequential(layer("InputLayer", "inner_image", batch_shape=[None, 32, 32, 3]), convolution(), name="inner")
    outer = functional(
        called(image()),
        called(convolution(), "image"),
        called(inner, "image"),
        called(layer("Add", "sum"), "convolution", "inner"),
        called(layer("Flatten", "flat"), "sum"),
        called(layer("Dense", "dense", units=3), "flat"),
        output="dense",
    )

    network = _read(tmp_path, keras_file(outer))

    by_name = {call.name: call for call in network.calls}
    assert by_name["inner/convolution"].weights == "layers/sequential/layers/conv2d"
    assert by_name["inner/convolution"].inputs == ("image",)
    assert by_name["sum"].inputs == ("convolution", "inner/convolution")
    assert (network.classes, network.ends_in) == (3, "logits")


def test_a_call_as_keras_2_writes_it_is_read_likewise(tmp_path: Path) -> None:
    """Lists instead of objects, and a module of another name."""
    kept = called(layer("Flatten", "flat"), "image") | {"inbound_nodes": [[["image", 0, 0, {}]]]}
    dense = called(layer("Dense", "dense", units=3), "flat") | {"inbound_nodes": [[["flat", 1, 0, {}]]]}
    model = functional(called(image()), kept, dense, output="dense") | {"module": "tf_keras.src.engine.functional"}

    assert [call.inputs for call in _read(tmp_path, keras_file(model)).calls] == [(), ("image",), ("flat",)]


def test_what_is_said_of_a_training_is_left_out(tmp_path: Path) -> None:
    """Optimizer, loss, regularizers: that a loss is somebody's own matters to nobody."""
    compiled = {"loss": {"module": "somebody", "class_name": "function", "config": "loss", "registered_name": "loss"}}
    regularized = convolution(
        kernel_regularizer={"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.1}}
    )
    model = sequential(
        image(), regularized, layer("Flatten", "flat"), layer("Dense", "dense", units=3), compile_config=compiled
    )

    assert "somebody" not in _read(tmp_path, keras_file(model)).model_dump_json()


@pytest.mark.parametrize(
    ("first", "scales"),
    [
        (layer("Rescaling", "scale", scale=1 / 255, offset=0.0), True),
        (layer("Rescaling", "scale", scale=[1 / 127.5] * 3, offset=[-1.0] * 3), True),
        (layer("Rescaling", "scale", scale=2.0, offset=-1.0), False),
        (layer("Flatten", "flat"), False),
    ],
)
def test_a_model_that_scales_pixels_itself_is_noticed(tmp_path: Path, first: Json, scales: bool) -> None:
    """By the first layer that does anything; what only changes training images stands before it often."""
    flip = layer("RandomFlip", "flip", mode="horizontal")
    flat = [] if first["class_name"] == "Flatten" else [layer("Flatten", "last_flat")]
    model = sequential(image(), flip, first, *flat, layer("Dense", "dense", units=3))

    assert _read(tmp_path, keras_file(model)).scales_pixels is scales


LAMBDA = layer("Lambda", "evil", function={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}})
FOREIGN = {"module": "builtins", "class_name": "exec", "config": {"name": "evil"}, "registered_name": None}
CUSTOM = {
    "module": "keras.layers",
    "class_name": "Conv2D",
    "config": {"name": "evil"},
    "registered_name": "evil>Conv2D",
}
TWICE = called(convolution(), "image") | {
    "inbound_nodes": called(convolution(), "image")["inbound_nodes"] * 2,
}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (small_cnn(LAMBDA), "'Lambda' layer"),
        (small_cnn(FOREIGN), "builtins.exec"),
        (small_cnn(CUSTOM), "evil>Conv2D"),
        (small_cnn(layer("TFOpLambda", "evil", function="os.system")), "TFOpLambda"),
        (small_cnn(layer("TFSMLayer", "evil", filepath="/tmp/evil")), "TFSMLayer"),
        (small_cnn(layer("StringLookup", "evil", vocabulary="/etc/passwd")), "StringLookup"),
        (small_cnn(layer("Add", "evil") | {"module": "keras.src.ops.numpy"}), "keras.src.ops.numpy"),
        (small_cnn() | {"module": "somebody", "class_name": "Functional"}, "somebody.Functional"),
        (small_cnn() | {"class_name": "Own", "registered_name": "mine>Own"}, "mine>Own"),
        (small_cnn(convolution(activation={"class_name": "function", "config": "system"})), "activation"),
        (small_cnn(convolution(activation="exec")), "'exec'"),
        (small_cnn(convolution(kernel_initializer={"module": "os", "class_name": "system", "config": {}})), "os"),
        (small_cnn(convolution(kernel_constraint={"class_name": "Own", "registered_name": "a>Own"})), "Own"),
        (small_cnn(layer("Dropout", "drop", rate=0.5, dtype=FOREIGN)), "exec"),
        (small_cnn(layer("Dropout", "drop", rate=0.5, evil=1)), "evil"),
        (small_cnn(layer("Dropout", "a" * 300, rate=0.5)), "letters"),
        (small_cnn(layer("Dropout", "../../evil\n", rate=0.5)), "letters"),
        (small_cnn(convolution(filters=10**9)), "filters"),
        (small_cnn(layer("ZeroPadding2D", "pad", padding=[[10**6, 0], [0, 0]])), "padding"),
        (small_cnn(convolution(data_format="channels_first")), "channels_first"),
        (sequential(image(), *[layer("ReLU", f"r{number}") for number in range(3001)]), "3000 layers"),
        (sequential(image(channels=1), convolution(), layer("Dense", "dense", units=2)), "1 channels"),
        (sequential(layer("InputLayer", "image", batch_shape=[None, 9])), "[null, height, width, 3]"),
        (sequential(image(), layer("Flatten", "flat")), "nothing that learns"),
        (sequential(convolution()), "takes 0 inputs"),
        (sequential(), "no layers"),
        (small_cnn(activation="sigmoid"), "'sigmoid'"),
        (functional(called(image()), TWICE, output="convolution"), "called 2 times"),
        (functional(called(image()), called(convolution(), "nobody"), output="convolution"), "'nobody'"),
        (functional(called(image()), called(convolution(), "convolution"), output="convolution"), "'convolution'"),
        (functional(called(image()), output="elsewhere"), "elsewhere"),
        ([], "an object"),
        ({"class_name": "Sequential"}, "class None.Sequential"),
        ({}, "class None"),
    ],
)  # fmt: skip
def test_a_description_with_anything_else_in_it_is_refused(tmp_path: Path, config: object, words: str) -> None:
    """Code, strangers' classes and functions, and numbers to run out of memory with: named, with what is accepted."""
    assert words in _refused(tmp_path, keras_file(config, text=json.dumps(config).encode()))


def test_models_nested_without_end_are_refused(tmp_path: Path) -> None:
    """Of models and of mere lists alike."""
    model = sequential(convolution())
    for _ in range(20):
        model = sequential(model)
    assert "nested" in _refused(tmp_path, keras_file(sequential(image(), model)))
    assert "nested too deeply" in _refused(tmp_path, keras_file(text=b"[" * 200_000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with b''"),
        (b"\x80\x04\x95.", "which no .keras file does"),  # a pickle
        (HDF5 + b"legacy", "HDF5 file (.h5)"),
        (b"PK\x03\x04 and no more", "as a zip"),
        (keras_file(others={"assets/evil.py": b"import os"}), "assets/evil.py"),
        (keras_file(others={"../../evil": b""}), "../../evil"),
        (keras_file(others={"/etc/cron.d/evil": b""}), "/etc/cron.d/evil"),
        (keras_file(others={"config.json ": b"{}"}), "4 files"),
        (keras_file(weights=b"\x80\x04\x95."), "no HDF5 file"),
        (keras_file(weights=keras_file()), "no HDF5 file"),  # a zip in the zip
        (keras_file(text=b"{"), "as JSON"),
        (keras_file(text=b"\xff\xfe"), "as JSON"),
        (keras_file(text=b'{"a": NaN}'), "NaN"),
        (keras_file(text=b"9" * 5000), "as JSON"),
        (keras_file() + b"#!/bin/sh", "behind"),
        (b"PK\x03\x04" + b"#" * 28 + keras_file(), "before"),
    ],
)
def test_what_is_no_keras_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """Pickles, other archives, other files inside, things before and behind."""
    assert words in _refused(tmp_path, content)


def _rezipped(change: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(keras_file())) as source, zipfile.ZipFile(content, "w") as archive:
        for name in source.namelist():
            info, data = zipfile.ZipInfo(name), source.read(name)
            if name == "model.weights.h5":
                if change == "link":
                    info.external_attr = (stat.S_IFLNK | 0o777) << 16
                if change == "bomb":
                    info.compress_type, data = zipfile.ZIP_DEFLATED, HDF5 + bytes(1 << 20)
                if change == "lzma":
                    info.compress_type = zipfile.ZIP_LZMA
            if name == "config.json" and change == "large":
                info.compress_type, data = zipfile.ZIP_DEFLATED, b" " * ((8 << 20) + 1)
            archive.writestr(info, data)
            if change == "twice":
                archive.writestr(info, data)
    return content.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("change", ["link", "bomb", "lzma", "large", "twice"])
def test_a_zip_that_is_made_to_do_harm_is_refused(tmp_path: Path, change: str) -> None:
    """Links, what grows to a hundredfold and more, rare compressions, two files of one name."""
    _refused(tmp_path, _rezipped(change))


def test_more_than_the_zip_says_is_not_read(tmp_path: Path) -> None:
    """A length that lies: the description ends there, and is no description."""
    file = keras_file()
    lying = file.replace((len(json.dumps(small_cnn()))).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    assert lying != file

    _refused(tmp_path, lying)


def test_weights_are_taken_out_unopened(tmp_path: Path) -> None:
    """Byte for byte."""
    (tmp_path / "model.keras").write_bytes(keras_file(weights=HDF5 + b"whatever"))

    copy_weights(tmp_path / "model.keras", tmp_path / "weights")

    assert (tmp_path / "weights").read_bytes() == HDF5 + b"whatever"
