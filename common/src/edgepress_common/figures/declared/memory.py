"""Memory on the device."""

from edgepress_common.figures.figure import Figure, Measured, PageColumn

PEAK = Figure(
    name="peak_memory_bytes",
    title="peak memory",
    head="Memory",
    unit="bytes",
    description="Resident memory that loading and running the model added.",
    source=Measured("evaluation"),
    direction="lower",
    is_integer=True,
    is_always_known=True,
    csv_position=24,
    page=PageColumn(group="", position=50),
)
