"""The time that training takes, and the time that is spent around it."""

from edgepress_common.figures.figure import Derived, Figure, Measured

EPOCH = Figure(
    name="epoch_seconds",
    title="time of an epoch",
    head="Epoch",
    unit="s",
    description="Mean time of an epoch of the pipeline's last stage, without the time to compile the network.",
    source=Measured("stage"),
    direction="lower",
    is_always_known=True,
    csv_position=23,
)

COMPILE = Figure(
    name="compile_seconds",
    title="time to compile the network",
    head="Compilation",
    unit="s",
    description="Time that the pipeline's last stage took to compile the network; unknown in older results.",
    source=Derived(lambda of: sum(each.compile_seconds for each in of.stages[-1].epochs) or None, "the stage's epochs"),
    direction="lower",
    csv_position=87,
)
