"""Times before the timed inferences: restoring the file from its coded file, loading it, and the first inference."""

from edgepress_common.figures.figure import Figure, Measured, PageColumn

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
    page=PageColumn(group="Startup", position=25),
)

DECODE = Figure(
    name="decode_ms",
    title="decode time",
    head="Decode",
    unit="ms",
    description="Time to restore the file from its coded file on the device; unknown where it was not sent coded.",
    source=Measured("evaluation"),
    direction="lower",
    is_timing=True,
    csv_position=95,
    page=PageColumn(group="Startup", position=25, is_optional=True),
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
    page=PageColumn(group="Startup", position=25),
)
