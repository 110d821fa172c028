"""Cuts a smaller network out of an elastic one: its first channels and blocks, with statistics of its own.

The smaller networks share everything but the statistics of their normalizations, which depend on the size. These are
estimated on the first training images of the first epoch, from the pack at the image size of the smaller network.
"""

import itertools

from edgepress_common.spec.methods.cut import CutStage
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.elastic.sizes import Cutter, Size
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

    def cut_out(network: keras.Model) -> keras.Model:
        (smaller,) = Cutter(network, stage).cut([Size(stage.width, stage.depth, stage.image_size)])
        made = smaller.network
        batches = training_batches(pack.train, len(pack.classes), training, 0)
        count = -(-_IMAGES // training.batch_size)
        estimate_statistics(made, (batch[0] for batch in itertools.islice(batches, count)))
        return made

    network = reshaped_source(parameters, material, context, cut_out)
    shape = shape_of(network)
    record = train(network, pack, training, context, began=material.began)  # no epochs: only validated
    return Compressed(in_float32(network), network.optimizer, record, shape=shape)


RUNNER: MethodRunner = cut
