"""Uploaded Keras models: the content that is read from a file, and that no other content is."""

import io
import json
import random
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
    assert "accepted:" in str(caught.value), str(caught.value)
    return str(caught.value)


def test_a_sequential_model_is_read_as_a_chain(tmp_path: Path) -> None:
    """The input of each layer is the one before it, and weights are where Keras stores them."""
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
    """Optimizer, loss and regularizers are ignored: a custom loss is not an error."""
    compiled = {"loss": {"module": "custom", "class_name": "function", "config": "loss", "registered_name": "loss"}}
    regularized = convolution(
        kernel_regularizer={"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.1}}
    )
    model = sequential(
        image(), regularized, layer("Flatten", "flat"), layer("Dense", "dense", units=3), compile_config=compiled
    )

    assert "custom" not in _read(tmp_path, keras_file(model)).model_dump_json()


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
    """The first layer with an effect decides; layers that only change training images often precede it."""
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
        (small_cnn(layer("TFOpLambda", "evil", function="os.system")), "'os.system'"),
        (small_cnn(layer("TFSMLayer", "evil", filepath="/tmp/evil")), "TFSMLayer"),
        (small_cnn(layer("StringLookup", "evil", vocabulary="/etc/passwd")), "StringLookup"),
        (small_cnn(layer("Add", "evil") | {"module": "keras.src.ops.numpy"}), "add of a tensor;"),
        (small_cnn() | {"module": "custom", "class_name": "Functional"}, "custom.Functional"),
        (small_cnn() | {"class_name": "Own", "registered_name": "mine>Own"}, "mine>Own"),
        (small_cnn(convolution(activation={"class_name": "function", "config": "system"})), "activation"),
        (small_cnn(convolution(activation="exec")), "'exec'"),
        (small_cnn(convolution(kernel_initializer={"module": "os", "class_name": "system", "config": {}})), "os"),
        (small_cnn(convolution(kernel_constraint={"class_name": "Own", "registered_name": "a>Own"})), "Own"),
        (small_cnn(layer("Dropout", "drop", rate=0.5, dtype=FOREIGN)), "exec"),
        (small_cnn(layer("Dropout", "drop", rate=0.5, evil=1)), "evil"),
        (small_cnn(convolution() | {"class_name": {"kind": "Conv2D"}}), "class_name is {'kind': 'Conv2D'}; accepted"),
        (small_cnn(convolution() | {"registered_name": []}), "registered_name is []; accepted: text or null"),
        (small_cnn(convolution(kernel_regularizer={"module": {}, "class_name": "L2"})), "module is {}; accepted"),
        (small_cnn(layer("Dropout", "a" * 300, rate=0.5)), "letters"),
        (small_cnn(layer("Dropout", "../../evil\n", rate=0.5)), "letters"),
        (small_cnn(convolution(filters=10**9)), "filters"),
        (small_cnn(layer("ZeroPadding2D", "pad", padding=[[10**6, 0], [0, 0]])), "padding"),
        (small_cnn(convolution(data_format="channels_first")), "channels_first"),
        (sequential(image(), *[layer("ReLU", f"r{number}") for number in range(3001)]), "3000 layers"),
        (sequential(image(channels=1), convolution(), layer("Dense", "dense", units=2)), "1 channels"),
        (sequential(layer("InputLayer", "image", batch_shape=[None, 9])), "[null, height, width, 3]"),
        (sequential(image(), layer("Flatten", "flat")), "the model has no trainable layers"),
        *(
            (sequential(layer("InputLayer", "image", batch_shape=[None, side, side, 3]), convolution()), "8 to 1024")
            for side in (2**63, 2**31, 1025, 7, 0, -5)
        ),
        (sequential(convolution()), "takes 0 inputs"),
        (sequential(), "no layers"),
        (small_cnn(activation="sigmoid"), "'sigmoid'"),
        (functional(called(image()), TWICE, output="convolution"), "called 2 times"),
        (functional(called(image()), called(convolution(), "unknown"), output="convolution"), "'unknown'"),
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
    """Nested models and nested lists are refused."""
    model = sequential(convolution())
    for _ in range(20):
        model = sequential(model)
    assert "nested" in _refused(tmp_path, keras_file(sequential(image(), model)))
    assert "nested too deeply" in _refused(tmp_path, keras_file(text=b"[" * 200_000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with b''"),
        (b"\x80\x04\x95.", "unlike a .keras file"),  # a pickle
        (HDF5 + b"legacy", "HDF5 file (.h5)"),
        (b"PK\x03\x04 and no more", "as a zip"),
        (keras_file(others={"assets/evil.py": b"import os"}), "assets/evil.py"),
        (keras_file(others={"../../evil": b""}), "../../evil"),
        (keras_file(others={"/etc/cron.d/evil": b""}), "/etc/cron.d/evil"),
        (keras_file(others={"config.json ": b"{}"}), "4 files"),
        (keras_file(weights=b"\x80\x04\x95."), "unlike an HDF5 file"),
        (keras_file(weights=keras_file()), "unlike an HDF5 file"),  # a zip in the zip
        (keras_file(text=b"{"), "as JSON"),
        (keras_file(text=b"\xff\xfe"), "as JSON"),
        (keras_file(text=b'{"a": NaN}'), "NaN"),
        (keras_file(text=b"9" * 5000), "as JSON"),
        (keras_file() + b"#!/bin/sh", "additional bytes after the zip"),
        (b"PK\x03\x04" + b"#" * 28 + keras_file(), "before"),
    ],
)
def test_what_is_not_a_keras_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
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
    """The declared length is wrong: the description ends there, and is not valid."""
    file = keras_file()
    lying = file.replace((len(json.dumps(small_cnn()))).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    assert lying != file

    _refused(tmp_path, lying)


def test_weights_are_taken_out_unopened(tmp_path: Path) -> None:
    """Byte for byte."""
    (tmp_path / "model.keras").write_bytes(keras_file(weights=HDF5 + b"further bytes"))

    copy_weights(tmp_path / "model.keras", tmp_path / "weights")

    assert (tmp_path / "weights").read_bytes() == HDF5 + b"further bytes"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[" + b"[]," * 500_000 + b"[]]", "values; accepted: up to 250000"),
        (b"[" * 101 + b"]" * 101, "101 levels; accepted: up to 100"),
        (b'{"a": "' + b"x" * (4 << 20) + b'"}', "accepted: up to 4194304"),
    ],
)
def test_a_description_that_would_take_much_memory_is_never_parsed(tmp_path: Path, text: bytes, words: str) -> None:
    """Its values and levels are counted first."""
    assert words in _refused(tmp_path, keras_file(text=text))


def test_brackets_in_strings_are_not_levels(tmp_path: Path) -> None:
    """Also behind an escaped quotation mark."""
    file = tmp_path / "model.keras"
    file.write_bytes(keras_file(text=json.dumps(["[" * 500, '"[' * 500]).encode()))
    assert read_config(file) == ["[" * 500, '"[' * 500]


def test_the_directory_of_a_zip_is_read_only_if_it_is_small(tmp_path: Path) -> None:
    """A thousand members, or a record of zip64 that would be believed instead of the one that was checked."""
    many = keras_file(others={f"member{number}": b"" for number in range(1000)})
    assert "1003 files" in _refused(tmp_path, many)
    plain = keras_file()
    locator = b"PK\x06\x07" + bytes(16)
    assert "zip64" in _refused(tmp_path, plain[:-22] + locator + plain[-22:])


def _keras_2(*layers: Json, output: str) -> Json:
    """A functional model as Keras 2 writes it: calls are lists, and an input has a batch_input_shape."""
    entry = layer("InputLayer", "image", batch_input_shape=[None, 32, 32, 3], sparse=False, ragged=False)
    first = entry | {"name": "image", "inbound_nodes": []}
    config = {"name": "old", "layers": [first, *layers], "output_layers": [[output, 0, 0]]}
    return {"module": "keras.src.engine.functional", "class_name": "Functional", "config": config}


def _operation(name: str, function: str, *node: object) -> Json:
    entry = layer("TFOpLambda", name, function=function)
    return entry | {"name": name, "inbound_nodes": [list(node)]}


def _called_2(entry: Json, source: str, **keywords: object) -> Json:
    return entry | {"name": entry["config"]["name"], "inbound_nodes": [[[source, 0, 0, keywords]]]}


def test_keras_2_preprocesses_inside_the_model_and_calls_layers_as_not_training(tmp_path: Path) -> None:
    """TensorFlow's transfer-learning guide of 2.13 does this, here under a policy for mixed precision."""
    policy = {"module": "keras.mixed_precision", "class_name": "Policy", "config": {"name": "mixed_float16"}}
    model = _keras_2(
        _operation("tf.math.truediv", "math.truediv", "image", 0, 0, {"y": 127.5, "name": None}),
        _operation("tf.math.subtract", "math.subtract", "tf.math.truediv", 0, 0, {"y": 1.0, "name": None}),
        _called_2(convolution(dtype=policy), "tf.math.subtract", training=False),
        _called_2(layer("Conv2D", "second", filters=4, kernel_size=[3, 3]), "convolution", training=False),
        _called_2(layer("GlobalAveragePooling2D", "pooled"), "second"),
        _called_2(layer("Dense", "dense", units=3), "pooled"),
        output="dense",
    )

    network = _read(tmp_path, keras_file(model))

    assert [call.layer.kind for call in network.calls] == [
        "InputLayer", "Rescaling", "Rescaling", "Conv2D", "Conv2D", "GlobalAveragePooling2D", "Dense",
    ]  # fmt: skip
    assert network.scales_pixels
    second = network.calls[4]
    assert second.weights == "layers/conv2d_1"
    assert second.older_weights == "_layer_checkpoint_dependencies/conv2d_2", "TensorFlow 2.12 to 2.14 count twice"


@pytest.mark.parametrize("activation", ["hard_sigmoid", "leaky_relu", "hard_swish"])
def test_functions_that_keras_2_computes_otherwise_are_refused(tmp_path: Path, activation: str) -> None:
    """Keras 2's hard_sigmoid is 0.2 x + 0.5, Keras 3's x / 6 + 0.5."""
    model = _keras_2(
        _called_2(convolution(activation=activation), "image"),
        _called_2(layer("GlobalAveragePooling2D", "pooled"), "convolution"),
        output="pooled",
    )
    assert "of Keras 2" in _refused(tmp_path, keras_file(model))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "Conv2D", "filters": 4, "strides": [2, 2], "dilation_rate": [2, 2]}, "can't both be larger than 1"),
        ({"kind": "DepthwiseConv2D", "strides": [1, 2]}, "unequal strides"),
    ],
)
def test_convolutions_that_tensorflow_can_not_compute_are_refused(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    """At the upload, not in the job."""
    kind = str(settings.pop("kind"))
    assert words in _refused(tmp_path, keras_file(small_cnn(layer(kind, "odd", kernel_size=[3, 3], **settings))))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"filters": 2**40}, ", filters is not accepted; found 1099511627776; accepted: less than or equal to 65536"),
        ({"padding": "causal"}, ", padding is not accepted; found 'causal'; accepted: 'valid' or 'same'"),
        (
            {"later": 1},
            ", later is unknown; found 1; accepted: the parameters data_format, kernel_size, ",
        ),
        ({"kernel_size": [3]}, ", kernel_size.1 is required; found [3]; accepted: a value for it"),
        ({"activation": "weird"}, ", activation is not accepted; found 'weird'; accepted: 'linear', 'relu', "),
        (
            {"strides": [2, 2], "dilation_rate": [2, 2]},
            " strides and dilation_rate can't both be larger than 1; accepted:",
        ),
    ],
)
def test_a_parameter_is_refused_with_what_it_accepts(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    """In words of our own, not of the library that checks it."""
    network = sequential(image(), convolution(**settings), layer("GlobalAveragePooling2D", "pooled"))
    assert f"layer 'convolution'{words}" in _refused(tmp_path, keras_file(network))


def test_more_layers_in_a_row_than_tensorflow_converts_are_refused(tmp_path: Path) -> None:
    """With the number."""
    deep = sequential(image(), convolution(), *[layer("ReLU", f"r{number}") for number in range(2100)])
    assert "in a row; accepted: up to 2000" in _refused(tmp_path, keras_file(deep))


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_a_member_whose_compressed_bytes_are_damaged_is_refused(tmp_path: Path, member: str) -> None:
    """At any place: the decompressor has several errors for it."""

    def read(damaged: Path, weights: Path) -> None:
        read_config(damaged)
        copy_weights(damaged, weights)

    content = bytes(random.Random(0).choices(b"abcdef ", k=3000))
    path = tmp_path / "damaged.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", b"{}")
        archive.writestr("config.json", json.dumps(content.decode()))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + content)
        begin = archive.getinfo(member).header_offset + 30 + len(member)
    whole = path.read_bytes()
    for place in range(begin + 10, begin + 600, 20):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(InvalidInputError):
            read(path, tmp_path / "weights.h5")


def test_a_name_of_broken_text_is_refused(tmp_path: Path) -> None:
    """Its flag says UTF-8, and its bytes are not."""
    content = bytearray(keras_file(small_cnn()))
    entry = content.index(b"PK\x01\x02")
    content[entry + 8 : entry + 10] = (0x800).to_bytes(2, "little")
    content[entry + 46] = 0xFF
    (tmp_path / "broken.keras").write_bytes(content)
    with pytest.raises(InvalidInputError, match="can't be read as a zip"):
        read_config(tmp_path / "broken.keras")
