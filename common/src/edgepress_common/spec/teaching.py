"""Teachers: networks whose predictions a stage learns from in addition to the labels.

Methods that existed before this setting have no teacher by default, so that existing specs result in the same steps,
see docs/decisions. A new method declares the default ``source``:

    teacher: Teacher = Field(default="source", description=TEACHER)
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen, added_field
from edgepress_common.spec.names import Name

NO_TEACHER = "none"
SOURCE = "source"
MOST_TEACHERS = 5

Teacher = Name | Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_TEACHERS)]

TEACHER = (
    "Network whose predictions the stage learns from, next to the labels. none; source: the pipeline's network as it "
    "was trained or distilled; the name of another pipeline: its last network; or a list of these, whose predicted "
    "probabilities are averaged."
)
ALPHA = "Weight of the labels in the loss; the teacher has the rest."
TEMPERATURE = "Divisor of the logits of teacher and student before the softmax."


class KdLoss(Frozen):
    """The divergence of the student's softened probabilities from the teacher's (Hinton et al. 2015)."""

    kind: Literal["kd"] = "kd"


class DkdLoss(Frozen):
    """The same divergence in two parts with weights of their own (Zhao et al. 2022, arXiv:2203.08679).

    One part is about the probability of the image's class against all others, one about the proportions of the others.
    """

    kind: Literal["dkd"] = "dkd"
    target_weight: float = Field(default=1.0, ge=0, le=100, description="Weight of the probability of the class.")
    others_weight: float = Field(default=2.0, ge=0, le=100, description="Weight of the proportions of the others.")
    warmup_epochs: float = Field(
        default=1.0, ge=0, le=1000, description="Epochs in which the weight of the teacher rises linearly from zero."
    )


class DistLoss(Frozen):
    """One minus the correlation with the teacher's probabilities (Huang et al. 2022, arXiv:2205.10536).

    It asks the student for the teacher's order of classes and of images, not for its exact probabilities, which a small
    student can't reach.
    """

    kind: Literal["dist"] = "dist"
    classes_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the correlation over the classes of each image."
    )
    images_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the correlation over the images of a batch, for each class."
    )


def _from_name(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


_Losses = Annotated[KdLoss | DkdLoss | DistLoss, Field(discriminator="kind")]
DistillationLoss = Annotated[
    _Losses, BeforeValidator(_from_name, json_schema_input_type=Literal["kd", "dkd", "dist"] | _Losses)
]

LayerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$")]


class Hint(Frozen):
    """A layer of the student that learns the output of a layer of the teacher (Romero et al. 2015, arXiv:1412.6550).

    A linear adapter, trained along and then discarded, translates between different numbers of channels.
    """

    student: LayerName = Field(description="Name of the student's layer.")
    teacher: LayerName = Field(description="Name of the teacher's layer; both outputs have the same height and width.")
    weight: float = Field(default=1.0, gt=0, le=1000, description="Weight of the mean squared error in the loss.")


class Taught(Frozen):
    """The parameters of stages that can learn from teachers."""

    teacher: Teacher = added_field(NO_TEACHER, description=TEACHER)
    alpha: float = added_field(0.1, ge=0, le=1, description=ALPHA)
    temperature: float = added_field(4.0, ge=1, le=100, description=TEMPERATURE)

    loss: DistillationLoss = added_field(
        KdLoss(),
        description="Difference from the teacher's predictions to minimize: kd, dkd or dist, or one with parameters.",
    )
    hints: tuple[Hint, ...] = added_field((), max_length=10, description="Layers that learn from the teacher's layers.")

    @property
    def teachers(self) -> tuple[str, ...]:
        """The teachers, each ``source`` or the name of a pipeline; none for a stage that learns from labels alone."""
        named = (self.teacher,) if isinstance(self.teacher, str) else self.teacher
        return () if named == (NO_TEACHER,) else named

    @model_validator(mode="after")
    def _has_teachers_for_its_settings(self) -> Self:
        for position, name in enumerate(self.teachers):
            if name == NO_TEACHER:
                raise ValueError(f"teacher[{position}] is none; accepted in a list: source or the name of a pipeline")
            if name in self.teachers[:position]:
                raise ValueError(f"teacher[{position}] repeats {name!r}; accepted: each teacher once")
        if self.hints and len(self.teachers) > 1:
            raise ValueError(f"hints are of one teacher, and teacher names {len(self.teachers)}; accepted: one teacher")
        fields = {name: field for name, field in type(self).model_fields.items() if name in Taught.model_fields}
        fields.pop("teacher")
        unused = [name for name, field in fields.items() if getattr(self, name) != field.get_default()]
        if unused and not self.teachers:
            raise ValueError(
                f"{unused[0]} is given, but the stage has no teacher; accepted: a teacher, such "
                f"as teacher: source, or no {unused[0]}"
            )
        return self
