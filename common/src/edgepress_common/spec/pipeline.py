"""A pipeline: an ordered list of stages, followed by exports."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from edgepress_common.frozen import ANSWER, Frozen
from edgepress_common.spec.exports import EXPORTS, ExportOrName
from edgepress_common.spec.methods import Stage
from edgepress_common.spec.order import check_order

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+%-]{0,63}$")]


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
