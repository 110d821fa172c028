"""How many times smaller and faster than the report's baselines a row is; see `edgepress_common.answers.report`."""

from edgepress_common.figures.figure import FieldPart, Figure, PageColumn, TerminalColumn

_FLOAT32 = "the float32 .tflite file of the network trained and not compressed"
_KERAS = "the Keras file with the optimizer's state of the network trained and not compressed"


def _smaller(
    baseline: str,
    part: str,
    csv_position: int,
    *,
    terminal: TerminalColumn | None = None,
    page: PageColumn | None = None,
) -> Figure:
    compared = {"size": "both not zipped", "zip": "both zipped", "size_to_zip": "this one zipped, the other not"}[part]
    than = _FLOAT32 if baseline == "float32_tflite" else _KERAS
    return Figure(
        name=f"ratios.{baseline}.{part}",
        title=f"times smaller than {than}, {compared}",
        head="Smaller",
        unit="times",
        description=f"How many times smaller the .tflite file is than {than}; {compared}.",
        source=FieldPart("the sizes and the report's baselines", by="export"),
        direction="higher",
        csv_position=csv_position,
        csv_column=f"{part}_ratio_to_{baseline}",
        terminal=terminal,
        page=page,
    )


SIZE = _smaller(
    "float32_tflite",
    "size",
    29,
    terminal=TerminalColumn(position=16, head="times\nsmaller", is_wide=False),
    page=PageColumn(group="Size", position=32),
)
ZIP = _smaller("float32_tflite", "zip", 30)
SIZE_TO_ZIP = _smaller(
    "float32_tflite",
    "size_to_zip",
    31,
    terminal=TerminalColumn(
        position=20,
        head="zip\ntimes",
        note="zip times: how many times smaller the zipped file is than that one as it is, not zipped.",
    ),
    page=PageColumn(group="Size", position=34),
)
LATENCY = Figure(
    name="ratios.float32_tflite_latency",
    title=f"times faster than {_FLOAT32}",
    head="Faster",
    unit="times",
    description=f"Median latency of {_FLOAT32} divided by this one's, on the same device with as many threads.",
    source=FieldPart("the latency and the report's baseline"),
    direction="higher",
    is_timing=True,
    csv_position=32,
    csv_column="latency_ratio_to_float32_tflite",
    page=PageColumn(
        group="Latency of one image, ms",
        position=23,
        is_grey=lambda row: row.ratios.float32_tflite_latency_differs is False,
    ),
)
KERAS_SIZE = _smaller("keras_with_optimizer", "size", 33)
KERAS_ZIP = _smaller("keras_with_optimizer", "zip", 34)
KERAS_SIZE_TO_ZIP = _smaller("keras_with_optimizer", "size_to_zip", 35)
