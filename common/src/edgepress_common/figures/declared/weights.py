"""The arithmetic and the weights of the file, the effect of compression on them, and operators on floats."""

from edgepress_common.figures.figure import Derived, Figure, Goal, Measured, PageColumn, TerminalColumn

_GROUP = "Weights and arithmetic"
_OPERATORS = "convolutions (also grouped, depthwise and transposed) and dense layers"
_MOST = 2.0**53  # the largest whole number that a JSON number holds exactly

MACS = Figure(
    name="macs",
    title="multiply-accumulate operations",
    head="MACs",
    unit="large_count",
    description=f"Multiply-accumulate operations of one inference in {_OPERATORS} of the .tflite file; unknown for "
    "files of earlier releases.",
    source=Measured("export"),
    direction="lower",
    is_integer=True,
    csv_position=88,
    page=PageColumn(group=_GROUP, position=38, is_optional=True),
    goal=Goal(
        criterion="macs",
        field="macs",
        title="number of MACs",
        most=_MOST,
        better="fewer MACs",
        worse="more MACs",
        is_told=False,
    ),
)

WEIGHTS = Figure(
    name="weights",
    title="weights",
    head="Weights",
    unit="large_count",
    description=f"Number of weights of {_OPERATORS} in the .tflite file, without biases; unknown for files of "
    "earlier releases.",
    source=Measured("export"),
    direction="lower",
    is_integer=True,
    csv_position=89,
    page=PageColumn(group=_GROUP, position=39, is_optional=True),
    goal=Goal(
        criterion="weights",
        field="weights",
        title="number of weights",
        most=_MOST,
        better="fewer weights",
        worse="more weights",
        is_told=False,
    ),
)

SPARSITY = Figure(
    name="sparsity",
    title="sparsity",
    head="Zeros",
    unit="share",
    description="Share of zeros among the weights of convolutions and dense layers.",
    source=Measured("export"),
    is_always_known=True,
    digits=1,
    csv_position=20,
    terminal=TerminalColumn(
        position=21, head="zeros\n%", note="zeros: share of the weights of convolutions and dense layers."
    ),
    page=PageColumn(group=_GROUP, position=40),
)

UNIQUE = Figure(
    name="unique_weights_max",
    title="unique weights",
    head="Unique values",
    unit="count",
    description="Largest number of different values in one weight tensor of a convolution or dense layer.",
    source=Measured("export"),
    is_integer=True,
    is_always_known=True,
    csv_position=21,
    terminal=TerminalColumn(position=22, head="values", note="values: most different weights in one tensor."),
    page=PageColumn(group=_GROUP, position=41, second="unique_weights_per_channel_max"),
)

UNIQUE_PER_CHANNEL = Figure(
    name="unique_weights_per_channel_max",
    title="unique weights per channel",
    head="Values per channel",
    unit="count",
    description="Largest number of different values in one output channel of such a tensor.",
    source=Measured("export"),
    is_integer=True,
    is_always_known=True,
    csv_position=55,
)

FLOAT_OPERATORS = Figure(
    name="float_ops",
    title="float operators",
    head="Float ops",
    unit="count",
    description="Number of operators of the file that compute on floats.",
    source=Derived(lambda of: sum(of.export.float_operators.values()), "the export's operators", by="export"),
    is_integer=True,
    is_always_known=True,
    csv_position=22,
    terminal=TerminalColumn(position=17, head="float\nops", is_wide=False),
    page=PageColumn(group=_GROUP, position=42),
)
