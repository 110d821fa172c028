"""Elastic networks: sorted channels, shared weights, the step that trains all widths, and the networks that are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from edgepress_common.errors import StepCancelledError
from edgepress_common.spec import LayerSelection, Model, Stage, Training
from edgepress_common.steps import StageStep
from edgepress_worker.channels.importance import Candidates, importance
from edgepress_worker.elastic.narrower import cuttable, first_channels, narrower
from edgepress_worker.elastic.sorting import with_sorted_channels
from edgepress_worker.elastic.training import ElasticModel
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.networks import build_network
from fakes.cancelling_context import CancellingContext
from fakes.preactivation_network import coloured_pack, preactivation_network, trained_file
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
    grouped, groups = cuttable(network, LAYERS)
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
    grouped, groups = cuttable(network, LAYERS)
    made = narrower(network, grouped, first_channels(grouped, groups, 0.5, 4))
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
    grouped, groups = cuttable(wide, LAYERS)
    made = narrower(wide, grouped, first_channels(grouped, groups, 0.5, 16)).network
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
    grouped, groups = cuttable(network, LAYERS)
    small = narrower(network, grouped, first_channels(grouped, groups, 0.5, 2))
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


TRAINING = Training(epochs=3, batch_size=16, learning_rate=1e-3, seed=3)
ELASTIC = {"kind": "elastic", "widths": [0.25, 0.5, 0.75], "multiple_of": 4}


def run(source: Path, context: PlainContext, stage: dict[str, Any], epochs: int = 3) -> tuple[Path, StageResult]:
    """Run a stage; return its network and result."""
    parsed: Any = TypeAdapter(Stage).validate_python(stage)
    training = TRAINING.model_copy(update={"epochs": epochs})
    step = StageStep(stage=parsed, model=Model(architecture="resnet18"), training=training)
    outputs, result = run_stage(step, Material(coloured_pack(), source, context.scratch), context)
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
