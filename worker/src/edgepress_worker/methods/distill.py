"""Knowledge distillation: another, smaller network learns from the labels and from what a teacher says of the images.

1. The student is made as it is for plain training; the same seed draws the same weights.
2. The teacher is asked of the training images once, if that is possible: see `distillation.answers`. Otherwise it is
   asked of each batch, as augmented, in the training's steps.
3. The student is trained to agree with both: see `distillation.student`.
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
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.methods.train import new_network
from edgepress_worker.training import choose_policy, gpu_capabilities, train, with_policy
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.precision import in_float32


def distill(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `Method`."""
    stage, training, pack = parameters.stage, parameters.training, material.pack
    assert isinstance(stage, DistillStage)
    # Before the teacher is loaded, so that its layers are called what they are called in a plain training.
    network = new_network(stage.student, parameters, material, context)
    student_of = functools.partial(Student, network, alpha=stage.alpha, temperature=stage.temperature)
    load_teacher = functools.partial(_load_teacher, parameters, material)
    if can_be_asked_once(training):
        known = answers(load_teacher, pack.train, training, context)
        student = student_of()
        batches = functools.partial(training_batches, pack.train, len(pack.classes), training, known=known)
        record = train(student, pack, training, context, batches=batches)
    else:
        student = student_of(teach=functools.partial(load_teacher(), training=False))
        record = train(student, pack, training, context)
    return Compressed(in_float32(network), student.optimizer, record)


def _load_teacher(parameters: StageStep, material: Material) -> keras.Model:
    """The source's network as a model from pixels to logits, in the precision that the student is trained in."""
    assert material.source is not None
    network = load_model(material.source)
    policy = choose_policy(parameters.training.precision, gpu_capabilities())
    network = network if policy == "float32" else with_policy(network, policy)
    return keras.Model(network.inputs, logits_of(network))
