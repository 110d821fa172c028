"""Assignment of the weights in a .tflite file to layers, by their values.

The names of a file's tensors follow the operations that the converter wrote them for (``dense/Tensordot/MatMul``, or
the name of a normalization that was multiplied in), so they do not identify a layer. The weights do:

1. A layer's kernel and a file's weights are compared as rows, one for each output channel, in the file's order.
2. The file may store each row multiplied by a factor: the scale of its int8 codes, a normalization, or both. The
   factor is found by least squares, and the remaining difference is the mismatch, from 0 to 1.
3. A layer is assigned the weights of its shape that match best, if the mismatch is small. Several weights match equally
   well if layers are equal, or so small that a factor explains the difference; their names decide then.
4. If no weights match, only the name decides: an export may have changed the weights by more than it should have, and
   the verification of the promises reports that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.tflite.layer_names import layers_of
from edgepress_worker.tflite.model import TfliteModel
from edgepress_worker.tflite.weights import StoredWeights

# Mismatch after rounding to int8: 0.01 for normal weights, up to 0.1 for very uneven ones; of another layer, from 0.9.
_LARGEST_MISMATCH = 0.3
_EQUALLY_WELL = 0.02  # mismatches that differ by less are equal
_OPERATORS = frozenset({"CONV_2D", "FULLY_CONNECTED"})

_COLUMNS = 2048  # of a row that are compared: enough to distinguish layers, with little memory for large ones

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Candidate:
    weights: StoredWeights
    rows: Rows
    own_names: frozenset[str]
    operator_names: frozenset[str]

    def rank(self, layer: str) -> int:
        """Return how well the names match the layer: 2 for the tensor's name, 1 for an operator's output, else 0."""
        return 2 if layer in self.own_names else int(layer in self.operator_names)


def match_layers(
    kernels: Mapping[str, KernelValues],
    stored: Sequence[StoredWeights],
    model: TfliteModel,
    layers: Collection[str] = (),
) -> dict[str, StoredWeights]:
    """Return the file's weights of each layer that is found.

    Args:
        kernels: Weights by layer name, in Keras's layout: ``(height, width, in, out)`` or ``(in, out)``.
        stored: The file's weights.
        model: The file, for the names of its tensors.
        layers: Names of further layers to find, by name only.
    """
    candidates = [_candidate(weights, model) for weights in stored]
    found: dict[str, StoredWeights] = {}
    for layer in (*kernels, *(layer for layer in layers if layer not in kernels)):
        alike = _matching(kernels[layer], candidates) if layer in kernels else []
        named = [each for each in (alike or candidates) if alike or each.rank(layer)]
        if named:
            found[layer] = max(named, key=lambda each: each.rank(layer)).weights
    return found


def _candidate(weights: StoredWeights, model: TfliteModel) -> _Candidate:
    outputs = (model.tensors[operator.outputs[0]].name for operator in weights.operators)
    zeros = np.broadcast_to(weights.zero_codes.reshape(-1, 1), (weights.codes.shape[weights.channel_axis], 1))
    return _Candidate(
        weights,
        _unit(_sampled(weights.rows()) - zeros.astype(np.float32)),
        frozenset(layers_of(model.tensors[weights.tensor].name)),
        frozenset(name for output in outputs for name in layers_of(output)),
    )


def _matching(kernel: KernelValues, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the candidates that match best; several if they match equally well."""
    whole = np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)
    rows = _unit(_sampled(whole))
    mismatches = [
        (_mismatch(rows, each.rows), each)
        for each in candidates
        if each.weights.rows().shape == whole.shape
        and any(operator.name in _OPERATORS for operator in each.weights.operators)
    ]
    best = min((mismatch for mismatch, _ in mismatches), default=1.0)
    if best > _LARGEST_MISMATCH:
        return []
    return [each for mismatch, each in mismatches if mismatch <= best + _EQUALLY_WELL]


def _mismatch(rows: Rows, others: Rows) -> float:
    """Return the difference that a factor for each row does not explain, from 0 (none) to 1 (orthogonal rows).

    Rows that are zero in the file are skipped: a normalization can multiply a channel by 0.
    """
    nonzero = others.any(axis=1)
    if not nonzero.any():
        return 0.0 if not rows.any() else 1.0
    cosines = (rows[nonzero] * others[nonzero]).sum(axis=1)
    return float(np.sqrt(np.clip(1 - cosines**2, 0, 1).mean()))


def _sampled(rows: npt.NDArray[Any]) -> Rows:
    return rows[:, :: max(1, rows.shape[1] // _COLUMNS)].astype(np.float32)


def _unit(rows: Rows) -> Rows:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
