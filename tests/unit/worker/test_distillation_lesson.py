"""A network that is trained to predict as its teacher."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_common.spec.training import Training
from edgepress_worker.compression.compressed_model import CompressedModel
from edgepress_worker.distillation.answers import answers
from edgepress_worker.distillation.lesson import Lesson
from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training import TrainingOutcome, train, with_policy
from edgepress_worker.training.batches import class_weights, training_batches, validation_batches
from fakes.cancelling_context import CancellingContext
from fakes.small_student import small_student, small_teacher, student_pack
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES, tiny_images

pytestmark = pytest.mark.slow

SETTINGS: dict[str, object] = {
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 0.01,
    "augmentation": {"horizontal_flip": True},
    "class_weights": "balanced",
    "label_smoothing": 0.1,
    "seed": 7,
}
PACK = student_pack()


def _settings(**changes: object) -> Training:
    return Training.model_validate(SETTINGS | changes)


def _teacher() -> keras.Model:
    network = small_teacher()
    return keras.Model(network.inputs, logits_of(network))


def _asked(teacher: keras.Model, images: Any) -> list[Any]:
    return [teacher(images, training=False)]


def _digest(network: keras.Model) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights())).hexdigest()


def _distilled(
    context: PlainContext,
    settings: Training,
    *,
    asked: Literal["once", "in each step"],
    network: keras.Model | None = None,
    pack: Pack = PACK,
    **changes: Any,
) -> tuple[keras.Model, CompressedModel, TrainingOutcome]:
    network = network or small_student()
    loss = {"alpha": 0.1, "temperature": 10.0} | changes
    if asked == "once":
        known = answers(_teacher, pack.train, settings, context)
        batches = functools.partial(training_batches, pack.train, len(CLASSES), settings, known=known)
        student = CompressedModel(network, (), Lesson(**loss))
    else:
        batches = None
        student = CompressedModel(network, (), Lesson(**loss, teach=functools.partial(_asked, _teacher())))
    return network, student, train(student, pack, settings, context, batches=batches)


def _figures(record: TrainingOutcome) -> list[dict[str, float]]:
    times = {"seconds", "compile_seconds", "preparation_seconds"}
    return [epoch.model_dump(exclude=times) for epoch in record.epochs]


def test_alpha_of_one_is_plain_training(tmp_path: Path) -> None:
    """Bit for bit: weights, curves, smoothed and weighted labels, dropout and augmentation."""
    plain = small_student()
    plain_record = train(plain, PACK, _settings(), PlainContext(tmp_path / "plain"))
    network, _, record = _distilled(PlainContext(tmp_path / "student"), _settings(), asked="once", alpha=1.0)
    assert _digest(network) == _digest(plain)
    assert _figures(record) == _figures(plain_record)


def test_alpha_of_zero_takes_nothing_from_the_labels(tmp_path: Path) -> None:
    """Other labels give the same student."""
    other = Pack(CLASSES, LabelledImages(PACK.train.images, PACK.train.labels[::-1]), PACK.validation)
    settings = _settings(class_weights="none")
    digests = [
        _digest(_distilled(PlainContext(tmp_path / str(i)), settings, asked="once", alpha=0.0, pack=pack)[0])
        for i, pack in enumerate([PACK, other])
    ]
    assert digests[0] == digests[1] != _digest(small_student())


def test_loss_is_the_formula(tmp_path: Path) -> None:
    """Before the first step it is alpha times smoothed cross-entropy, plus the rest, weighted by image."""
    network, teacher = small_student(chance=False), _teacher()
    pixels, labels = PACK.train.images.astype(np.float32), PACK.train.labels
    s = keras.Model(network.inputs, logits_of(network)).predict(pixels, verbose=0).astype(np.float64)
    t = teacher.predict(pixels, verbose=0).astype(np.float64)
    truth = np.eye(len(CLASSES))[labels] * 0.9 + 0.1 / len(CLASSES)
    p, q = _softmax(t / 5), _softmax(s / 5)
    images = 0.3 * -np.sum(truth * np.log(_softmax(s)), axis=1) + 0.7 * 5**2 * np.sum(p * np.log(p / q), axis=1)
    expected = np.mean(class_weights(labels, len(CLASSES), "balanced")[labels] * images)

    settings = _settings(epochs=1, batch_size=48, augmentation={})
    *_, record = _distilled(PlainContext(tmp_path), settings, asked="once", network=network, alpha=0.3, temperature=5.0)
    assert record.epochs[0].loss == pytest.approx(expected, rel=1e-4)


def test_validation_is_that_of_plain_training(tmp_path: Path) -> None:
    """Cross-entropy and accuracy are those of the network alone, for any loss of its training."""
    network, _, record = _distilled(PlainContext(tmp_path), _settings(), asked="in each step")
    network.compile(loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1), metrics=["accuracy"])
    found = network.evaluate(validation_batches(PACK.validation, len(CLASSES), 16), verbose=0)
    assert [record.epochs[-1].val_loss, record.epochs[-1].val_accuracy] == pytest.approx(found, rel=1e-6)
    assert record.epochs[-1].loss != pytest.approx(found[0], rel=0.1)


def test_asking_once_gives_what_asking_in_each_step_gives(tmp_path: Path) -> None:
    """The same student but for rounding: each flipped image has the answer of its own mirror image."""
    (once, _, record), (each, _, each_record) = (
        _distilled(PlainContext(tmp_path / asked), _settings(), asked=asked) for asked in ("once", "in each step")
    )
    for weight, expected in zip(once.get_weights(), each.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-4)
    assert record.epochs[-1].loss == pytest.approx(each_record.epochs[-1].loss, rel=1e-3)


def test_student_learns_from_its_teacher(tmp_path: Path) -> None:
    """With random labels it learns to agree with the teacher, and the divergence between them shrinks."""
    images, _ = tiny_images(48)
    bright = images // 4 + np.random.default_rng(0).integers(0, 190, (48, 1, 1, 3)).astype(np.uint8)
    part = LabelledImages(bright, np.arange(48) % 2)
    settings = _settings(epochs=15, class_weights="none", learning_rate=0.05)
    *_, record = _distilled(
        PlainContext(tmp_path), settings, asked="once", pack=Pack(CLASSES, part, part), temperature=2.0
    )
    assert record.epochs[-1].loss < 0.5 * record.epochs[0].loss


@pytest.mark.parametrize(
    ("changes", "policy", "asked"),
    [
        ({}, "float32", "once"),
        ({"early_stopping": {"patience": 9, "monitor": "val_accuracy"}}, "float32", "once"),
        ({"augmentation": {"horizontal_flip": True, "rotation_degrees": 180}}, "float32", "in each step"),
        ({"optimizer": "sgd"}, "mixed_float16", "once"),
    ],
)
def test_interrupted_distillation_ends_with_the_same_weights(
    changes: dict[str, object], policy: Any, asked: Any, tmp_path: Path
) -> None:
    """Weights and optimizer slots are equal bit for bit, with and without cached predictions."""

    def attempt(context: PlainContext) -> tuple[keras.Model, CompressedModel, TrainingOutcome]:
        return _distilled(context, _settings(**changes), asked=asked, network=with_policy(small_student(), policy))

    network, student, record = attempt(PlainContext(tmp_path / "undisturbed"))
    with pytest.raises(StepCancelledError):
        attempt(CancellingContext(tmp_path / "interrupted", lambda progress: progress.epoch == 2))
    resumed, resumed_student, resumed_record = attempt(PlainContext(tmp_path / "interrupted"))

    assert resumed_record.resumed_after_epochs == 2
    assert _digest(resumed) == _digest(network) != _digest(small_student())
    assert _figures(resumed_record) == _figures(record)
    for found, expected in zip(resumed_student.optimizer.weights, student.optimizer.weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_teacher_is_not_a_part_of_its_student(tmp_path: Path) -> None:
    """It is not trained, neither weights nor moving statistics, and what is trained and saved is the student."""
    teacher = small_teacher()
    before = _digest(teacher)
    logits = keras.Model(teacher.inputs, logits_of(teacher))
    network = small_student()
    lesson = Lesson(alpha=0.1, temperature=10.0, teach=functools.partial(_asked, logits))
    student = CompressedModel(network, (), lesson)
    train(student, PACK, _settings(epochs=1), PlainContext(tmp_path))
    assert _digest(teacher) == before
    assert [weight.name for weight in student.trainable_weights] == [w.name for w in network.trainable_weights]
    assert not set(teacher.submodules) & set(student.submodules)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
