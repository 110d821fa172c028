"""Channel pruning: in each round, the least important channels are removed and the smaller network is trained.

1. The budget of a round lies on a geometric sequence from the input network's cost to the target's.
2. With ``slimming``, a training before the first round reduces the factors of normalizations, see `channels.slimming`.
3. The network that a round begins with is saved before it is trained, see `reshaping`. An interrupted stage continues
   from there: earlier rounds are restored from their last epoch, without choosing channels again.
4. Each round has its share of the epochs, and its own learning rate schedule.

See `channels.pruning` for a round.
"""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.messages import Progress
from edgepress_common.spec.methods.prune_channels import PruneChannelsStage
from edgepress_common.steps import StageStep
from edgepress_worker.channels.groups import prunable
from edgepress_worker.channels.importance import Batches
from edgepress_worker.channels.pruning import Round, compared_groups, prune_round
from edgepress_worker.channels.slimming import ProximalSteps, factors
from edgepress_worker.channels.targets import target_of
from edgepress_worker.compression.compressed_model import CompressedModel
from edgepress_worker.context import StepContext
from edgepress_worker.distillation.auxiliary import SupervisedLesson, auxiliary_classifiers
from edgepress_worker.distillation.lesson import Lesson
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods.fine_tuning import train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.reshaping import reshaped_source
from edgepress_worker.training import TrainingOutcome
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.optimizer import learning_rate


def prune_channels(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, PruneChannelsStage)
    assert material.source is not None
    source = load_model(material.source)
    target = target_of(stage, source, parameters.latency)
    budgets = [target.budget(number / stage.rounds) for number in range(1, stage.rounds + 1)]
    made = None if stage.slimming is None else _slimmed(parameters, stage, material, context)
    records = [] if made is None else [made.record]
    done = sum(len(record.epochs) for record in records)
    for number, epochs in enumerate(_shares(parameters.training.epochs - done, stage.rounds), start=1):
        in_round = _RoundContext(context, number, before=sum(len(each.epochs) for each in records), stage=parameters)
        settings = Round(
            stage,
            target,
            budget=budgets[number - 1],
            batches=functools.partial(_first_batches, parameters, material),
            images=len(material.pack.train),
            seed=parameters.training.seed + number,
        )
        prune = functools.partial(_pruned, None if made is None else made.model, settings, in_round)
        of_round = _trained(parameters, epochs=epochs)
        network = reshaped_source(of_round, material, in_round, prune)
        shape = shape_of(network)
        made = train_masters(network, [], of_round, material, in_round)
        records.append(made.record)
    assert made is not None
    return dataclasses.replace(
        made,
        record=_joined(records),
        shape=shape,
        channel_groups=compared_groups(source, made.model),
        predicted_latency=target.reached(made.model),
    )


def _slimmed(parameters: StageStep, stage: PruneChannelsStage, material: Material, context: StepContext) -> Compressed:
    """Return the input network after the training that shrinks factors of normalizations."""
    slimming = stage.slimming
    assert slimming is not None
    rate = slimming.learning_rate or 10 * parameters.training.learning_rate  # that of the job, by default
    in_phase = _RoundContext(context, 0, before=0, stage=parameters)
    # An average of factors would not be zero where they are.
    of_phase = _trained(parameters, epochs=slimming.epochs, learning_rate=rate, weight_average=None)

    def steps(model: CompressedModel) -> list[keras.callbacks.Callback]:
        grouped, groups = prunable(model.network, stage.layers)
        penalized = factors(model.network, grouped, groups)
        return [ProximalSteps(penalized, slimming.penalty, lambda: learning_rate(model.optimizer))]

    network = reshaped_source(of_phase, material, in_phase, lambda source: source)
    classifiers = auxiliary_classifiers(network, slimming.auxiliary_classifiers)

    def supervise(lesson: Lesson | None) -> Lesson | SupervisedLesson | None:
        return SupervisedLesson(lesson, classifiers, slimming.auxiliary_weight) if classifiers else lesson

    return train_masters(network, [], of_phase, material, in_phase, callbacks=steps, supervise=supervise)


def _trained(parameters: StageStep, **changes: Any) -> StageStep:
    return parameters.model_copy(update={"training": parameters.training.model_copy(update=changes)})


def _pruned(trained: keras.Model | None, settings: Round, context: StepContext, source: keras.Model) -> keras.Model:
    """Return the network that a round trains, from that of the round before it, or from the stage's input network."""
    context.report(Progress(fraction=0.0, message="choosing channels"))
    return prune_round(source if trained is None else trained, settings)


def _shares(epochs: int, rounds: int) -> list[int]:
    """Return the number of epochs of each round; the last rounds have one more if they differ."""
    return [(epochs + number) // rounds for number in range(rounds)]


def _first_batches(parameters: StageStep, material: Material, images: int) -> Batches:
    """Yield the first training batches of the first epoch, with about a number of images."""
    training, pack = parameters.training, material.pack
    batches = training_batches(pack.train, len(pack.classes), training, 0)
    for pixels, labels, *_ in itertools.islice(batches, max(1, images // training.batch_size)):
        yield pixels, labels


class _RoundContext:
    """The context of one round, as a `StepContext`: a folder of its own, and progress as a part of the stage's.

    Args:
        context: Context of the stage.
        number: Number of the round, from 1.
        before: Number of epochs of earlier rounds.
        stage: Parameters of the stage.
    """

    def __init__(self, context: StepContext, number: int, *, before: int, stage: StageStep) -> None:
        self._context = context
        self._before = before
        self._epochs = stage.training.epochs
        self.scratch = context.scratch / f"round-{number}"
        self.scratch.mkdir(exist_ok=True)

    @property
    def store(self) -> ArtifactStore:
        """See `StepContext`."""
        return self._context.store

    def report(self, progress: Progress) -> None:
        """See `StepContext`."""
        share = 0.0 if progress.epochs is None else progress.fraction * progress.epochs
        changes = {"fraction": (self._before + share) / self._epochs}
        if progress.epoch is not None:
            changes |= {"epoch": self._before + progress.epoch, "epochs": self._epochs}
        self._context.report(progress.model_copy(update=changes))

    def raise_if_cancelled(self) -> None:
        """See `StepContext`."""
        self._context.raise_if_cancelled()


def _joined(records: Sequence[TrainingOutcome]) -> TrainingOutcome:
    epochs = itertools.chain.from_iterable(record.epochs for record in records)
    numbered = tuple(epoch.model_copy(update={"epoch": number}) for number, epoch in enumerate(epochs, start=1))
    return TrainingOutcome(
        numbered,
        kept=len(numbered),
        val_accuracy=records[-1].val_accuracy,
        resumed_after_epochs=sum(record.resumed_after_epochs for record in records),
    )


RUNNER: MethodRunner = prune_channels
