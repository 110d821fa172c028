"""Builds a network with its initial weights, to measure it; and describes the operators of narrower ones.

A narrower network has the channels that channel pruning would leave: with the uniform allocation, their number does not
depend on the criterion. Only its latency matters, so one batch is enough for the statistics of its normalizations.
"""

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.methods.probe import ProbeStage
from edgepress_common.spec.methods.prune_channels import ChannelTarget, PruneChannelsStage
from edgepress_common.steps import StageStep
from edgepress_worker.channels.importance import Batches
from edgepress_worker.channels.pruning import Round, prune_round
from edgepress_worker.channels.targets import target_of
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.train import new_network
from edgepress_worker.operator_work import operator_work
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training import train
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.precision import in_float32

_IMAGES = 64


def probe(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, ProbeStage)
    untrained = parameters.model_copy(
        update={"training": parameters.training.model_copy(update={"epochs": 0, "warmup_epochs": 0})}
    )
    whole = in_float32(new_network(parameters.model, untrained, material, context))
    network, work = whole, {}
    for keep in sorted({1.0, stage.keep_macs, *stage.described}):
        context.raise_if_cancelled()
        narrower = whole if keep == 1 else _narrower(whole, keep, untrained, material.pack)
        if narrower is not None:
            work[f"{keep:g}"] = operator_work(narrower)
            network = narrower if keep == stage.keep_macs else network
    # No epochs: the network is only compiled, and classifies a few images.
    record = train(network, _some_of(material.pack), untrained.training, context, began=material.began)
    return Compressed(network, network.optimizer, record, work_by_keep=work)


def _narrower(whole: keras.Model, keep: float, parameters: StageStep, pack: Pack) -> keras.Model | None:
    """Return the network with a share of its MACs; None if it can't be so narrow, as a trial will say."""
    stage = PruneChannelsStage(target=ChannelTarget(keep=keep), criterion="random")
    target = target_of(stage, whole, None)

    def batches(_images: int) -> Batches:
        for pixels, labels, *_ in training_batches(pack.train, len(pack.classes), parameters.training, 0):
            yield pixels, labels
            return

    settings = Round(
        stage, target, budget=target.budget(1), batches=batches, images=_IMAGES, seed=parameters.training.seed
    )
    try:
        return prune_round(whole, settings)
    except InvalidInputError:
        return None


def _some_of(pack: Pack) -> Pack:
    some = pack.validation
    return Pack(pack.classes, pack.train, LabelledImages(some.images[:_IMAGES], some.labels[:_IMAGES]))


RUNNER: MethodRunner = probe
