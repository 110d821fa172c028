"""The record of a search about a pipeline that it proposes; see `edgepress_api.planners.search`."""

from typing import Literal

from edgepress_common.frozen import Message, added_field

Choices = dict[str, str]
"""A member of a search's space: for each choice, such as ``zeros``, the label of its value, such as ``0.8``."""

TrialKind = Literal["reference", "screening", "full", "finalist"]


class Trial(Message):
    """The record of a search about a pipeline.

    Attributes:
        kind: ``reference``: the job's network, not compressed; ``screening``: trained for a share of the epochs;
            ``full``: trained for all epochs; ``finalist``: trained again with another seed.
        choices: The member of the space; empty for a reference.
        parents: Names of the pipelines that it follows from.
        reason: Why it was proposed, as a sentence without a full stop.
    """

    kind: TrialKind
    choices: Choices = added_field({})
    parents: tuple[str, ...] = added_field(())
    reason: str
