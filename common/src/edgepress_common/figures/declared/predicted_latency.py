"""The latency that a stage had as its target, as the device's latency model predicted it."""

from edgepress_common.figures.figure import FieldPart, Figure, PageColumn

MS = Figure(
    name="predicted_latency.ms",
    title="predicted latency",
    head="predicted",
    unit="ms",
    description="Median latency that the device's latency model predicted for the file, if a stage of the pipeline had "
    "a latency on this device as its target; with the number of threads that it was predicted to be fastest with.",
    source=FieldPart("the stage that had a latency as its target"),
    direction="lower",
    is_timing=True,
    csv_position=103,
    page=PageColumn(group="Latency of one image, ms", position=19, is_bare=True, is_optional=True),
)
