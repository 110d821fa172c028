"""Verifies the weights in an exported file against what stages promised about them, layer by layer.

1. A promised layer's weights are found by their values, not by the converter's names; see `tflite.matching`.
2. Values are compared as they are stored: int8 codes, or floats.
3. Zeros: their share, and their number in each group of neighbours along the input channels.
4. Shared values: the number of different values in each output channel, in every export. Their number in the whole
   layer is verified only in these cases:

   - No normalization after the layer has been multiplied into the weights, because it multiplies each channel by
     another factor, and the weights are not integers with a scale for each channel, because each channel then has
     other codes.
   - The layer was trained for one int8 scale and is stored in int8: it has few codes in spite of both. A normalization
     with negative factors changes the sign of the codes in some channels, so codes are counted without sign.

5. Shared blocks and hashed values: the same, with blocks of codes, or weights with the same hash, instead of codes.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_common.bundle_files.decode import hashes
from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import PROMISES, KeptPromise, LayerPromise, PromiseKind, PromiseWords
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.compression.blocks import stored_blocks, unique_rows, without_sign
from edgepress_worker.compression.grids import LARGEST_CODE
from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.layer_names import layers_of
from edgepress_worker.tflite.matching import match_layers
from edgepress_worker.tflite.weights import StoredWeights

_NAMES_SHOWN = 5  # enough to see how layers are called

_MOVED = (
    "Either the layer was skipped, or a later stage has moved its weights: let later stages keep {what} ({option}, "
    "which is the default), or leave the layer out of them (layers.exclude)"
)


@dataclass(frozen=True)
class _Finding:
    """One promise about one layer, and the number in the file.

    Attributes:
        kind: Kind of promise.
        layer: Name of the layer.
        promised: The promised number.
        found: The number in the file.
        slack: Largest accepted difference between the two, in the unit of ``promised``.
    """

    kind: PromiseKind
    layer: str
    promised: float
    found: float
    slack: float = 0

    @property
    def margin(self) -> float:
        """Difference by which the file is better than promised; negative if it is worse."""
        return PROMISES[self.kind].margin(self.promised, self.found)

    @property
    def is_broken(self) -> bool:
        """Whether the file is worse than promised by more than the slack."""
        return self.margin < -self.slack


def check_layers(
    promises: Sequence[LayerPromise],
    written: TfliteFile,
    kind: ExportKind,
    normalized: Collection[str] = frozenset(),
    *,
    kernels: Mapping[str, KernelValues] = MappingProxyType({}),
) -> tuple[KeptPromise, ...]:
    """Verify each promised layer's weights.

    Args:
        promises: Promises about the layers.
        written: The exported file.
        kind: Kind of export, for errors.
        normalized: Names of layers whose weights have been multiplied by a normalization.
        kernels: The network's weights by layer, in Keras's layout. A layer without an entry is found by its name.

    Returns:
        For each kind of promise, the layer that is nearest to breaking it.

    Raises:
        BrokenPromiseError: A layer breaks a promise, or is not in the file.
    """
    promised = [promise.layer for promise in promises]
    known = {layer: kernels[layer] for layer in promised if layer in kernels}
    layers = match_layers(known, written.weights, written.model, promised)
    findings: list[_Finding] = []
    for promise in promises:
        few_codes = promise.largest_code is not None and promise.largest_code < LARGEST_CODE
        if promise.sparsity is None and promise.pattern is None and promise.clusters is None and not few_codes:
            continue
        if promise.layer not in layers:
            raise BrokenPromiseError(_missing(promise.layer, written, kind))
        findings += _findings(promise, layers[promise.layer], normalized=promise.layer in normalized)
    broken = sorted((finding for finding in findings if finding.is_broken), key=lambda finding: finding.margin)
    if broken:
        raise BrokenPromiseError(_broken(broken, kind))
    return tuple(_summaries(findings))


def _findings(promise: LayerPromise, weights: StoredWeights, *, normalized: bool) -> Iterator[_Finding]:
    if promise.sparsity is not None:
        size = weights.codes.size
        share = weights.zero_count() / size
        # A share of the weights is rounded to a whole number of weights.
        yield _Finding("sparsity", promise.layer, promise.sparsity, share, slack=1 / size)
    if promise.pattern is not None:
        yield _Finding("pattern", promise.layer, 0, groups_with_too_few_zeros(weights, promise.pattern))
    if promise.largest_code is not None and promise.largest_code < LARGEST_CODE:
        most = int(weights.unique_count_per_channel().max())
        yield _Finding("unique_weights_per_channel", promise.layer, 2 * promise.largest_code + 1, most)
    if promise.clusters is not None and (promise.hashed or promise.block != "weight"):
        yield from _shared_in_storage(promise, weights, normalized=normalized)
    elif promise.clusters is not None:
        most = int(weights.unique_count_per_channel().max())
        yield _Finding("unique_weights_per_channel", promise.layer, promise.clusters, most)
        if not promise.clusters_per_channel:
            trained_for_one_scale = promise.grid == "layer" and weights.codes.dtype == np.int8
            if trained_for_one_scale and normalized:
                without_sign = len(np.unique(np.abs(weights.codes.astype(np.int16))))
                yield _Finding("unique_weights", promise.layer, promise.clusters, without_sign)
            elif trained_for_one_scale or not (normalized or weights.has_scale_per_channel):
                yield _Finding("unique_weights", promise.layer, promise.clusters, weights.unique_count())


def _shared_in_storage(promise: LayerPromise, weights: StoredWeights, *, normalized: bool) -> Iterator[_Finding]:
    """Yield what was found of shared blocks or hashed values, where the module says that a whole layer is verified."""
    assert promise.clusters is not None
    trained_for_one_scale = promise.grid == "layer" and weights.codes.dtype == np.int8
    in_layer = trained_for_one_scale or not (normalized or weights.has_scale_per_channel)
    if promise.hashed:
        codes = np.abs(weights.codes.astype(np.int16)) if trained_for_one_scale and normalized else weights.codes
        off = differing_from_hash(codes, promise.clusters, per_channel=not in_layer)
        yield _Finding("hashed_weights", promise.layer, 0, off)
        return
    blocks = stored_blocks(weights.codes, promise.block)
    most = max(unique_rows(channel) for channel in blocks)
    yield _Finding("unique_blocks_per_channel", promise.layer, promise.clusters, most)
    if in_layer:
        rows = blocks.reshape(-1, blocks.shape[-1])
        found = unique_rows(without_sign(rows) if trained_for_one_scale and normalized else rows)
        yield _Finding("unique_blocks", promise.layer, promise.clusters, found)


def differing_from_hash(codes: npt.NDArray[Any], values: int, *, per_channel: bool) -> int:
    """Return the number of weights that differ from the first one with the same hash.

    Args:
        codes: Stored weights, the output channel first.
        values: Number of values that hashes assign.
        per_channel: Whether to compare only weights of the same output channel.
    """
    places = hashes(codes.size, values.bit_length() - 1).astype(np.int64)
    if per_channel:
        places += np.arange(len(codes)).repeat(codes.size // len(codes)) * values
    _, first, inverse = np.unique(places, return_index=True, return_inverse=True)
    flat = codes.reshape(-1)
    return int(np.count_nonzero(flat != flat[first][inverse]))


def groups_with_too_few_zeros(weights: StoredWeights, pattern: str) -> int:
    """Return the number of groups of neighbours that break a pattern.

    Args:
        weights: Weights of a convolution or dense layer, whose last axis counts input channels.
        pattern: Number of zeros and size of the group, such as ``2:4``. An incomplete last group is filled with zeros.
    """
    zeros, group = map(int, pattern.split(":"))
    is_zero: npt.NDArray[np.bool_] = weights.codes == weights.zero_codes
    rows = is_zero.reshape(-1, is_zero.shape[-1])
    padded = np.pad(rows, [(0, 0), (0, -rows.shape[1] % group)], constant_values=True)
    return int(np.count_nonzero(padded.reshape(-1, group).sum(axis=1) < zeros))


def _summaries(findings: Sequence[_Finding]) -> Iterator[KeptPromise]:
    for kind, group in groupby(sorted(findings, key=lambda finding: finding.kind), key=lambda finding: finding.kind):
        of_kind = list(group)
        worst = min(of_kind, key=lambda finding: finding.margin)
        yield KeptPromise(kind=kind, promised=worst.promised, found=worst.found, layers=len(of_kind), layer=worst.layer)


def _broken(broken: Sequence[_Finding], kind: ExportKind) -> str:
    worst = broken[0]
    words = PROMISES[worst.kind]
    others = len({finding.layer for finding in broken} - {worst.layer})
    more = f" ({others} other {'layer breaks' if others == 1 else 'layers break'} a promise as well)" if others else ""
    return (
        f"layer {worst.layer!r} in the {kind} file: {words.broken(worst.promised, worst.found)}{more}. {_advice(words)}"
    )


def _advice(words: PromiseWords) -> str:
    if words.kept_by is None:
        return words.advice
    option, what = words.kept_by
    return words.advice + _MOVED.format(option=option, what=what)


def _missing(layer: str, written: TfliteFile, kind: ExportKind) -> str:
    tensors = written.model.tensors
    names = sorted({name for weights in written.weights for name in layers_of(tensors[weights.tensor].name)})
    others = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (
        f"layer {layer!r}, of whose weights something was promised, is not in the {kind} file: no convolution or dense "
        f"layer there has its weights or name. There are {', '.join(names[:_NAMES_SHOWN])}{others}. Has it been "
        "renamed, or joined with another layer?"
    )
