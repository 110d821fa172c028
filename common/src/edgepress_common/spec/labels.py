"""Labels by which people find a job again. They can change after the job is accepted; no step depends on them."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from edgepress_common.frozen import Frozen

_MOST_TAGS = 20
VISIBLE = r"^[^\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+$"


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


Project = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=VISIBLE)]
Tag = Annotated[str, StringConstraints(max_length=50, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")]
Tags = Annotated[tuple[Tag, ...], Field(max_length=_MOST_TAGS), AfterValidator(_each_once)]
Notes = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")]

PROJECT = "Project that the job belongs to."
TAGS = "Tags to find the job by: letters, digits and . _ : / - only."
NOTES = "Notes about the job, as plain text."


class JobLabels(Frozen):
    """The labels of a job."""

    project: Project | None = Field(default=None, description=PROJECT)
    tags: Tags = Field(default=(), description=TAGS)
    notes: Notes = Field(default="", description=NOTES)
