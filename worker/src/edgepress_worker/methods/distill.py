"""Knowledge distillation: a smaller network learns from the labels and from the predictions of a teacher.

1. The student is created as in plain training; the same seed results in the same initial weights.
2. If possible, the teacher's predictions are cached before the training: see `distillation.answers`. Otherwise, the
   teacher predicts each augmented batch during the training.
3. The student is trained to match the labels and the teacher: see `distillation.student`.
"""

import functools

from edgepress_common.spec import DistillStage
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.distillation.answers import answers, can_be_asked_once
from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.distillation.student import Student
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.methods.train import new_network
from edgepress_worker.training import choose_policy, gpu_capabilities, train, with_policy
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.precision import in_float32


def distill(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage, training, pack = parameters.stage, parameters.training, material.pack
    assert isinstance(stage, DistillStage)
    # Before the teacher is loaded, so that the layers have the same names as in plain training.
    network = new_network(stage.student, parameters, material, context)
    student_of = functools.partial(Student, network, alpha=stage.alpha, temperature=stage.temperature)
    load_teacher = functools.partial(_load_teacher, parameters, material)
    if can_be_asked_once(training):
        known = answers(load_teacher, pack.train, training, context)
        student = student_of()
        batches = functools.partial(training_batches, pack.train, len(pack.classes), training, known=known)
        record = train(student, pack, training, context, batches=batches, began=material.began)
    else:
        student = student_of(teach=functools.partial(load_teacher(), training=False))
        record = train(student, pack, training, context, began=material.began)
    return Compressed(in_float32(network), student.optimizer, record)


def _load_teacher(parameters: StageStep, material: Material) -> keras.Model:
    """Return the input network as a model from pixels to logits, in the precision of the student's training."""
    assert material.source is not None
    network = load_model(material.source)
    policy = choose_policy(parameters.training.precision, gpu_capabilities())
    network = network if policy == "float32" else with_policy(network, policy)
    return keras.Model(network.inputs, logits_of(network))


RUNNER: MethodRunner = distill
