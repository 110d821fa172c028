"""Whether the scores of a file are probabilities: the expected calibration error.

Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599, equation 3, with 15 bins: the difference
between confidence and accuracy in each bin, weighted by the share of the images in it.
"""

from edgepress_common.figures.figure import Derived, Figure, PageColumn, Sample


def _error(of: Sample) -> float | None:
    bins = of.evaluation.reliability
    images = sum(each.images for each in bins)
    return sum(each.images * abs(each.accuracy - each.confidence) for each in bins) / images if images else None


ECE = Figure(
    name="ece",
    title="expected calibration error",
    head="Calibration error",
    unit="share",
    description="Mean difference between the confidence in a class and the share of validation images for which it is "
    "correct, over 15 bins of the confidence; unknown in older results and if scores are not probabilities.",
    source=Derived(_error, "the reliability curve"),
    direction="lower",
    split="validation",
    csv_position=102,
    page=PageColumn(group="Validation", position=14, is_optional=True),
)
