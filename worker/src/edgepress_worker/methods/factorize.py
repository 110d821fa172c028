"""Low-rank factorization: layers are replaced by chains of smaller layers, which are trained.

1. The ranks of the selected layers are chosen, see `low_rank.ranks`.
2. Layers that get cheaper are replaced by the factors of their weights, see `low_rank.replacement`.
3. The smaller network is trained. It promises its channels (the ranks are those of the added layers), MACs and weights.
"""

from dataclasses import replace

from edgepress_common.spec import FactorizeStage
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras
from edgepress_worker.low_rank.ranks import choose_ranks
from edgepress_worker.low_rank.replacement import with_replacements
from edgepress_worker.methods.fine_tuning import train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.reshaping import reshaped_source


def factorize(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, FactorizeStage)

    def factorized(network: keras.Model) -> keras.Model:
        return with_replacements(network, choose_ranks(network, stage))

    network = reshaped_source(parameters, material, context, factorized)
    shape = shape_of(network)
    return replace(train_masters(network, (), parameters, material, context, promises=()), shape=shape)


RUNNER: MethodRunner = factorize
