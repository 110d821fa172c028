"""The weights that a training ends with: averaged, with BatchNorm statistics of their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.pack import Pack
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.training import TrainingOutcome, train
from edgepress_worker.training.averaging import WeightAverage
from edgepress_worker.training.batches import validation_batches
from edgepress_worker.training.statistics import BatchNormStatistics
from fakes.cancelling_context import CancellingContext
from fakes.small_student import small_student, student_pack
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES

PACK = student_pack()
CHOICES: list[dict[str, Any]] = [
    {"batch_norm_statistics": "estimated"},
    {"weight_average": 0.8},
    {"weight_average": 0.5, "early_stopping": {"monitor": "val_accuracy", "patience": 9}},
]


def test_average_is_the_formula() -> None:
    """Step by step, in another computation; the first steps count more than the decay says."""
    values = np.random.default_rng(2).normal(size=(30, 4)).astype(np.float32)
    variable = tf.Variable(values[0])
    average = WeightAverage([variable], decay=0.6)
    expected = values[0].astype(np.float64)
    for step, value in enumerate(values[1:], start=1):
        variable.assign(value)
        average.follow(step)
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(average.averages[0], expected, rtol=1e-4, atol=1e-6)
    average.swap()
    np.testing.assert_array_equal(average.averages[0], values[-1])
    average.swap()
    np.testing.assert_array_equal(variable, values[-1])


def test_statistics_are_those_of_all_images() -> None:
    """Statistics are those of the whole data set, not of the last batches; dropout and ranges have no part in it."""
    pixels = keras.Input((32, 32, 3))
    flow = keras.layers.Dropout(0.9)(keras.layers.Rescaling(1 / 255)(pixels))
    normalization = keras.layers.BatchNormalization()
    ranges = ActivationRange(0.5)
    model = keras.Model(pixels, ranges(normalization(flow)))
    statistics = BatchNormStatistics(model, PACK.train, batch_size=16, seed=1)
    before = statistics.values()
    ranges.set_weights([-1, 2])
    statistics.estimate()
    images = PACK.train.images / 255
    np.testing.assert_allclose(normalization.moving_mean, images.mean(axis=(0, 1, 2)), rtol=1e-3)
    np.testing.assert_allclose(normalization.moving_variance, images.var(axis=(0, 1, 2)), rtol=1e-3)
    assert (normalization.momentum, ranges.momentum, model.layers[2].rate) == (0.99, 0.5, 0.9)
    assert ranges.get_weights() == [-1, 2]
    statistics.restore(before)
    np.testing.assert_array_equal(normalization.moving_mean, before[0])


def _trained(context: PlainContext, *, pack: Pack = PACK, **changes: Any) -> tuple[keras.Model, TrainingOutcome]:
    network = small_student()
    settings = Training.model_validate({"epochs": 4, "batch_size": 16, "learning_rate": 0.03, "seed": 7} | changes)
    return network, train(network, pack, settings, context)


@pytest.mark.slow
@pytest.mark.parametrize("changes", CHOICES)
def test_interrupted_training_ends_with_the_same_weights(changes: dict[str, Any], tmp_path: Path) -> None:
    """Bit for bit, with the average taken up again; a finished training gives them again, too."""
    network, record = _trained(PlainContext(tmp_path / "undisturbed"), **changes)
    with pytest.raises(StepCancelledError):
        _trained(CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 2), **changes)
    for expected_epochs in 2, 4:
        resumed, resumed_record = _trained(PlainContext(tmp_path / "stopped"), **changes)
        assert resumed_record.resumed_after_epochs == expected_epochs
        assert resumed_record.val_accuracy == record.val_accuracy
        for found, expected in zip(resumed.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("changes", CHOICES)
def test_figures_are_those_of_the_final_weights(changes: dict[str, Any], tmp_path: Path) -> None:
    """The network validates as the epoch that it is of, and not as with the raw weights."""
    network, record = _trained(PlainContext(tmp_path / "asked"), **changes)
    found = network.evaluate(validation_batches(PACK.validation, len(CLASSES), 16), verbose=0)
    kept = record.epochs[record.kept - 1]
    assert [kept.val_loss, kept.val_accuracy] == pytest.approx(found, rel=1e-6)
    raw, raw_record = _trained(PlainContext(tmp_path / "raw"))
    assert raw_record.epochs[0].loss == record.epochs[0].loss
    assert not np.array_equal(raw.get_weights()[-1], network.get_weights()[-1]) or "weight_average" not in changes
    assert raw_record.epochs[-1].val_loss != kept.val_loss
