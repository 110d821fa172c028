"""A pipeline: an ordered list of stages, followed by exports."""

import itertools
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Self

from pydantic import Field, ValidationInfo, model_validator

from edgepress_common.frozen import ANSWER, Frozen
from edgepress_common.spec.exports import EXPORTS, Export, ExportOrName
from edgepress_common.spec.methods import METHODS, Stage
from edgepress_common.spec.methods.elastic import ElasticStage
from edgepress_common.spec.methods.prune_channels import LatencyTarget, PruneChannelsStage
from edgepress_common.spec.names import Name
from edgepress_common.spec.order import check_order
from edgepress_common.spec.teaching import SOURCE, Taught


class Pipeline(Frozen):
    """A named list of stages and exports.

    Without stages, the exports are those of the trained network. A pipeline that does not begin with ``train`` starts
    with the training of the job.
    """

    name: Name = Field(description="Unique within the job; letters, digits, space and . _ + % -")
    stages: tuple[Stage, ...] = Field(default=(), max_length=20, description="Stages, in the order in which they run.")
    exports: tuple[ExportOrName, ...] = Field(
        min_length=1, max_length=20, description="Exports, by kind or with parameters."
    )

    @model_validator(mode="after")
    def _makes_sense(self, info: ValidationInfo) -> Self:
        if info.context == ANSWER:
            return self
        state = check_order(self.stages)
        list(latency_targets(self))
        for position, export in enumerate(self.exports):
            problem = EXPORTS[export.kind].conflict(export, state)
            if problem is not None:
                raise ValueError(f"exports[{position}]{problem}")
            if export in self.exports[:position]:
                raise ValueError(f"exports[{position}] repeats {export.kind!r}; accepted: each export once")
        return self


def latency_targets(pipeline: Pipeline) -> Iterator[tuple[int, LatencyTarget, Export]]:
    """Yield the latencies that stages of a pipeline reach, each with the stage's position and the measured export.

    Raises:
        ValueError: The pipeline does not have the export.
    """
    for number, stage in enumerate(pipeline.stages):
        target = stage.target.latency if isinstance(stage, PruneChannelsStage) else None
        if target is None:
            continue
        export = next((each for each in pipeline.exports if each.kind == target.export), None)
        if export is None:
            raise ValueError(
                f"stages[{number}].target.latency.export is {target.export!r}, which the pipeline does not export; "
                f"accepted: {', '.join(dict.fromkeys(each.kind for each in pipeline.exports))}"
            )
        yield number, target, export


def after_their_teachers(pipelines: Sequence[Pipeline]) -> tuple[Pipeline, ...]:
    """Return the pipelines in an order in which each comes after those that its stages learn from.

    Raises:
        ValueError: A teacher is not one of the pipelines, or pipelines would wait for one another.
    """
    by_name = {pipeline.name: pipeline for pipeline in pipelines}
    needed: dict[str, set[str]] = {}
    for position, pipeline in enumerate(pipelines):
        needed[pipeline.name] = set()
        for number, name in _teachers(pipeline):
            if name not in by_name:
                raise ValueError(
                    f"pipelines[{position}].stages[{number}].teacher is {name!r}, which is not a pipeline of this "
                    f"list; accepted: none, source, or one of {', '.join(sorted(by_name.keys() - {pipeline.name}))}"
                )
            needed[pipeline.name].add(name)
    try:
        return tuple(by_name[name] for name in TopologicalSorter(needed).static_order())
    except CycleError as error:
        waiting = " learns from ".join(repr(name) for name in reversed(error.args[1]))
        raise ValueError(f"pipelines would wait for one another: {waiting}; accepted: teachers that do not") from None


def image_sizes(stages: Sequence[Stage], image_size: int) -> tuple[int, ...]:
    """Return the image size that the network takes after each stage, given that of the data set."""
    sizes = itertools.accumulate(
        stages, lambda before, stage: METHODS[stage.kind].image_size_after(stage, before), initial=image_size
    )
    return tuple(sizes)[1:]


def check_image_sizes(pipelines: Sequence[Pipeline], image_size: int) -> None:
    """Check that elastic stages train for smaller images, and that teachers take the images of the stages they teach.

    Raises:
        ValueError: A stage does not; the message has its position and what is accepted.
    """
    last = {pipeline.name: (image_size, *image_sizes(pipeline.stages, image_size))[-1] for pipeline in pipelines}
    for position, pipeline in enumerate(pipelines):
        before = trained = image_size  # of the network before the stage, and of the latest new network
        for number, after in enumerate(image_sizes(pipeline.stages, image_size)):
            stage, path = pipeline.stages[number], f"pipelines[{position}].stages[{number}]"
            starts_network = METHODS[stage.kind].starts_network
            if isinstance(stage, ElasticStage) and max(stage.image_sizes, default=0) >= before:
                raise ValueError(
                    f"{path}.image_sizes has {max(stage.image_sizes)}, and the images have {before} pixels; accepted: "
                    f"less than {before}"
                )
            teachers: tuple[str, ...] = stage.teachers if isinstance(stage, Taught) else ()
            for name in teachers:
                own = before if starts_network else trained
                taken = own if name == SOURCE else last[name]
                if taken != after:
                    raise ValueError(
                        f"{path}.teacher is {name!r}, which takes images of {taken} pixels, and the images have "
                        f"{after} at that point; accepted: none, or a network for images of {after} pixels"
                    )
            before, trained = after, after if starts_network else trained


def _teachers(pipeline: Pipeline) -> Iterator[tuple[int, str]]:
    """Yield the pipelines that stages learn from, each with the position of the stage."""
    for number, stage in enumerate(pipeline.stages):
        if isinstance(stage, Taught):
            yield from ((number, name) for name in stage.teachers if name != SOURCE)
