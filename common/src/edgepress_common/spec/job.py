"""The spec of a job."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.frozen import ANSWER, Frozen, added_field
from edgepress_common.repeats import Repetition
from edgepress_common.spec.dataset_kinds import Dataset
from edgepress_common.spec.evaluation import Evaluation
from edgepress_common.spec.goals import Goals
from edgepress_common.spec.labels import NOTES, PROJECT, TAGS, Notes, Project, Tags
from edgepress_common.spec.limits import Limits
from edgepress_common.spec.method import NewNetwork
from edgepress_common.spec.methods import METHODS, Stage
from edgepress_common.spec.methods.elastic import ElasticStage
from edgepress_common.spec.model import Network, UploadedModel
from edgepress_common.spec.pipeline import Pipeline, after_their_teachers, check_image_sizes
from edgepress_common.spec.presets import PRESETS, PresetName
from edgepress_common.spec.search import SEARCHES, Search, SearchLimits, SearchPresetName
from edgepress_common.spec.space import members, networks_of
from edgepress_common.spec.training import SEEDS, Training
from edgepress_common.spec.webhook import Webhook

_MOST_PIPELINES = 200
_LONGEST_NAME = 64
_LARGEST_SEED = SEEDS - 1


def _default_pipelines(data: Mapping[str, Any]) -> PresetName | None:
    return "quick" if data.get("search") is None else None


class JobSpec(Frozen):
    """The spec of a job. It does not change after the job is accepted."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = Field(
        description="Display name of the job."
    )
    project: Project | None = added_field(None, description=PROJECT)
    tags: Tags = added_field((), description=TAGS)
    notes: Notes = added_field("", description=NOTES)
    dataset: Dataset = Field(description="The labelled images.")
    model: Network = Field(description="The network to train and compress.")
    training: Training = Field(default=Training(), description="Training that pipelines start with.")
    search: SearchPresetName | Search | None = added_field(
        None,
        description="Search for the best pipelines: name of a preset, or settings. Without one, only the listed "
        "pipelines are run.",
    )
    pipelines: PresetName | Annotated[tuple[Pipeline, ...], Field(min_length=1, max_length=_MOST_PIPELINES)] | None = (
        Field(
            default_factory=_default_pipelines,
            json_schema_extra={"default": "quick"},
            description="Name of a preset, or a list of pipelines. With a search, they are tried first; null, which is "
            "the default then: none.",
        )
    )
    evaluation: Evaluation = Field(default=Evaluation(), description="Devices to measure on, and how to measure.")
    webhook: Webhook | None = Field(default=None, description="Webhook that is called when the job ends.")
    limits: Limits = Field(default=Limits(), description="Time limits.")
    seeds: int = Field(
        default=1,
        ge=1,
        le=20,
        exclude_if=lambda seeds: seeds == 1,
        description="Number of seeds: each pipeline is repeated with training.seed, training.seed + 1 and so on, to "
        "tell the effect of a method from that of a seed.",
    )
    goals: Goals = Field(default=Goals(), description="Goals of the recommendation; steps do not depend on them.")

    def pipeline_list(self) -> tuple[Pipeline, ...]:
        """Return the pipelines, with a preset replaced by its pipelines."""
        return PRESETS[self.pipelines] if isinstance(self.pipelines, str) else self.pipelines or ()

    def searched(self) -> Search | None:
        """Return the search, with a preset replaced by its settings; None without a search."""
        return SEARCHES[self.search] if isinstance(self.search, str) else self.search

    def all_goals(self) -> Goals:
        """Return the goals, with the limits of the search."""
        search = self.searched()
        return self.goals if search is None else self.goals.model_copy(update=_given(search.limits))

    @field_validator("pipelines")
    @classmethod
    def _names_are_unique(cls, pipelines: PresetName | tuple[Pipeline, ...] | None, info: ValidationInfo) -> object:
        if pipelines is None and "search" in info.data and info.data["search"] is None:
            raise ValueError("null without a search; accepted: a preset, or at least 1 pipeline")
        if isinstance(pipelines, tuple):
            names = [pipeline.name for pipeline in pipelines]
            for position, name in enumerate(names):
                if name in names[:position]:
                    raise ValueError(f"two pipelines are called {name!r}; accepted: unique names")
        return pipelines

    def networks(self) -> Iterator[tuple[str, Network]]:
        """Yield the networks that the spec names, each with the path of its field."""
        yield "model", self.model
        search = self.searched()
        if search is not None:
            networks = networks_of(search.space, self.model)
            yield from ((f"search.space.networks[{position}]", each) for position, each in enumerate(networks))
        for path, stage in self._stages():
            method = METHODS[stage.kind]
            network = method.own_network(stage)
            if network is not None:
                yield f"{path}.{method.network}", network

    @model_validator(mode="after")
    def _can_be_carried_out(self, info: ValidationInfo) -> Self:
        if info.context != ANSWER:
            after_their_teachers(self.pipeline_list())
            self._check_search()
            self._check_seeds()
            self._check_image_size()
            self._check_training()
        return self

    def _check_search(self) -> None:
        """Check that a search has something to try, and does not contradict the rest of the spec."""
        search = self.searched()
        if search is None:
            return
        if self.seeds != 1:
            raise ValueError(f"seeds is {self.seeds} next to a search; accepted: search.seeds, which is of finalists")
        devices = self.evaluation.devices
        if search.device is not None and search.device not in devices:
            raise ValueError(
                f"search.device is {search.device!r}, which evaluation.devices does not name; accepted: "
                f"{', '.join(devices)}, or the device added to evaluation.devices"
            )
        for name, limit in _given(search.limits).items():
            other = getattr(self.goals, name)
            if other not in {None, limit}:
                raise ValueError(
                    f"search.limits.{name} is {limit:g}, but goals.{name} is {other:g}; accepted: one of them, or the "
                    "same limit"
                )
        try:
            members(search.space, self.model)
        except ValueError as error:
            raise ValueError(f"search.{error}") from error

    def _check_seeds(self) -> None:
        """Check that each seed of a repetition is valid, and that the names have space for its number."""
        if self.seeds == 1:
            return
        trainings = [("training", self.training)]
        for path, stage in self._stages():
            if isinstance(stage, NewNetwork) and stage.training is not None:
                trainings.append((f"{path}.training", stage.training))
        for path, training in trainings:
            if training.seed > _LARGEST_SEED - self.seeds + 1:
                raise ValueError(
                    f"{path}.seed is {training.seed}, and seeds {self.seeds}; "
                    f"accepted: a last seed of at most {_LARGEST_SEED}"
                )
        count = len(self.pipeline_list()) * self.seeds
        if count > _MOST_PIPELINES:
            raise ValueError(
                f"seeds is {self.seeds}, which repeats the pipelines to {count}; accepted: at most {_MOST_PIPELINES}"
            )
        for position, pipeline in enumerate(self.pipeline_list()):
            longest = Repetition(pipeline.name, self.training.seed + self.seeds - 1).name
            if len(longest) > _LONGEST_NAME:
                raise ValueError(
                    f"pipelines[{position}].name has {len(pipeline.name)} characters; "
                    f"accepted with seeds: at most {_LONGEST_NAME - len(longest) + len(pipeline.name)}"
                )

    def _check_image_size(self) -> None:
        """Check that every network accepts images of the size, and of those that it is trained to be cut to."""
        check_image_sizes(self.pipeline_list(), self.dataset.image_size)
        sizes = {"dataset.image_size": self.dataset.image_size}
        for path, stage in self._stages():
            if isinstance(stage, ElasticStage) and stage.image_sizes:
                sizes[f"{path}.image_sizes"] = min(stage.image_sizes)
        for _, model in self.networks():
            if isinstance(model, UploadedModel):
                continue  # the gateway validates it, because it has the file
            architecture = ARCHITECTURES[model.architecture]
            for path, size in sizes.items():
                if size < architecture.min_image_size:
                    raise ValueError(
                        f"{path} is {size}, too small for {architecture.name}; "
                        f"accepted: {architecture.min_image_size} or more"
                    )

    def _check_training(self) -> None:
        """Check that every network without trained weights is trained for at least one epoch."""
        if self.training.epochs == 0 and not isinstance(self.model, UploadedModel):
            raise _no_epochs("training", self.model)
        search = self.searched()
        for network in () if search is None else networks_of(search.space, self.model):
            if self.training.epochs == 0 and not isinstance(network, UploadedModel):
                raise _no_epochs("training", network)
        for path, stage in self._stages():
            if not isinstance(stage, NewNetwork):
                continue
            method, training = METHODS[stage.kind], stage.training
            network = method.own_network(stage) or self.model
            needed = not (method.accepts_trained_weights and isinstance(network, UploadedModel))
            if needed and (training or self.training).epochs == 0:
                raise _no_epochs("training" if training is None else f"{path}.training", network)
            if training is not None and training.devices == "all" and not method.distributes:
                raise ValueError(
                    f"{path}.training.devices is 'all', but {stage.kind} computes on one device: the predictions of "
                    f"teachers and compressed weights have one copy; accepted: one, or all for the stage train"
                )

    def _stages(self) -> Iterator[tuple[str, Stage]]:
        for position, pipeline in enumerate(self.pipeline_list()):
            for number, stage in enumerate(pipeline.stages):
                yield f"pipelines[{position}].stages[{number}]", stage


def _given(limits: SearchLimits) -> dict[str, Any]:
    return {name: limit for name, limit in limits if limit is not None}


def _no_epochs(field: str, network: Network) -> ValueError:
    return ValueError(
        f"{field}.epochs is 0, but {network.architecture} has no trained weights; accepted: 1 to 1000, or 0 if these "
        "settings only apply to uploaded networks that are not a distillation's student"
    )
