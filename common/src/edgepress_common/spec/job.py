"""A job's description, whole."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.frozen import Frozen
from edgepress_common.spec.dataset import Dataset
from edgepress_common.spec.evaluation import Evaluation
from edgepress_common.spec.goals import Goals
from edgepress_common.spec.limits import Limits
from edgepress_common.spec.model import Model
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.presets import PRESETS, PresetName
from edgepress_common.spec.stages import DistillStage, TrainStage
from edgepress_common.spec.training import Training
from edgepress_common.spec.webhook import Webhook


class JobSpec(Frozen):
    """What a user posts. Frozen once accepted."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    dataset: Dataset
    model: Model
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

    @model_validator(mode="after")
    def _network_takes_the_image(self) -> Self:
        for model in (self.model, *self._own_models()):
            architecture = ARCHITECTURES[model.architecture]
            if self.dataset.image_size < architecture.min_image_size:
                raise ValueError(
                    f"dataset.image_size is {self.dataset.image_size}, too small for {architecture.name}; "
                    f"accepted: {architecture.min_image_size} or more"
                )
        return self

    def _own_models(self) -> list[Model]:
        models = []
        for pipeline in self.pipeline_list():
            for stage in pipeline.stages:
                match stage:
                    case TrainStage(model=Model() as model) | DistillStage(student=model):
                        models.append(model)
                    case _:
                        pass
        return models
