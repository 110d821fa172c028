"""How near a file comes to what the board can do, and how fast the board was at the time.

The roofline is that of Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785: an operator takes at least
the time of its arithmetic and the time of its memory traffic, whichever is longer.
"""

from edgepress_common.figures.figure import Derived, Figure, PageColumn, Sample


def _share(of: Sample) -> float | None:
    roofline, latency = of.measurement.roofline, of.measurement.latency_ms.p50
    return None if roofline is None or latency <= 0 else roofline.floor_ms / latency


SHARE = Figure(
    name="roofline_share",
    title="share of the roofline",
    head="Roofline",
    unit="share",
    description="Shortest time that the device's arithmetic and memory bandwidth allow for the file's convolutions and "
    "dense layers, divided by the median latency; unknown in older results and for float16 arithmetic. A little above "
    "100 % if the ceilings were measured while the device was slower.",
    source=Derived(_share, "the ceilings measured on the device, and the latency", "threads"),
    direction="higher",
    is_timing=True,
    digits=0,
    csv_position=100,
    page=PageColumn(group="On the board", position=27, is_optional=True),
)

REFERENCE = Figure(
    name="reference_ms",
    title="time of the reference file",
    head="Reference",
    unit="ms",
    description="Median time of a small file that never changes, directly before and after the timed inferences: where "
    "it differs between rows of a device, the device was slower or faster; unknown in older results.",
    source=Derived(lambda of: of.evaluation.surroundings.reference_ms, "the evaluation's surroundings"),
    is_timing=True,
    csv_position=101,
)
