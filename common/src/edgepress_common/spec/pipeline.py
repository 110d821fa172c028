"""One way to compress: an ordered list of stages, then exports."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen
from edgepress_common.spec.exports import ExportOrName
from edgepress_common.spec.order import check_order
from edgepress_common.spec.stages import Stage

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+%-]{0,63}$")]


class Pipeline(Frozen):
    """A named way to compress.

    An empty list of stages is the trained network itself; a list that does not begin with ``train`` starts from it.
    """

    name: Name = Field(description="Unique in the job; letters, digits, space and . _ + % -")
    stages: tuple[Stage, ...] = Field(default=(), max_length=20)
    exports: tuple[ExportOrName, ...] = Field(min_length=1, max_length=20, description="Kinds by name, or in full.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_order(self.stages)
        for position, export in enumerate(self.exports):
            if export in self.exports[:position]:
                raise ValueError(f"exports[{position}] is {export.kind!r} a second time; accepted: each export once")
        return self
