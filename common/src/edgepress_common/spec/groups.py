"""Groups of related images, such as those of one patient, slide or day. A split keeps a group in one part."""

import re
from typing import Self

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen


class GroupsByPattern(Frozen):
    """The group of an image is a part of its path."""

    pattern: str = Field(
        min_length=1,
        max_length=500,
        description="Regular expression with one capture group, searched in the path of each image relative to the "
        "data set's folder: (patient[0-9]+) finds patient07 in benign/patient07_3.png.",
    )

    @model_validator(mode="after")
    def _has_one_group(self) -> Self:
        try:
            found = re.compile(self.pattern).groups
        except (re.error, OverflowError, RecursionError) as error:  # overflow: more repetitions than an integer has
            raise ValueError(
                f"is not a regular expression: {error}; accepted: one of Python's, with a capture group"
            ) from None
        if found != 1:
            raise ValueError(f"has {found} capture groups; accepted: one")
        return self


class GroupsByTable(Frozen):
    """The group of an image is an entry in a table."""

    table: str = Field(
        min_length=1,
        max_length=1024,
        description="Path of a CSV file, relative to the data set's folder, with the columns image (path relative to "
        "the data set's folder) and group.",
    )


Groups = GroupsByPattern | GroupsByTable
