"""The training loop of all methods: what it saves, how it resumes, when it stops."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import DivergedError, StepCancelledError
from edgepress_common.messages import Progress
from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training import TrainingOutcome, begin_repeatable, train, with_policy
from edgepress_worker.training.batches import validation_batches
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES, tiny_images

pytestmark = pytest.mark.slow

SETTINGS: dict[str, object] = {
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.01,
    "warmup_epochs": 1,
    "augmentation": {"horizontal_flip": True, "rotation_degrees": 180},
    "class_weights": "balanced",
    "label_smoothing": 0.1,
    "seed": 7,
}
STEPS = 3  # batches of 16 that 48 images make


def _settings(**changes: object) -> Training:
    return Training.model_validate(SETTINGS | changes)


def _pack() -> Pack:
    return Pack(CLASSES, LabelledImages(*tiny_images(48)), LabelledImages(*tiny_images(20, seed=1)))


def _network(seed: int = 7) -> keras.Model:
    begin_repeatable(seed)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, strides=4, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )


def _digest(model: keras.Model) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


class Counting(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Counts how often its step is traced."""

    traces = 0

    def train_step(self, data: object) -> dict[str, tf.Tensor]:
        self.traces += 1
        step: dict[str, tf.Tensor] = super().train_step(data)
        return step


class CancelsAfter(PlainContext):
    """A context that is cancelled after a number of epochs."""

    def __init__(self, folder: Path, epochs: int) -> None:
        super().__init__(folder)
        self._epochs = epochs

    def report(self, progress: Progress) -> None:
        super().report(progress)
        self.cancelled = progress.epoch == self._epochs


def _listener() -> tuple[list[str], keras.callbacks.Callback]:
    """Return a list of calls, and the callback that records them."""
    calls: list[str] = []
    return calls, keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: calls.append(f"epoch {epoch}"),
        on_batch_end=lambda batch, **_: calls.append(f"batch {batch}"),
    )


@pytest.mark.parametrize(
    ("changes", "policy"),
    [
        ({"optimizer": "adam"}, "float32"),
        ({"optimizer": "sgd", "schedule": "step"}, "float32"),
        ({"early_stopping": {"patience": 9, "monitor": "val_accuracy"}}, "float32"),
        ({}, "mixed_float16"),
    ],
)
def test_interrupted_training_ends_with_the_same_weights(
    changes: dict[str, object], policy: str, tmp_path: Path
) -> None:
    """Bit for bit: with dropout, augmentation, moments, schedule, loss scale and best weights all taken up again."""
    settings, pack = _settings(**changes), _pack()

    def attempt(context: PlainContext) -> tuple[keras.Model, TrainingOutcome]:
        model = with_policy(_network(), policy)  # type: ignore[arg-type]
        return model, train(model, pack, settings, context)

    undisturbed, record = attempt(PlainContext(tmp_path / "undisturbed"))

    with pytest.raises(StepCancelledError):
        attempt(CancelsAfter(tmp_path / "interrupted", epochs=2))
    resumed, resumed_record = attempt(PlainContext(tmp_path / "interrupted"))

    assert _digest(resumed) == _digest(undisturbed)
    assert _digest(resumed) != _digest(_network())
    assert resumed_record.resumed_after_epochs == 2
    assert record.resumed_after_epochs == 0
    without_times = {"seconds", "compile_seconds", "preparation_seconds"}
    assert [epoch.model_dump(exclude=without_times) for epoch in resumed_record.epochs] == [
        epoch.model_dump(exclude=without_times) for epoch in record.epochs
    ]
    slots = [np.asarray(weight) for weight in undisturbed.optimizer.weights]
    for found, expected in zip(resumed.optimizer.weights, slots, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_half_written_state_is_not_read(tmp_path: Path) -> None:
    """A process killed while it saved leaves the state of the epoch before, and the next attempt goes on from that."""
    settings, pack = _settings(), _pack()
    undisturbed = _network()
    train(undisturbed, pack, settings, PlainContext(tmp_path / "undisturbed"))

    with pytest.raises(StepCancelledError):
        train(_network(), pack, settings, CancelsAfter(tmp_path / "killed", epochs=2))
    context = PlainContext(tmp_path / "killed")
    (state,) = (context.scratch / "training").iterdir()
    half = state.parent / "incoming"
    half.mkdir()
    for file in state.iterdir():
        (half / file.name).write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    resumed = _network()
    assert train(resumed, pack, settings, context).resumed_after_epochs == 2
    assert _digest(resumed) == _digest(undisturbed)


def test_attempt_after_the_last_epoch_has_nothing_left_to_train(tmp_path: Path) -> None:
    """A process killed after training finds model and optimizer as they were."""
    settings, pack, context = _settings(epochs=2), _pack(), PlainContext(tmp_path)
    finished = _network()
    train(finished, pack, settings, context)
    digest, slots = _digest(finished), [np.asarray(weight) for weight in finished.optimizer.weights]
    again = _network()
    record = train(again, pack, settings, context)
    assert record.resumed_after_epochs == 2
    assert _digest(again) == digest
    for found, expected in zip(again.optimizer.weights, slots, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_seed_decides(tmp_path: Path) -> None:
    """The same seed trains to the same weights, another one to others."""
    digests = []
    for number, seed in enumerate([7, 7, 8]):
        model = _network(seed)
        train(model, _pack(), _settings(epochs=1, warmup_epochs=0, seed=seed), PlainContext(tmp_path / str(number)))
        digests.append(_digest(model))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    """Once validation stops improving, training ends, and the model is that of its best epoch."""
    # A rate that soon spoils what was learnt.
    changes = {"epochs": 30, "learning_rate": 1.0, "schedule": "constant", "early_stopping": {"patience": 3}}
    model, pack, settings = _network(), _pack(), _settings(**changes)
    record = train(model, pack, settings, PlainContext(tmp_path))
    losses = [epoch.val_loss for epoch in record.epochs]
    assert len(losses) == record.kept + 3 < 30
    assert losses[record.kept - 1] == min(losses)
    figures = model.evaluate(validation_batches(pack.validation, len(CLASSES), 16), verbose=0, return_dict=True)
    assert figures["loss"] == losses[record.kept - 1]
    assert len(list((tmp_path / "scratch" / "training").iterdir())) == 2


def test_curves_are_those_of_the_model(tmp_path: Path) -> None:
    """The last epoch's validation figures are what the model gives afterwards; the rate has followed the schedule."""
    model, pack, settings = _network(), _pack(), _settings(schedule="constant")
    record = train(model, pack, settings, PlainContext(tmp_path))
    assert [epoch.epoch for epoch in record.epochs] == [1, 2, 3, 4]
    assert [epoch.learning_rate for epoch in record.epochs] == pytest.approx([0.01] * 4)
    predicted = model.predict(pack.validation.images.astype(np.float32), verbose=0).argmax(axis=1)
    assert record.epochs[-1].val_accuracy == pytest.approx(np.mean(predicted == pack.validation.labels))
    assert all(epoch.seconds > 0 for epoch in record.epochs)


def test_training_learns(tmp_path: Path) -> None:
    """A network that sees plain colours can tell them apart after a few epochs."""
    labels = np.arange(48, dtype=np.int64) % 2
    images = np.broadcast_to(np.where(labels == 0, 30, 220).astype(np.uint8)[:, None, None, None], (48, 32, 32, 3))
    pack = Pack(("dark", "light"), LabelledImages(images, labels), LabelledImages(images, labels))
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    record = train(model, pack, Training(epochs=10, batch_size=8, learning_rate=0.1), PlainContext(tmp_path))
    assert record.epochs[-1].val_accuracy == 1
    assert record.epochs[-1].val_loss < record.epochs[0].val_loss


def test_diverging_training_stops_at_once(tmp_path: Path) -> None:
    """A loss that is not a number fails the step; the error says where it occurred and what to try."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(len(CLASSES), activation=lambda x: keras.backend.exp(x * 1e30)),
        ]
    )
    context = PlainContext(tmp_path)
    settings = _settings(learning_rate=10.0, optimizer="sgd", warmup_epochs=0)
    with pytest.raises(DivergedError, match=rf"epoch 1, batch \d of {STEPS}, at learning rate 10\. Try .* of 1,"):
        train(model, _pack(), settings, context)
    assert not (context.scratch / "training").exists()


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    """Reports count up to 1, name the epochs, and carry the latest figures and the time left."""
    context = PlainContext(tmp_path)
    train(_network(), _pack(), _settings(), context)
    fractions = [report.fraction for report in context.reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {report.epochs for report in context.reports} == {4}
    assert {report.epoch for report in context.reports} == {0, 1, 2, 3, 4}
    assert set(context.reports[-1].metrics) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert context.reports[-1].seconds_left == 0
    times = [report.seconds_left for report in context.reports if report.seconds_left is not None]
    assert all(math.isfinite(seconds) and seconds >= 0 for seconds in times)


def test_cancelled_step_stops_at_the_next_batch(tmp_path: Path) -> None:
    """A cancellation does not wait for the end of the epoch."""
    context, (calls, listener) = PlainContext(tmp_path), _listener()

    def cancel(batch: int, **_: object) -> None:
        context.cancelled = batch == 0

    stopping = keras.callbacks.LambdaCallback(on_batch_begin=cancel)
    with pytest.raises(StepCancelledError):
        train(_network(), _pack(), _settings(), context, callbacks=[stopping, listener])
    assert calls == ["epoch 0"]


def test_methods_can_listen(tmp_path: Path) -> None:
    """A method's callbacks hear of each epoch and batch, as from Keras itself."""
    calls, listener = _listener()
    train(_network(), _pack(), _settings(epochs=2), PlainContext(tmp_path), callbacks=[listener])
    batches = [f"batch {number}" for number in range(STEPS)]
    assert calls == ["epoch 0", *batches, "epoch 1", *batches]


def test_compiled_model_keeps_its_loss_and_optimizer(tmp_path: Path) -> None:
    """A method may have its own loss, as distillation does."""

    def constant_loss(_truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        return keras.backend.sum(predicted * 0, axis=-1) + 0.5

    model = _network()
    optimizer = keras.optimizers.legacy.SGD(0.1)
    model.compile(optimizer, loss=constant_loss, metrics=["accuracy"])
    record = train(model, _pack(), _settings(class_weights="none"), PlainContext(tmp_path))
    assert model.optimizer is optimizer
    assert [epoch.loss for epoch in record.epochs] == [0.5] * 4
    assert [epoch.learning_rate for epoch in record.epochs] == pytest.approx([0.1] * 4)


def test_class_weights_count_in_the_loss(tmp_path: Path) -> None:
    """With balanced weights, a rare class has the same influence as a common one."""
    pixels, _ = tiny_images(48)
    labels = np.array([0] * 45 + [1] * 3)
    part = LabelledImages(pixels, labels)
    losses = [
        _first_loss(Pack(("common", "rare"), part, part), tmp_path / kind, class_weights=kind)
        for kind in ("none", "balanced")
    ]
    assert losses[1] != pytest.approx(losses[0], rel=1e-3)


def _first_loss(pack: Pack, folder: Path, **changes: object) -> float:
    begin_repeatable(0)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(pack.classes), activation="softmax"),
        ]
    )
    return train(model, pack, _settings(epochs=1, warmup_epochs=0, **changes), PlainContext(folder)).epochs[0].loss


def test_a_trainings_step_is_traced_once(tmp_path: Path) -> None:
    """Tracing a large network takes seconds, each time."""
    network = _network()
    model = Counting(network.inputs, network.outputs)
    train(model, _pack(), _settings(epochs=2), PlainContext(tmp_path))
    assert model.traces == 1
