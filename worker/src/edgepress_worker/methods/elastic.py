"""Elastic training: one network from which smaller ones can be cut, see `elastic.training`.

1. The channels of each layer are sorted, by the L1 norm of their filters (Cai et al. 2020, Once-for-All,
   arXiv:1908.09791, section 3.3).
2. The network is trained together with the smaller networks of the stage's widths, depths and image sizes. Where it
   shrinks progressively, it is first trained with a part of them (section 3.3 as well), see `elastic.sizes.phases`.
"""

from edgepress_common.spec.methods.elastic import ElasticStage
from edgepress_common.steps import StageStep
from edgepress_worker.channels.groups import prunable
from edgepress_worker.channels.importance import Candidates, importance
from edgepress_worker.context import StepContext
from edgepress_worker.elastic.sizes import Cutter, phases, trained_sizes
from edgepress_worker.elastic.sorting import with_sorted_channels
from edgepress_worker.elastic.training import ElasticModel, Phase
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.reshaping import reshaped_source
from edgepress_worker.training import train
from edgepress_worker.training.batches import steps_per_epoch
from edgepress_worker.training.precision import in_float32


def elastic(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage, training = parameters.stage, parameters.training
    assert isinstance(stage, ElasticStage)

    def sort(network: keras.Model) -> keras.Model:
        grouped, groups = prunable(network, stage.layers)
        scores = importance("l1", Candidates(network, grouped, groups, batches=lambda: (), seed=training.seed))
        return with_sorted_channels(network, grouped, groups, scores)

    network = reshaped_source(parameters, material, context, sort)
    steps = training.epochs * steps_per_epoch(len(material.pack.train), training.batch_size)
    counts = phases(stage)
    model = ElasticModel(
        network,
        Cutter(network, stage).cut(trained_sizes(stage)),
        training.seed,
        phases=[Phase(count, steps * number // len(counts)) for number, count in enumerate(counts)],
    )
    record = train(model, material.pack, training, context, began=material.began)
    return Compressed(in_float32(network), model.optimizer, record)


RUNNER: MethodRunner = elastic
