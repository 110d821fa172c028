"""Trains a Keras model, whoever made it: the network itself, or one that a method has wrapped.

1. BatchNorm's momentum is set, and the model compiled unless its method has done so, with a loss of its own.
2. State that an earlier attempt has saved is taken over.
3. Each epoch: train, validate, add to the history, save.
4. With early stopping, the best epoch's weights are put back at the end. Without an epoch, the network is validated
   with the weights it came with.

What an epoch does follows from the settings, its number and the state before it; so a training that was interrupted
ends with the same weights, bit for bit, as one that was not.
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
from edgepress_worker.training.early_stopping import best_epoch, should_stop
from edgepress_worker.training.optimizer import learning_rate, make_optimizer
from edgepress_worker.training.repeatability import reseed_layers
from edgepress_worker.training.state import TrainingState
from edgepress_worker.training.watch import Watch


@dataclass(frozen=True)
class TrainingRecord:
    """How a training went.

    Attributes:
        epochs: Its curves.
        kept: Number of the epoch whose weights the model has now, counted from 1; 0 for those it came with.
        val_accuracy: With these weights.
        resumed_after_epochs: Epochs that earlier attempts had done.
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
) -> TrainingRecord:
    """Trains the model in place.

    Args:
        model: Takes pixels 0 to 255, gives probabilities. One that is compiled keeps its optimizer, loss and metrics,
            and must have a metric called ``accuracy``.
        pack: What to train and to validate on.
        settings: How. The precision is the model's own, see `with_policy`.
        context: Saves its state under ``scratch/training``; reports; may cancel.
        callbacks: A method's own, called as `keras.Model.fit` calls them, once per epoch.
        batches: Gives the batches of an epoch, counted from 0; None for the pack's, see `training_batches`. A model
            with a ``train_step`` of its own may take others.

    Raises:
        DivergedError: The loss is no number any more.
        StepCancelledError: The step is to stop. What was saved stays.
    """
    if batches is None:
        batches = functools.partial(training_batches, pack.train, len(pack.classes), settings)
    steps = steps_per_epoch(len(pack.train), settings.batch_size)
    set_momentum(model, momentum_for(settings.batch_norm_momentum, steps))
    _compile(model, settings, steps=steps, classes=len(pack.classes))
    state = TrainingState(context.scratch / "training", model)
    history = list(state.resume())
    resumed_after = len(history)
    watch = Watch(context, epochs=settings.epochs, steps=steps, done=resumed_after)
    while not _is_over(history, settings):
        context.raise_if_cancelled()
        number = len(history)
        epoch = _epoch(number, model, pack, settings, batches=batches(number), callbacks=[watch, *callbacks])
        history.append(epoch)
        watch.epoch_ended(history[-1])
        state.save(history, best=_kept(history, settings))
    kept = _kept(history, settings)
    if kept != len(history):
        state.restore(kept)
    val_accuracy = history[kept - 1].val_accuracy if history else _validated(model, pack, settings, watch)["accuracy"]
    return TrainingRecord(tuple(history), kept, val_accuracy, resumed_after_epochs=resumed_after)


def _compile(model: keras.Model, settings: Training, *, steps: int, classes: int) -> None:
    if model.optimizer is None:
        policies = {layer.dtype_policy.name for layer in model.submodules if isinstance(layer, keras.layers.Layer)}
        model.compile(
            optimizer=make_optimizer(settings, steps_per_epoch=steps, loss_scaling="mixed_float16" in policies),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
            metrics=["accuracy"],
        )
    # Keras creates the slots at the first step; state can be restored, and the model weighed, only once they exist.
    model.optimizer._create_all_weights(model.trainable_variables)  # noqa: SLF001 - as Keras does to load a model
    # And the metrics. A step that creates variables is traced twice, which takes seconds.
    some = tf.zeros((1, classes))
    model.compiled_metrics.build(some, some)


def _epoch(
    number: int,
    model: keras.Model,
    pack: Pack,
    settings: Training,
    *,
    batches: tf.data.Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
) -> Epoch:
    reseed_layers(model, settings.seed, number)
    started = time.monotonic()
    fitted = model.fit(batches, initial_epoch=number, epochs=number + 1, callbacks=callbacks, verbose=0).history
    seconds = time.monotonic() - started
    validated = _validated(model, pack, settings, callbacks[0])
    return Epoch(
        epoch=number + 1,
        loss=fitted["loss"][0],
        accuracy=fitted["accuracy"][0],
        val_loss=validated["loss"],
        val_accuracy=validated["accuracy"],
        learning_rate=learning_rate(model.optimizer),
        seconds=seconds,
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
