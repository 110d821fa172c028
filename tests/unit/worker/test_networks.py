"""The networks of the catalogue."""

from pathlib import Path

import numpy as np
import pytest

from edgepress_common.architectures import ARCHITECTURES, MIN_IMAGE_SIZE, ArchitectureName
from edgepress_common.errors import UnavailableError
from edgepress_common.spec.model import Model
from edgepress_worker.exports.normalization import normalized_layers
from edgepress_worker.keras_environment import keras
from edgepress_worker.networks import LOGITS_LAYER, build_network
from edgepress_worker.networks.catalogue import NETWORKS
from edgepress_worker.networks.imagenet_weights import WeightsFile, fetch
from edgepress_worker.networks.scaling import MINUS_ONE_TO_ONE, STANDARDIZED, Scaling

pytestmark = pytest.mark.slow

CLASSES = 5


def _build(downloads: Path, image_size: int = 32, **model: object) -> keras.Model:
    return build_network(Model.model_validate(model), image_size=image_size, classes=CLASSES, downloads=downloads)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_network_is_what_the_table_says(name: ArchitectureName, tmp_path: Path) -> None:
    """At its smallest image, each network has one pixel left to pool, unless no data set may have smaller images.

    It has the number of weights in the table.
    """
    architecture = ARCHITECTURES[name]
    side = architecture.min_image_size
    network = _build(tmp_path, side, architecture=name)
    assert network.input_shape == (None, side, side, 3)
    assert network.get_layer("pooled").input_shape[1:3] == (1, 1) or side == MIN_IMAGE_SIZE
    assert network.output_shape == (None, CLASSES)
    assert network.count_params() - network.get_layer("classifier").count_params() == architecture.parameters
    assert all(layer.dtype == "float32" for layer in network.layers)
    # Lambda layers would be code in a model's file, and TFMOT can do nothing with them.
    assert not any(isinstance(layer, keras.layers.Lambda | keras.layers.Normalization) for layer in network.layers)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        (architecture.name, width)
        for architecture in ARCHITECTURES.values()
        for width in {min(architecture.widths), max(architecture.widths)} - {1.0}
    ],
)
def test_width_changes_the_number_of_weights(name: ArchitectureName, width: float, tmp_path: Path) -> None:
    """The widths of the table can be built, and the network grows and shrinks with them."""
    network = _build(tmp_path, architecture=name, width=width)
    assert (network.count_params() > ARCHITECTURES[name].parameters) == (width > 1)


@pytest.mark.parametrize("width", [0.25, 0.75])
def test_a_narrow_resnet_is_the_same_network_with_fewer_channels(width: float, tmp_path: Path) -> None:
    """Layer by layer, with the same names; the input of the first normalization is the image."""
    keras.backend.clear_session()
    wide = _build(tmp_path, architecture="resnet18")
    keras.backend.clear_session()
    narrow = _build(tmp_path, architecture="resnet18", width=width)
    assert [layer.name for layer in narrow.layers] == [layer.name for layer in wide.layers]
    for before, after in zip(wide.layers[1:-2], narrow.layers[1:-2], strict=True):
        of_image = before.output_shape[-1] == 3  # the first normalization, and the padding behind it
        assert after.output_shape[-1] == before.output_shape[-1] * (1 if of_image else width)


def test_every_normalization_of_the_postactivation_resnet_follows_a_convolution(tmp_path: Path) -> None:
    """One for each of 20 convolutions; the channels of each stage are those of the pre-activation network."""
    network = _build(tmp_path, architecture="resnet18_postactivation", width=0.5)
    normalizations = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    convolutions = {layer.name: layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)}
    assert normalized_layers(network) == set(convolutions)
    assert len(normalizations) == len(convolutions) == 20
    other = _build(tmp_path, architecture="resnet18", width=0.5)
    for stage in (1, 2, 3, 4):
        for layer in ("unit1_conv1", "unit1_sc", "unit2_conv2"):
            name = f"stage{stage}_{layer}"
            if name in convolutions:  # the first stage needs no convolution in its shortcut
                assert convolutions[name].output_shape == other.get_layer(name).output_shape
    assert "stage1_unit1_sc" not in convolutions


def test_efficientnet_lite_has_neither_swish_nor_gates(tmp_path: Path) -> None:
    """Its activations are ReLU6, and nothing is multiplied by a sigmoid."""
    network = _build(tmp_path, architecture="efficientnet_lite0")
    assert {float(layer.max_value) for layer in network.layers if isinstance(layer, keras.layers.ReLU)} == {6.0}
    assert not any(isinstance(layer, keras.layers.Multiply) for layer in network.layers)
    activations = [layer for layer in network.layers if isinstance(layer, keras.layers.Activation)]
    assert {layer.name for layer in activations} == {"scaled", "probabilities"}
    np.testing.assert_allclose(network.get_layer("scaling")(np.full((1, 1, 1, 3), 255.0)), 1, atol=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("image_size", [32, 128, 224])
def test_imagenet_weights_exist_for_the_widths_of_the_table(name: ArchitectureName, image_size: int) -> None:
    """Each width in the table has a different file to download."""
    widths = ARCHITECTURES[name].imagenet_widths
    imagenet = NETWORKS[name].imagenet
    assert (imagenet is None) == (widths == ())
    files = [imagenet(width, image_size) for width in widths if imagenet is not None]
    assert len({file.name for file in files}) == len(widths)
    assert all(file.url.startswith("https://") and file.url.endswith(f"/{file.name}") for file in files)


@pytest.mark.parametrize(
    ("scaling", "pixel", "expected"),
    [
        (MINUS_ONE_TO_ONE, 0, [-1, -1, -1]),
        (MINUS_ONE_TO_ONE, 255, [1, 1, 1]),
        (STANDARDIZED, 0, [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225]),
        (STANDARDIZED, 255, [0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]),
    ],
)
def test_scaling(scaling: Scaling, pixel: int, expected: list[float]) -> None:
    """Black and white become what the libraries' own preprocessing makes of them."""
    scaled = scaling.layer()(np.full((1, 1, 1, 3), pixel, np.float32))
    np.testing.assert_allclose(np.asarray(scaled)[0, 0, 0], expected, rtol=1e-5)


def test_dropout_stands_before_the_classifier(tmp_path: Path) -> None:
    """Dropout is present only when requested."""
    rates = [
        [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
        for network in (_build(tmp_path, architecture="resnet18", dropout=d) for d in (0.0, 0.3))
    ]
    assert rates == [[], [0.3]]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_logits_lie_between_the_classifier_and_its_softmax(name: str, tmp_path: Path) -> None:
    """The output is the softmax of the output of a layer with a known name."""
    network = _build(tmp_path, architecture=name)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    logits, probabilities = keras.Model(network.input, [network.get_layer(LOGITS_LAYER).output, network.output])(pixels)
    np.testing.assert_array_equal(probabilities, keras.activations.softmax(logits))
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, rtol=1e-5)
    assert np.min(logits) < 0


def _save_imagenet_file(features: keras.Model, model: Model, downloads: Path) -> Path:
    imagenet = NETWORKS[model.architecture].imagenet
    assert imagenet is not None
    path = downloads / "weights" / imagenet(model.width, 32).name
    path.parent.mkdir()
    features.save_weights(path)
    return path


def test_imagenet_weights_that_lie_there_are_used(tmp_path: Path) -> None:
    """A file in the downloads folder becomes the network's weights; no request is sent."""
    original = keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    model = Model(architecture="mobilenet", width=0.25, weights="imagenet")
    _save_imagenet_file(original, model, tmp_path)
    network = build_network(model, image_size=32, classes=CLASSES, downloads=tmp_path)
    for found, expected in zip(network.get_weights(), original.get_weights(), strict=False):
        np.testing.assert_array_equal(found, expected)


def test_efficientnet_computes_what_keras_does_with_its_own_download(tmp_path: Path) -> None:
    """With ImageNet's weights, EfficientNet-B0 standardizes pixels; its weights are assigned to layers by name."""
    original = keras.applications.EfficientNetB0(input_shape=(32, 32, 3), include_top=False, weights=None)
    model = Model(architecture="efficientnet_b0", weights="imagenet")
    _save_imagenet_file(original, model, tmp_path)
    network = build_network(model, image_size=32, classes=CLASSES, downloads=tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    standardized = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    beyond_scaling = keras.Model(original.get_layer("stem_conv_pad").input, original.output)
    features = keras.Model(network.input, network.get_layer("top_activation").output)
    np.testing.assert_allclose(features(pixels), beyond_scaling(standardized), atol=1e-4)


def test_broken_imagenet_file_is_named(tmp_path: Path) -> None:
    """A file that isn't what its name says is reported with its place and what to do."""
    model = Model(architecture="mobilenet", width=0.25, weights="imagenet")
    original = keras.applications.MobileNet((32, 32, 3), alpha=0.5, include_top=False, weights=None)
    path = _save_imagenet_file(original, model, tmp_path)
    with pytest.raises(UnavailableError, match="Delete the file") as wrong_shape:
        build_network(model, image_size=32, classes=CLASSES, downloads=tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UnavailableError, match="Delete the file") as cut_short:
        build_network(model, image_size=32, classes=CLASSES, downloads=tmp_path)
    assert str(path) in str(wrong_shape.value)
    assert str(path) in str(cut_short.value)


def test_download_is_kept_under_its_name(tmp_path: Path) -> None:
    """A missing file is fetched, and no other file is left in the folder."""
    (tmp_path / "published").write_bytes(b"weights")
    file = WeightsFile("net.h5", (tmp_path / "published").as_uri(), md5="63f4f1e9b725370f459720575cd5f953")
    place = fetch(file, tmp_path / "weights")
    assert place.read_bytes() == b"weights"
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("md5", [None, "0" * 32])
def test_missing_download_says_what_to_put_where(md5: str | None, tmp_path: Path) -> None:
    """Neither incomplete nor corrupt files are kept; the error names the file, its address and its path."""
    if md5 is not None:
        (tmp_path / "published").write_bytes(b"other bytes than were published")
    file = WeightsFile("net.h5", (tmp_path / "published").as_uri(), md5)
    with pytest.raises(UnavailableError) as caught:
        fetch(file, tmp_path / "weights")
    for part in (file.name, file.url, str(tmp_path / "weights" / "net.h5")):
        assert part in str(caught.value)
    assert list((tmp_path / "weights").iterdir()) == []
