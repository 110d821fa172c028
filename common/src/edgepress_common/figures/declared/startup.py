"""Times before the timed inferences: loading the file and the first inference."""

from edgepress_common.figures.figure import Figure, Measured

LOAD = Figure(
    name="load_ms",
    title="load time",
    head="Load",
    unit="ms",
    description="Time to read the file, build the interpreter and allocate its tensors.",
    source=Measured("threads"),
    direction="lower",
    is_always_known=True,
    is_timing=True,
    csv_position=36,
)

FIRST_INFERENCE = Figure(
    name="first_inference_ms",
    title="first inference",
    head="First inference",
    unit="ms",
    description="Latency of the very first inference, before the warm-up.",
    source=Measured("threads"),
    direction="lower",
    is_always_known=True,
    is_timing=True,
    csv_position=37,
)
