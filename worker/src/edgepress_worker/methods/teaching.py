"""Prepares what a stage learns from its teachers: loads them, and caches their predictions if possible."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.teaching import Taught
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.distillation.answers import answers, can_be_asked_once
from edgepress_worker.distillation.ensemble import teacher_of
from edgepress_worker.distillation.hints import hinted_layers
from edgepress_worker.distillation.lesson import Lesson
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods.method import Material
from edgepress_worker.pack import Pack
from edgepress_worker.training import in_training_precision
from edgepress_worker.training.batches import steps_per_epoch, training_batches

Batches = Callable[[int], tf.data.Dataset]


def prepare_lesson(
    network: keras.Model, parameters: StageStep, material: Material, context: StepContext
) -> tuple[Lesson | None, Batches | None]:
    """Return the lesson of the stage's teachers, and the batches of each epoch if they contain their predictions.

    Args:
        network: The network that learns; no teacher is loaded before it, so that its layers have the same names.
        parameters: Parameters of the stage.
        material: Inputs of the stage.
        context: Context of the attempt.

    Raises:
        InvalidInputError: A teacher has another image size or number of classes than the data set, or a hint names a
            layer that does not exist or does not fit.
        StepCancelledError: The step is cancelled.
    """
    stage, training, pack = parameters.stage, parameters.training, material.pack
    if not isinstance(stage, Taught) or not material.teachers:
        return None, None
    lesson = Lesson(
        stage.alpha,
        stage.temperature,
        stage.loss,
        steps_per_epoch=steps_per_epoch(len(pack.train), training.batch_size),
    )
    if can_be_asked_once(training) and not stage.hints:
        load = functools.partial(_load, parameters, material, stage)
        known = answers(load, pack.train, training, context)
        return lesson, functools.partial(training_batches, pack.train, len(pack.classes), training, known=known)
    teacher = _load(parameters, material, stage)
    hints = hinted_layers(stage.hints, network, teacher)
    return dataclasses.replace(lesson, hints=hints, teach=functools.partial(_asked, teacher)), None


def _asked(teacher: keras.Model, images: tf.Tensor) -> list[tf.Tensor]:
    said = teacher(images, training=False)
    return said if isinstance(said, list) else [said]


def _load(parameters: StageStep, material: Material, stage: Taught) -> keras.Model:
    """Return the teachers as one model from pixels to logits, in the precision of the training."""
    networks = [_fitting(load_model(file), file, material.pack) for file in material.teachers]
    in_precision = [in_training_precision(network, parameters.training) for network in networks]
    return teacher_of(in_precision, stage.temperature, [hint.teacher for hint in stage.hints])


def _fitting(network: keras.Model, file: Path, pack: Pack) -> keras.Model:
    found = (*network.input_shape[1:], network.output_shape[-1])
    needed = (*pack.train.images.shape[1:], len(pack.classes))
    if found != needed:
        sizes = ["{}x{}x{} to {} classes".format(*each) for each in (found, needed)]
        raise InvalidInputError(
            f"the teacher {file.name} is a network from {sizes[0]}; accepted: one from {sizes[1]}, like the data set"
        )
    return network
