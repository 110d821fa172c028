"""Knowledge distillation: a smaller network learns from the labels and from the predictions of a teacher.

1. The student is created as in plain training; the same seed results in the same initial weights.
2. If possible, the teacher's predictions are cached before the training: see `distillation.answers`. Otherwise, the
   teacher predicts each augmented batch during the training.
3. The student is trained to match the labels and the teacher: see `distillation.lesson`.
"""

from edgepress_common.spec import DistillStage
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.methods.fine_tuning import train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.train import new_network


def distill(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, DistillStage)
    network = new_network(stage.student, parameters, material, context)
    return train_masters(network, (), parameters, material, context)


RUNNER: MethodRunner = distill
