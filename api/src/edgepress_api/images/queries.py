"""Queries for images of a data set or of a file, and their errors."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from edgepress_common.answers.file_errors import Selection
from edgepress_common.answers.samples import PackSplit
from edgepress_common.errors import FieldProblem, InvalidQueryError
from edgepress_common.figures.figure import Split
from edgepress_common.frozen import Frozen

_SHOWN_CHARACTERS = 80
_PAGE_BEFORE = "The next_page_token of the previous page; omit it for the first page."

_ClassName = Annotated[str, Field(max_length=1000)]
_PageToken = Annotated[str, Field(max_length=64)]
_PageSize = Annotated[int, Field(ge=1, le=100, description="Maximum number of images on the page.")]


class SampleQuery(Frozen):
    """Query of the images of a data set."""

    split: PackSplit = Field(default="train", description="Split of the images.")
    class_name: _ClassName | None = Field(
        default=None, description="Show only images of this class; otherwise those of all classes in turn."
    )
    page_size: _PageSize = 24
    page_token: _PageToken | None = Field(default=None, description=_PAGE_BEFORE)


class ErrorQuery(Frozen):
    """Query of the images that a file classifies wrongly, or otherwise than another file."""

    selection: Selection = Field(
        default="wrong",
        description="`wrong`: the file is wrong. `differs`: the two files answer differently. `lost`: the other file "
        "is right, this one is wrong. `gained`: this file is right, the other one is wrong.",
    )
    split: Split = Field(
        default="validation", description="Split of the images; the test split can be shown when the job has ended."
    )
    device: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Device that has classified the images; the first by default."
    )
    against: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="SHA-256 of the file to compare with; the float32 file of the network that is only trained by "
        "default.",
    )
    true_class: _ClassName | None = Field(default=None, description="Show only images of this class.")
    predicted_class: _ClassName | None = Field(
        default=None, description="Show only images that the file takes for this class."
    )
    page_size: _PageSize = 24
    page_token: _PageToken | None = Field(default=None, description=_PAGE_BEFORE)


def class_index(classes: Sequence[str], field: str, name: str | None) -> int | None:
    """Return the index of a class; None for no name.

    Args:
        classes: Names of the classes.
        field: The parameter that names the class.
        name: The name.

    Raises:
        InvalidQueryError: There is no such class.
    """
    if name is None:
        return None
    if name not in classes:
        raise invalid(field, name, "is not a class of the data set", ", ".join(classes))
    return classes.index(name)


def invalid(field: str, value: str, message: str, accepted: str) -> InvalidQueryError:
    """Return the error about a parameter of a query."""
    return InvalidQueryError(
        [FieldProblem(field=field, value=value[:_SHOWN_CHARACTERS], message=message, accepted=accepted)]
    )
