"""The rate that a stage has trained for."""

from edgepress_common.figures.figure import Derived, Figure, Sample


def _of_kept_epoch(of: Sample) -> float | None:
    stage = of.stages[-1]
    kept = [epoch.bits_per_weight for epoch in stage.epochs if epoch.val_accuracy == stage.val_accuracy]
    return kept[-1] if kept else None


BITS_PER_WEIGHT = Figure(
    name="bits_per_weight",
    title="estimated bits per weight",
    head="Bits per weight",
    unit="bits",
    description="Estimated entropy of the codes of the weights that the pipeline's last stage compressed; unknown "
    "without its entropy_weight.",
    source=Derived(_of_kept_epoch, "the stage's epochs", by="stage"),
    direction="lower",
    csv_position=96,
)
