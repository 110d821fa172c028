"""Knowledge distillation."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import added_field
from edgepress_common.spec.method import Method, NewNetwork
from edgepress_common.spec.model import Model, Network
from edgepress_common.spec.teaching import ALPHA, SOURCE, TEMPERATURE, Taught, Teacher


class DistillStage(Taught, NewNetwork):
    """Train another network, the student, to predict the same as the previous network, the teacher."""

    kind: Literal["distill"] = "distill"
    student: Network = Field(
        default=Model(architecture="mobilenet_v2"), description="The network to train, specified like a job's model."
    )
    teacher: Teacher = added_field(
        SOURCE,
        description="Network to learn from. source: the network before this stage; the name of another pipeline: its "
        "last network; or a list of these, whose predicted probabilities are averaged.",
    )
    alpha: float = Field(default=0.1, ge=0, le=1, description=ALPHA)
    temperature: float = Field(default=10.0, ge=1, le=100, description=TEMPERATURE)

    @model_validator(mode="after")
    def _has_a_teacher(self) -> Self:
        if not self.teachers:
            raise ValueError("teacher is none; accepted: source, the name of a pipeline, or the stage train")
        return self


METHOD = Method(
    kind="distill",
    title="Knowledge distillation",
    position=50,
    summary="Trains another, smaller network (the student) to predict the labels and the probabilities of the current "
    "network (the teacher), softened by a temperature. The loss is alpha times the cross-entropy with the labels, plus "
    "1 - alpha times the divergence from the teacher, times the temperature squared, so that the weight of the "
    "gradients does not depend on the temperature. Use it for a network that is faster on every board.",
    paper="Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv:1503.02531",
    limits="The student does not inherit what earlier stages did to the teacher's weights: prune, cluster and quantize "
    "it afterwards. Both see the same images, so the teacher must be accurate at the job's image size.",
    cost="The student's training. Without rotation, the teacher predicts each image (and each of its mirror images) "
    "once; with rotation, it predicts every batch.",
    parameters=DistillStage,
    describe=lambda _, network: f"distill into {network.title}",
    takes="teacher",
    network="student",
)
