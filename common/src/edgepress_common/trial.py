"""The record of a search about a pipeline that it proposes; see `edgepress_api.planners.search`."""

from typing import Literal

from edgepress_common.frozen import Message, added_field

Choices = dict[str, str]
"""A member of a search's space: for each choice, such as ``zeros``, the label of its value, such as ``0.8``."""

TrialKind = Literal["reference", "probe", "screening", "full", "finalist"]


class Trial(Message):
    """The record of a search about a pipeline.

    Attributes:
        kind: ``reference``: the job's network, not compressed; ``probe``: not trained, to measure its latency;
            ``screening``: trained for a share of the epochs; ``full``: trained for all epochs; ``finalist``: trained
            again with another seed.
        choices: The member of the space; empty for a reference. A probe has network, keep_macs, export,
            and the image size if that is a choice.
        parents: Names of the pipelines that it follows from.
        reason: Why it was proposed, as a sentence without a full stop.
        predicted_latency_ms: Latency that the device's latency model predicted before the trial; None without one.
        predicted_low_ms: Lower end of the prediction's interval.
        predicted_high_ms: Upper end of the prediction's interval.
    """

    kind: TrialKind
    choices: Choices = added_field({})
    parents: tuple[str, ...] = added_field(())
    reason: str
    predicted_latency_ms: float | None = added_field(None)
    predicted_low_ms: float | None = added_field(None)
    predicted_high_ms: float | None = added_field(None)
