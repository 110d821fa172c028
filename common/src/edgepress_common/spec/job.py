"""A job's description, whole."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.frozen import Frozen
from edgepress_common.spec.dataset import Dataset
from edgepress_common.spec.evaluation import Evaluation
from edgepress_common.spec.goals import Goals
from edgepress_common.spec.limits import Limits
from edgepress_common.spec.model import Model, Network, UploadedModel
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.presets import PRESETS, PresetName
from edgepress_common.spec.stages import DistillStage, Stage, TrainStage
from edgepress_common.spec.training import Training
from edgepress_common.spec.webhook import Webhook


class JobSpec(Frozen):
    """What a user posts. Frozen once accepted."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    dataset: Dataset
    model: Network
    training: Training = Training()
    pipelines: PresetName | Annotated[tuple[Pipeline, ...], Field(min_length=1, max_length=200)] = Field(
        default="quick", description="A preset by name, or a list."
    )
    evaluation: Evaluation = Evaluation()
    webhook: Webhook | None = Field(default=None, description="Who is told when the job ends.")
    limits: Limits = Field(default=Limits(), description="How long it may take.")
    goals: Goals = Field(
        default=Goals(), description="What the recommendation is to look for; steps do not depend on it."
    )

    def pipeline_list(self) -> tuple[Pipeline, ...]:
        """The pipelines, with a preset written out."""
        return PRESETS[self.pipelines] if isinstance(self.pipelines, str) else self.pipelines

    @field_validator("pipelines")
    @classmethod
    def _names_are_unique(cls, pipelines: PresetName | tuple[Pipeline, ...], _: ValidationInfo) -> object:
        if not isinstance(pipelines, str):
            names = [pipeline.name for pipeline in pipelines]
            for position, name in enumerate(names):
                if name in names[:position]:
                    raise ValueError(f"two pipelines are called {name!r}; accepted: unique names")
        return pipelines

    def networks(self) -> Iterator[tuple[str, Network]]:
        """The networks that it names, each with the path of the field that does."""
        yield "model", self.model
        for path, stage in self._stages():
            match stage:
                case TrainStage(model=Model() | UploadedModel() as model):
                    yield f"{path}.model", model
                case DistillStage(student=model):
                    yield f"{path}.student", model
                case _:
                    pass

    @model_validator(mode="after")
    def _network_takes_the_image(self) -> Self:
        for _, model in self.networks():
            if isinstance(model, UploadedModel):
                continue  # the gateway has it, and looks
            architecture = ARCHITECTURES[model.architecture]
            if self.dataset.image_size < architecture.min_image_size:
                raise ValueError(
                    f"dataset.image_size is {self.dataset.image_size}, too small for {architecture.name}; "
                    f"accepted: {architecture.min_image_size} or more"
                )
        return self

    @model_validator(mode="after")
    def _something_is_trained(self) -> Self:
        """Only what has weights already can do without an epoch."""
        if self.training.epochs == 0 and not isinstance(self.model, UploadedModel):
            raise _no_epochs("training", self.model)
        for path, stage in self._stages():
            match stage:
                case TrainStage(model=model, training=training):
                    network, needed = model or self.model, not isinstance(model or self.model, UploadedModel)
                case DistillStage(student=network, training=training):
                    needed = True
                case _:
                    continue
            if needed and (training or self.training).epochs == 0:
                raise _no_epochs("training" if training is None else f"{path}.training", network)
        return self

    def _stages(self) -> Iterator[tuple[str, Stage]]:
        for position, pipeline in enumerate(self.pipeline_list()):
            for number, stage in enumerate(pipeline.stages):
                yield f"pipelines[{position}].stages[{number}]", stage


def _no_epochs(field: str, network: Network) -> ValueError:
    return ValueError(
        f"{field}.epochs is 0, but {network.architecture} has to be trained; accepted: 1 to 1000, or 0 where every "
        "network that is trained so is an uploaded one, and not a distillation's student"
    )
