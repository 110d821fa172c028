"""How far the weights of the trained network reach."""

from edgepress_common.figures.figure import Figure, Measured

LARGEST_WEIGHT = Figure(
    name="largest_weight",
    title="largest weight",
    head="Largest weight",
    unit="",
    description="Largest magnitude of a weight of the Keras network.",
    source=Measured("stage"),
    direction="lower",
)
