"""Cuts a narrower network out of an elastic one: its first channels, with statistics of its own.

The narrower networks share everything but the statistics of their normalizations, which depend on the width. These are
estimated on the first training images of the first epoch.
"""

import itertools

from edgepress_common.spec.methods.cut import CutStage
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.elastic.narrower import cuttable, first_channels, narrower
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.reshaping import reshaped_source
from edgepress_worker.training import train
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.precision import in_float32
from edgepress_worker.training.statistics import estimate_statistics

_IMAGES = 1024  # a mean over as many is known to 3 % of the deviation, 1 / sqrt(1024)


def cut(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage, training, pack = parameters.stage, parameters.training, material.pack
    assert isinstance(stage, CutStage)

    def narrow(network: keras.Model) -> keras.Model:
        grouped, groups = cuttable(network, stage.layers)
        made = narrower(network, grouped, first_channels(grouped, groups, stage.width, stage.multiple_of)).network
        batches = training_batches(pack.train, len(pack.classes), training, 0)
        count = -(-_IMAGES // training.batch_size)
        estimate_statistics(made, (batch[0] for batch in itertools.islice(batches, count)))
        return made

    network = reshaped_source(parameters, material, context, narrow)
    shape = shape_of(network)
    record = train(network, pack, training, context, began=material.began)  # no epochs: only validated
    return Compressed(in_float32(network), network.optimizer, record, shape=shape)


RUNNER: MethodRunner = cut
