"""How far the slowest inference is from the fastest."""

from edgepress_common.figures.figure import Figure, Measured, PageColumn

JITTER = Figure(
    name="jitter_ms",
    title="jitter",
    head="Jitter",
    unit="ms",
    description="Highest latency minus the lowest.",
    source=Measured("threads"),
    direction="lower",
    is_timing=True,
    page=PageColumn(group="Latency of one image, ms", is_bare=True),
)
