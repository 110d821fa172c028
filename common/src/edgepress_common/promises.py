"""What stages promise of a network's weights, and what came of it in a file.

A stage says layer by layer what it has done; the next one learns it from the result of the step before, and every
export holds its file against it. TFMOT's wrappers fail silently in a good many ways; a promise that is looked at on the
exported file does not.
"""

from typing import Literal

from pydantic import Field

from edgepress_common.frozen import Frozen


class LayerPromise(Frozen):
    """What is true of one layer's weights (its kernel, not its bias).

    Attributes:
        layer: Name of the Keras layer.
        sparsity: At least this share of them is zero; None if nothing is promised.
        pattern: Zeros in each group of neighbours, as in ``2:4``; None if nothing is promised.
        clusters: They have at most so many different values; None if nothing is promised.
        clusters_per_channel: Whether that is so for each output channel, rather than for the layer.
        grid: They lie on int8's grid, with a step for each ``channel`` or one for the ``layer``; None if they don't.
    """

    layer: str
    sparsity: float | None = Field(default=None, ge=0, le=1)
    pattern: str | None = None
    clusters: int | None = Field(default=None, ge=1)
    clusters_per_channel: bool = False
    grid: Literal["channel", "layer"] | None = None


class KeptPromise(Frozen):
    """One promise, as an exported file keeps it. A file that breaks one is no file: its export has failed.

    Attributes:
        kind: ``sparsity``: share of zeros, the layer's with the fewest. ``pattern``: groups with too few zeros.
            ``unique_weights``: different values in a layer, the layer's with the most; ``unique_weights_per_channel``:
            likewise in an output channel. ``float_operators``: how many are left. ``classes``: what the file tells
            apart.
        promised: At least (``sparsity``), exactly (``classes``), or at most (all others).
        found: In the file.
        layers: How many layers were looked at; None where it is not about layers.
        layer: The one that ``found`` is of, likewise.
    """

    kind: Literal["sparsity", "pattern", "unique_weights", "unique_weights_per_channel", "float_operators", "classes"]
    promised: float
    found: float
    layers: int | None = None
    layer: str | None = None
