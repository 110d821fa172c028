"""The validation set: how many images it has, and how long classifying all of them takes."""

from edgepress_common.figures.figure import Figure, Measured, PageColumn, TerminalColumn

TOTAL = Figure(
    name="total_seconds",
    title="time for the whole validation set",
    head="All images",
    unit="s",
    description="Time for the whole validation set, one image at a time; unknown without evaluation.full_pass.",
    source=Measured("threads"),
    direction="lower",
    is_timing=True,
    split="validation",
    csv_position=15,
    terminal=TerminalColumn(position=13, head="total\ns", is_wide=False),
    page=PageColumn(group="Latency of one image, ms", position=24),
)

IMAGES = Figure(
    name="images",
    title="validation images",
    head="Images",
    unit="count",
    description="Number of validation images.",
    source=Measured("evaluation"),
    is_integer=True,
    is_always_known=True,
    split="validation",
    csv_position=16,
)
