"""The share of validation images that are classified correctly, and its 95 % interval."""

from edgepress_common.figures.figure import Derived, Figure, Goal, Measured, PageColumn, TerminalColumn
from edgepress_common.significance import wilson

ACCURACY = Figure(
    name="accuracy",
    title="accuracy",
    head="Accuracy",
    unit="share",
    description="Share of the validation images that are classified correctly.",
    source=Measured("evaluation"),
    direction="higher",
    is_always_known=True,
    split="validation",
    csv_position=5,
    terminal=TerminalColumn(position=10, head="acc\n%", is_wide=False),
    page=PageColumn(group="Validation", position=10, interval=("accuracy_low", "accuracy_high")),
    goal=Goal(
        criterion="accuracy",
        field="accuracy",
        title="accuracy",
        weight=2,
        most=1,
        drop_limit="max_accuracy_drop",
        scale="share",
        better="more accurate",
        worse="less accurate",
        purpose="most_accurate",
        purpose_title="Most accurate",
    ),
)

LOW = Figure(
    name="accuracy_low",
    title="lower end of the accuracy's interval",
    head="Accuracy, low",
    unit="share",
    description="Lower end of the accuracy's 95 % interval (Wilson's).",
    source=Derived(lambda of: wilson(of.evaluation.accuracy, of.evaluation.images).low, "accuracy and images"),
    direction="higher",
    digits=1,
    split="validation",
    csv_position=59,
)

HIGH = Figure(
    name="accuracy_high",
    title="upper end of the accuracy's interval",
    head="Accuracy, high",
    unit="share",
    description="Upper end of the accuracy's 95 % interval (Wilson's).",
    source=Derived(lambda of: wilson(of.evaluation.accuracy, of.evaluation.images).high, "accuracy and images"),
    direction="higher",
    digits=1,
    split="validation",
    csv_position=60,
)
