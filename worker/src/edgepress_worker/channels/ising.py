"""The criterion ``ising``: units by their drop-out state under the Ising energy of the network.

Salehinejad and Valaee 2019, Ising-Dropout, arXiv:1902.08673, drop the units of a multilayer perceptron that the state
of the lowest energy leaves out. This is the idea for networks of convolutions, and without an annealer:

1. Unit i has the state s_i, 1 if it is kept and 0 if it is dropped. Where a layer computes unit j from unit i, the two
   are coupled by J_ij, the sum of the absolute weights, relative to the layer's: divided by the geometric mean of the
   mean sums of its inputs and of its outputs. Layers of different size couple alike.
2. The energy is E(s) = - sum_(i,j) J_ij s_i s_j + b sum_i s_i, where b is the price of keeping a unit. A kept unit is
   dropped if this lowers the energy: if its field, the sum of its couplings with kept units, is less than b.
3. From the whole network, such changes lead to a state that does not depend on their order: the largest one in which
   each kept unit has a field of at least b. The importance of a unit is the highest b at which it is kept.

That state is a minimum of the energy with respect to single units, not always the lowest one of all.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.importance import Candidates, Scores
from edgepress_worker.keras_environment import keras

_keras = keras.layers
_Units = npt.NDArray[np.int64]
Coupling = tuple[_Units, _Units, npt.NDArray[np.float64]]
"""The input units of a layer, its output units, and how each pair is coupled, ``(inputs, outputs)``."""


def ising_scores(candidates: Candidates) -> Scores:
    """Return the importance of each unit, ``(units,)``; 0 for units that can't be removed."""
    grouped = candidates.grouped
    droppable = np.zeros(grouped.unit_count, bool)
    droppable[np.concatenate([group.units for group in candidates.groups])] = True
    return prices(list(_couplings(candidates)), droppable)


def prices(couplings: list[Coupling], droppable: npt.NDArray[np.bool_]) -> Scores:
    """Return for each unit the highest price at which it is kept, ``(units,)``; 0 for units that stay.

    Args:
        couplings: The couplings of the network.
        droppable: Whether each unit can be dropped, ``(units,)``.
    """
    field, found = np.zeros(len(droppable)), np.zeros(len(droppable))
    neighbours: dict[int, list[tuple[_Units, npt.NDArray[np.float64]]]] = {}
    for inputs, outputs, strength in couplings:
        for ours, others, matrix in ((inputs, outputs, strength), (outputs, inputs, strength.T)):
            np.add.at(field, ours, matrix.sum(axis=1))
            for unit, row in zip(ours.tolist(), matrix, strict=True):
                neighbours.setdefault(unit, []).append((others, row))
    price = 0.0
    field[~droppable] = np.inf
    for _ in range(np.count_nonzero(droppable)):
        unit = int(field.argmin())
        price = found[unit] = max(price, field[unit])
        for others, row in neighbours.get(unit, ()):
            np.subtract.at(field, others, row)
        field[unit] = np.inf
    return found


def _couplings(candidates: Candidates) -> Iterator[Coupling]:
    flow, unit_of = candidates.grouped.flow, candidates.grouped.unit_of
    for call in flow.calls:
        layer = call.layer
        is_dense = isinstance(layer, _keras.Conv2D | _keras.Dense) and getattr(layer, "groups", 1) == 1
        if is_dense and not isinstance(layer, _keras.DepthwiseConv2D):
            kernel = np.abs(layer.kernel.numpy().astype(np.float64))
            strength = kernel.reshape(-1, *kernel.shape[-2:]).sum(axis=0)
            mean = strength.sum() / np.sqrt(strength.size)  # the geometric mean of the mean sums
            taken, made = flow.channels[call.inputs[0]], flow.channels[call.output]
            yield unit_of[taken], unit_of[made], strength / max(mean, np.finfo(np.float32).tiny)
