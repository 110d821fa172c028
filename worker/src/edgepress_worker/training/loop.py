"""Trains a Keras model: a plain network, or one that a method has wrapped.

1. Set BatchNorm's momentum, and compile the model unless its method has compiled it with its own loss.
2. Restore the state that an earlier attempt has saved.
3. In each epoch: train, validate the final weights, see `final_weights`, add to the history, save.
4. With early stopping, restore the best epoch's weights at the end. Then give the model its final weights. Without any
   epoch, validate the network with its initial weights.

An epoch depends only on the settings, its number and the previous state. An interrupted training therefore ends with
the same weights as an uninterrupted one, bit for bit.
"""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgepress_common.results import Epoch
from edgepress_common.spec.training import Training
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.pack import Pack
from edgepress_worker.training.batch_norm import momentum_for, set_momentum
from edgepress_worker.training.batches import steps_per_epoch, training_batches, validation_batches
from edgepress_worker.training.devices import merge_copies
from edgepress_worker.training.early_stopping import best_epoch, should_stop
from edgepress_worker.training.final_weights import FinalWeights
from edgepress_worker.training.optimizer import learning_rate, make_optimizer
from edgepress_worker.training.pace import Pace
from edgepress_worker.training.repeatability import reseed_layers
from edgepress_worker.training.state import TrainingState
from edgepress_worker.training.watch import Watch


@dataclass(frozen=True)
class TrainingOutcome:
    """The course of a training.

    Attributes:
        epochs: Metrics of each epoch.
        kept: Number of the epoch whose weights the model has, from 1; 0 for its initial weights.
        val_accuracy: Validation accuracy with these weights, 0 to 1.
        resumed_after_epochs: Number of epochs of earlier attempts.
    """

    epochs: tuple[Epoch, ...]
    kept: int
    val_accuracy: float
    resumed_after_epochs: int


def train(
    model: keras.Model,
    pack: Pack,
    settings: Training,
    context: StepContext,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    batches: Callable[[int], tf.data.Dataset] | None = None,
    project: Callable[[], None] = lambda: None,
    bits_per_weight: Callable[[], float | None] = lambda: None,
    began: float | None = None,
) -> TrainingOutcome:
    """Train the model in place.

    Args:
        model: Model from pixels, 0 to 255, to probabilities. A compiled model keeps its optimizer, loss and metrics,
            and must have a metric called ``accuracy``.
        pack: Images for training and validation.
        settings: Training settings. The precision is that of the model, see `with_policy`.
        context: Context of the attempt. The state is saved under ``scratch/training``.
        callbacks: Callbacks of the method, called as by `keras.Model.fit`, once per epoch.
        batches: Function that returns the batches of an epoch, counted from 0; None for `training_batches` of the pack.
            A model with its own ``train_step`` may use other batches.
        project: Function that computes compressed kernels from their masters; called before each validation.
        bits_per_weight: Function that returns the estimated bits per weight; None if they are not estimated.
        began: When the stage began, by `time.monotonic`, to record what it did before its first epoch.

    Raises:
        DivergedError: The loss is NaN or infinite.
        StepCancelledError: The step is cancelled; the saved state is kept.
    """
    if batches is None:
        batches = functools.partial(training_batches, pack.train, len(pack.classes), settings)
    steps = steps_per_epoch(len(pack.train), settings.batch_size)
    set_momentum(model, momentum_for(settings.batch_norm_momentum, steps))
    _compile(model, settings, steps=steps, classes=len(pack.classes))
    final = FinalWeights(model, pack.train, settings, project)
    state = TrainingState(context.scratch / "training", model, final.average)
    history = list(state.resume())
    resumed_after = len(history)
    watch = Watch(context, epochs=settings.epochs, steps=steps, done=resumed_after)
    prepared = 0.0 if began is None else time.monotonic() - began
    while not _is_over(history, settings):
        context.raise_if_cancelled()
        number = len(history)
        every_callback = [watch, *final.callbacks, *callbacks]
        epoch = _epoch(
            number,
            model,
            pack,
            settings,
            final,
            batches=batches(number),
            callbacks=every_callback,
            bits_per_weight=bits_per_weight,
        )
        history.append(epoch.model_copy(update={"preparation_seconds": prepared}))
        prepared = 0.0
        watch.epoch_ended(history[-1])
        state.save(history, best=_kept(history, settings))
    kept = _kept(history, settings)
    if kept != len(history):
        state.restore(kept)
    if history:
        final.settle(again=kept == len(history))
    val_accuracy = history[kept - 1].val_accuracy if history else _validated(model, pack, settings, watch)["accuracy"]
    return TrainingOutcome(tuple(history), kept, val_accuracy, resumed_after_epochs=resumed_after)


def _compile(model: keras.Model, settings: Training, *, steps: int, classes: int) -> None:
    if model.optimizer is None:
        policies = {layer.dtype_policy.name for layer in model.submodules if isinstance(layer, keras.layers.Layer)}
        model.compile(
            optimizer=make_optimizer(settings, steps_per_epoch=steps, loss_scaling="mixed_float16" in policies),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
            metrics=["accuracy"],
        )
    # Keras creates the slots at the first step. They must exist before state is restored or the model is weighed.
    model.optimizer._create_all_weights(model.trainable_variables)  # noqa: SLF001 - as Keras does to load a model
    # The metrics as well: a step that creates variables is traced twice, which takes seconds.
    some = tf.zeros((1, classes))
    model.compiled_metrics.build(some, some)


def _epoch(
    number: int,
    model: keras.Model,
    pack: Pack,
    settings: Training,
    final: FinalWeights,
    *,
    batches: tf.data.Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    bits_per_weight: Callable[[], float | None],
) -> Epoch:
    pace, is_compiled = Pace(), model.train_function is not None
    reseed_layers(model, settings.seed, number)
    started = time.monotonic()
    fitted = model.fit(
        batches, initial_epoch=number, epochs=number + 1, callbacks=[pace, *callbacks], verbose=0
    ).history
    seconds = time.monotonic() - started
    merge_copies(model)
    with final.settled():
        validated = _validated(model, pack, settings, callbacks[0])
        bits = bits_per_weight()
    return Epoch(
        epoch=number + 1,
        loss=fitted["loss"][0],
        accuracy=fitted["accuracy"][0],
        val_loss=validated["loss"],
        val_accuracy=validated["accuracy"],
        learning_rate=learning_rate(model.optimizer),
        seconds=seconds,
        bits_per_weight=bits,
        compile_seconds=0.0 if is_compiled else pace.compile_seconds(),
    )


def _validated(model: keras.Model, pack: Pack, settings: Training, watch: keras.callbacks.Callback) -> dict[str, float]:
    batches = validation_batches(pack.validation, len(pack.classes), settings.batch_size)
    figures: dict[str, float] = model.evaluate(batches, callbacks=[watch], return_dict=True, verbose=0)
    return figures


def _is_over(history: Sequence[Epoch], settings: Training) -> bool:
    stops_early = settings.early_stopping is not None and should_stop(history, settings.early_stopping)
    return len(history) >= settings.epochs or stops_early


def _kept(history: Sequence[Epoch], settings: Training) -> int:
    return (
        len(history)
        if settings.early_stopping is None or not history
        else best_epoch(history, settings.early_stopping) + 1
    )
