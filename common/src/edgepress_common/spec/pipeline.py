"""A pipeline: an ordered list of stages, followed by exports."""

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Self

from pydantic import Field, ValidationInfo, model_validator

from edgepress_common.frozen import ANSWER, Frozen
from edgepress_common.spec.exports import EXPORTS, ExportOrName
from edgepress_common.spec.methods import Stage
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
        for position, export in enumerate(self.exports):
            problem = EXPORTS[export.kind].conflict(export, state)
            if problem is not None:
                raise ValueError(f"exports[{position}]{problem}")
            if export in self.exports[:position]:
                raise ValueError(f"exports[{position}] repeats {export.kind!r}; accepted: each export once")
        return self


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


def _teachers(pipeline: Pipeline) -> Iterator[tuple[int, str]]:
    """Yield the pipelines that stages learn from, each with the position of the stage."""
    for number, stage in enumerate(pipeline.stages):
        if isinstance(stage, Taught):
            yield from ((number, name) for name in stage.teachers if name != SOURCE)
