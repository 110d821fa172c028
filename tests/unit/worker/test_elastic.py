"""Elastic networks: sorted channels, shared weights, the step that trains all sizes, and the networks that are cut."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from edgepress_common.errors import InvalidInputError, StepCancelledError
from edgepress_common.spec import LayerSelection, Model, Stage, Training
from edgepress_common.spec.methods.elastic import ElasticStage
from edgepress_common.steps import StageStep
from edgepress_worker.channels.groups import prunable
from edgepress_worker.channels.importance import Candidates, importance
from edgepress_worker.elastic.depth import left_out, residual_blocks
from edgepress_worker.elastic.sizes import Cutter, Size, phases, trained_sizes
from edgepress_worker.elastic.smaller import first_channels, for_images, smaller
from edgepress_worker.elastic.sorting import with_sorted_channels
from edgepress_worker.elastic.training import ElasticModel, Phase, reduced
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_files import load_model, save_model
from edgepress_worker.keras_graph import calls
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.networks import build_network
from edgepress_worker.pack import Pack
from fakes.cancelling_context import CancellingContext
from fakes.preactivation_network import SIDE, coloured_pack, preactivation_network, trained_file
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import StageResult

LAYERS = LayerSelection()


def branched() -> Any:
    """Return a network with a concatenation, a flattening and a depthwise convolution, and random weights."""
    keras.backend.clear_session()
    layers = keras.layers
    pixels = keras.Input((6, 6, 3), name="pixels")
    one = layers.Conv2D(8, 3, padding="same", name="one")(pixels)
    other = layers.Conv2D(4, 1, name="other")(pixels)
    flow = layers.Concatenate(name="joined")([one, other])
    flow = layers.BatchNormalization(name="normalization")(flow)
    flow = layers.DepthwiseConv2D(3, name="depthwise")(flow)
    flow = layers.Flatten(name="flat")(flow)
    flow = layers.Dense(8, activation="relu", name="dense")(flow)
    network = keras.Model(pixels, layers.Dense(3, activation="softmax", name="classifier")(flow))
    random = np.random.default_rng(2)
    network.set_weights([random.uniform(0.1, 1, weight.shape) for weight in network.get_weights()])
    return network


@pytest.mark.parametrize("make", [preactivation_network, branched])
def test_sorting_changes_the_order_and_not_the_network(make: Any) -> None:
    """The outputs stay equal; in each layer that is alone in its group, the filters' norms descend."""
    network = make()
    grouped, groups = prunable(network, LAYERS)
    scores = importance("l1", Candidates(network, grouped, groups, batches=lambda: (), seed=0))
    made = with_sorted_channels(network, grouped, groups, scores)
    images = np.random.default_rng(1).uniform(0, 1, (3, *network.input_shape[1:])).astype(np.float32)
    np.testing.assert_allclose(made(images), network(images), atol=1e-6)
    for group in groups:
        if len(group.layers) == 1:
            kernel = made.get_layer(group.layers[0]).kernel.numpy()
            norms = np.abs(kernel).reshape(-1, kernel.shape[-1]).sum(axis=0)
            assert (np.diff(norms) <= 1e-6).all()


def test_a_narrower_network_has_the_first_channels() -> None:
    """Its kernels are slices of the wide network's, and so are the gradients."""
    network = preactivation_network()
    grouped, groups = prunable(network, LAYERS)
    made = smaller(network, grouped, first_channels(grouped, groups, 0.5, 4))
    assert shape_of(made.network).channels == {
        "conv0": 8, "unit1_sc": 8, "unit1_conv1": 8, "unit1_conv2": 8, "classifier": 3,
    }  # fmt: skip
    wide = network.get_layer("unit1_conv2").kernel
    wide.assign(np.arange(wide.shape.num_elements(), dtype=np.float32).reshape(wide.shape))
    for each in made.shared:
        each.load()
    narrow = made.network.get_layer("unit1_conv2").kernel.numpy()
    np.testing.assert_array_equal(narrow, wide.numpy()[:, :, :8, :8])
    (shared,) = (each for each in made.shared if each.wide is wide)
    spread = shared.spread(tf.ones_like(narrow)).numpy()
    assert spread[:, :, :8, :8].all()
    assert spread.sum() == narrow.size


@pytest.mark.slow
def test_half_of_a_resnet_is_the_narrow_resnet_of_the_catalogue(tmp_path: Path) -> None:
    """Layer by layer, and with the same outputs for the same weights."""
    wide, narrow = (
        build_network(Model(architecture="resnet18", width=width), image_size=32, classes=3, downloads=tmp_path)
        for width in (1.0, 0.5)
    )
    grouped, groups = prunable(wide, LAYERS)
    made = smaller(wide, grouped, first_channels(grouped, groups, 0.5, 16)).network
    assert shape_of(made) == shape_of(narrow)
    narrow.set_weights(made.get_weights())
    images = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(narrow(images), made(images), atol=1e-6)


@pytest.mark.slow
def test_a_step_adds_up_the_gradients_of_all_widths() -> None:
    """Compared with finite differences of the sum of the losses, as functions of the wide network's weights alone."""
    network = branched()
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    grouped, groups = prunable(network, LAYERS)
    small = smaller(network, grouped, first_channels(grouped, groups, 0.5, 2))
    model = ElasticModel(network, [small], seed=0)
    model.compile(keras.optimizers.SGD(1.0), keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    random = np.random.default_rng(3)
    images = tf.constant(random.uniform(0, 0.1, (4, 6, 6, 3)).astype(np.float32))
    labels = tf.one_hot([0, 1, 2, 1], 3)
    weights = tf.constant([1.0, 2.0, 1.0, 0.5])
    before = [variable.numpy() for variable in network.trainable_variables]

    def losses(values: list[Any], taught: Any) -> float:
        network_values = dict(zip((v.ref() for v in network.trainable_variables), values, strict=True))
        for variable in network.trainable_variables:
            variable.assign(network_values[variable.ref()])
        for each in small.shared:
            each.load()
        wide = keras.losses.categorical_crossentropy(labels, network(images, training=True))
        narrow = keras.losses.categorical_crossentropy(taught, small.network(images, training=True))
        return float(tf.reduce_mean(weights * wide) + tf.reduce_mean(weights * narrow))

    taught = network(images, training=True)
    model.train_step((images, labels, weights))
    moved = [old - variable.numpy() for old, variable in zip(before, network.trainable_variables, strict=True)]
    for number in range(len(before)):
        index = tuple(random.integers(0, size) for size in before[number].shape)
        found = []
        for step in (1e-2, -1e-2):
            changed = [value.copy() for value in before]
            changed[number][index] += step
            found.append(losses(changed, taught))
        assert moved[number][index] == pytest.approx((found[0] - found[1]) / 2e-2, rel=0.05, abs=2e-3)


def residual(blocks: int = 2, side: int = 8) -> Any:
    """Return a network with a stage of identity blocks, a projection, and one more block; and random weights."""
    keras.backend.clear_session()
    layers = keras.layers
    pixels = keras.Input((side, side, 3), name="pixels")
    flow = layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(pixels)
    for number in range(blocks):
        inner = layers.ReLU()(layers.BatchNormalization()(flow))
        inner = layers.Conv2D(4, 3, padding="same", use_bias=False, name=f"first{number}")(inner)
        flow = layers.Add(name=f"add{number}")([inner, flow])
    inner = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="wider")(layers.ReLU()(flow))
    # Not a 1x1 convolution with strides: TensorFlow's gradient of a tiny one is not the same each time.
    shortcut = layers.AveragePooling2D(2, padding="same")(flow)
    shortcut = layers.Conv2D(8, 1, use_bias=False, name="projection")(shortcut)
    flow = layers.Add(name="projected")([inner, shortcut])
    flow = layers.Add(name="last")([flow, layers.Conv2D(8, 1, use_bias=False, name="second")(flow)])
    flow = layers.Dense(3, activation="softmax", name="classifier")(layers.GlobalAveragePooling2D()(flow))
    network = keras.Model(pixels, flow, name="residual")
    random = np.random.default_rng(2)
    network.set_weights([random.uniform(0.1, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def test_blocks_are_left_out_from_the_end_of_their_stages() -> None:
    """The last ones of three blocks in the first stage and one in the second go first; a projection stays."""
    network = residual(3)
    names = {call.output: call.layer.name for call in calls(network)}
    assert [names[block.sum] for block in residual_blocks(network)] == ["add0", "add1", "add2", "last"]
    gone = {depth: [names[total] for total in left_out(network, depth)] for depth in (0.8, 0.5, 0.25, 0)}
    assert gone == {
        0.8: ["add2"], 0.5: ["last", "add2"], 0.25: ["add1", "last", "add2"], 0: ["add0", "add1", "last", "add2"],
    }  # fmt: skip
    assert not left_out(network, 1)
    with pytest.raises(InvalidInputError, match=r"depth is 0.5, but 'model.*' has no residual block"):
        left_out(branched(), 0.5)


def test_a_shallower_network_is_the_one_without_the_functions_of_its_blocks() -> None:
    """Its outputs equal those of the whole network with these functions set to zero, and their layers are gone."""
    network = residual()
    grouped, _ = prunable(network, LAYERS)
    made = smaller(network, grouped, np.ones(grouped.flow.count, bool), left_out(network, 0.4))
    images = np.random.default_rng(1).uniform(0, 1, (3, 8, 8, 3)).astype(np.float32)
    for name in ("first1", "second"):
        layer = network.get_layer(name)
        layer.set_weights([np.zeros_like(value) for value in layer.get_weights()])
        assert name not in {each.name for each in made.network.layers}
    np.testing.assert_allclose(made.network(images), network(images), atol=1e-6)
    assert {each.wide.name for each in made.shared} < {variable.name for variable in network.trainable_variables}


def test_a_network_for_smaller_images_has_the_same_layers() -> None:
    """It computes what the network would that is built for them; flattening ties a network to its size."""
    network = residual()
    made = for_images(network, 5)
    assert made.input_shape == (None, 5, 5, 3)
    assert all(layer is network.get_layer(layer.name) for layer in made.layers[1:])
    images = np.random.default_rng(1).uniform(0, 1, (3, 5, 5, 3)).astype(np.float32)
    fed = {0: tf.constant(images)}
    for call in calls(network)[1:]:
        fed[call.output] = call.apply([fed[number] for number in call.inputs])
    np.testing.assert_allclose(made(images), fed[max(fed)], atol=1e-6)
    with pytest.raises(InvalidInputError, match=r"can't take images of 5 pixels.*dense.*: a network that pools"):
        for_images(branched(), 5)


def test_images_are_reduced_as_packs_are() -> None:
    """Pillow has the same pixels, rounded after each direction."""
    pixels = np.random.default_rng(3).integers(0, 256, (13, 13, 3), dtype=np.uint8)
    for side in (5, 8, 12):
        by_pillow = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
        (found,) = reduced(tf.constant(pixels[np.newaxis], tf.float32), side).numpy()
        np.testing.assert_allclose(found, np.asarray(by_pillow), atol=1.01)


def test_sizes_shrink_one_after_the_other() -> None:
    """Each phase trains the combinations of what came before with one more; the last of a phase is its smallest."""
    stage = ElasticStage(widths=(0.5,), depths=(0.2, 0.6), image_sizes=(16, 24), progressive=True)
    sizes = trained_sizes(stage)
    assert len(set(sizes)) == len(sizes) == 2 * 3 * 3 - 1
    assert phases(stage) == (2, 8, 17)
    assert [sizes[count - 1] for count in phases(stage)] == [Size(1, 1, 16), Size(1, 0.2, 16), Size(0.5, 0.2, 16)]
    assert phases(stage.model_copy(update={"progressive": False})) == (17,)
    assert phases(stage.model_copy(update={"image_sizes": (), "widths": ()})) == (2,)


@pytest.mark.slow
def test_a_phase_trains_its_own_networks_only() -> None:
    """In the first phase, weights move by the losses of the whole network and the small images; later, of all."""
    network = residual()
    stage = ElasticStage(widths=(0.5,), image_sizes=(8,), progressive=True, multiple_of=2)
    sizes = [dataclasses.replace(size, image_size=size.image_size and 4) for size in trained_sizes(stage)]
    made = Cutter(network, stage).cut(sizes)
    assert [each.network.input_shape[1] for each in made] == [4, 8, 4]
    assert made[1].network.get_layer("stem") is made[2].network.get_layer("stem")
    model = ElasticModel(network, made, 0, phases=[Phase(1, 0), Phase(3, 1)])
    model.compile(keras.optimizers.SGD(0.0), keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    images = tf.constant(np.random.default_rng(3).uniform(0, 1, (4, 8, 8, 3)).astype(np.float32))
    data = images, tf.one_hot([0, 1, 2, 1], 3), tf.ones(4)
    statistics = {each.network: each.network.layers[2].moving_mean for each in made}
    before = [value.numpy() for value in statistics.values()]
    model.train_step(data)
    after = [value.numpy() for value in statistics.values()]
    assert (before[0] != after[0]).any()
    np.testing.assert_array_equal(before[1], after[1])
    model.train_step(data)
    assert (statistics[made[2].network].numpy() != after[2]).any()


TRAINING = Training(epochs=3, batch_size=16, learning_rate=1e-3, seed=3)
ELASTIC = {"kind": "elastic", "widths": [0.25, 0.5, 0.75], "multiple_of": 4}


def run(
    source: Path, context: PlainContext, stage: dict[str, Any], pack: Pack | None = None, **changes: Any
) -> tuple[Path, StageResult]:
    """Run a stage; return its network and result."""
    parsed: Any = TypeAdapter(Stage).validate_python(stage)
    training = TRAINING.model_copy(update=changes)
    step = StageStep(stage=parsed, model=Model(architecture="resnet18"), training=training)
    outputs, result = run_stage(step, Material(pack or coloured_pack(), source, context.scratch), context)
    return context.store.local_path(outputs["model"].sha256), result


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that tells the classes apart."""
    return trained_file(tmp_path_factory.mktemp("trained"))


@pytest.mark.slow
def test_each_width_is_cut_without_training(trained: Path, tmp_path: Path) -> None:
    """Each is a plain network with its promise, and tells the classes apart; without elastic training it does not."""
    wide, result = run(trained, PlainContext(tmp_path / "elastic"), ELASTIC)
    assert result.val_accuracy > 0.9
    for width, channels in ((0.25, 4), (0.5, 8), (0.75, 12)):
        stage = {"kind": "cut", "width": width, "multiple_of": 4}
        file, cut = run(wide, PlainContext(tmp_path / f"{width}"), stage, epochs=0)
        assert cut.shape == shape_of(load_model(file))
        assert cut.shape.channels["unit1_conv1"] == channels
        assert cut.epochs == ()
        assert cut.val_accuracy > 0.9
    _, unprepared = run(trained, PlainContext(tmp_path / "alone"), stage | {"width": 0.25}, epochs=0)
    assert unprepared.val_accuracy < 0.9


@pytest.mark.slow
def test_a_resumed_elastic_training_makes_the_same_choices(trained: Path, tmp_path: Path) -> None:
    """The order of channels and the random widths are the same: so are the bytes."""
    file, _ = run(trained, PlainContext(tmp_path / "undisturbed"), ELASTIC)
    with pytest.raises(StepCancelledError):
        run(trained, CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 2), ELASTIC)
    resumed, result = run(trained, PlainContext(tmp_path / "stopped"), ELASTIC)
    assert result.resumed_after_epochs == 2
    assert resumed.read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_depth_and_image_size_are_cut_after_a_progressive_training(tmp_path: Path) -> None:
    """The smallest network tells the classes of smaller images apart; a resumed training has the same bytes."""
    source = tmp_path / "source.h5"
    save_model(keras.models.clone_model(residual(side=SIDE)), source)
    stage = {
        "kind": "elastic", "widths": [0.5], "depths": [0], "image_sizes": [8], "progressive": True, "multiple_of": 2,
    }  # fmt: skip
    changes: dict[str, Any] = {"epochs": 9, "learning_rate": 0.02}
    whole, _ = run(source, PlainContext(tmp_path / "undisturbed"), stage, **changes)
    with pytest.raises(StepCancelledError):
        run(source, CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 4), stage, **changes)
    resumed, _ = run(source, PlainContext(tmp_path / "stopped"), stage, **changes)
    assert resumed.read_bytes() == whole.read_bytes()
    parts = coloured_pack()
    few = dataclasses.replace(parts.train, images=parts.train.images[:, ::2, ::2])
    small = Pack(parts.classes, train=few, validation=few)
    cut = {"kind": "cut", "width": 0.5, "depth": 0, "image_size": 8, "multiple_of": 2}
    file, result = run(whole, PlainContext(tmp_path / "cut"), cut, epochs=0, pack=small)
    assert load_model(file).input_shape == (None, 8, 8, 3)
    assert result.shape is not None
    assert result.shape.channels == {"stem": 2, "wider": 4, "projection": 4, "classifier": 3}
    assert result.val_accuracy > 0.5  # by chance: a third
