"""Holds the weights in an exported file against what stages promised of them, layer by layer.

1. A promised layer's weights are found by its name in theirs, or in that of an output computed with them: where a
   normalization was multiplied into a dense layer's weights, they have the normalization's name, and two layers'
   weights that are equal are stored once, with one layer's name.
2. Values are compared as they are stored: int8 codes, or floats.
3. Zeros: their share, and in each group of neighbours along the input channels.
4. Shared values: in each output channel at most so many; every export can have that. In the whole layer, where the
   file can show it: not where a normalization behind the layer has been multiplied into the weights, which gives each
   channel multiples of its own, and not in integers with a step for each channel, which give each channel codes of its
   own. Layers that were trained for one int8 step are few codes in spite of both, wherever they are stored in int8.
   There a normalization with negative factors turns the codes of some channels round: codes are counted without sign.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.tflite.layer_names import layers_of
from edgepress_worker.tflite.model import TfliteModel
from edgepress_worker.tflite.weights import Weights, read_weights

_Kind = Literal["sparsity", "pattern", "unique_weights", "unique_weights_per_channel"]

_NAMES_SHOWN = 5  # enough to see how layers are called

_MOVED = (
    "Either the layer was skipped, or a later stage has moved its weights: let later stages keep {what} ({option}, "
    "which is the default), or leave the layer out of them (layers.exclude)"
)
_ADVICE: dict[_Kind, str] = {
    "sparsity": _MOVED.format(what="zeros", option="preserve_sparsity"),
    "pattern": _MOVED.format(what="zeros", option="preserve_sparsity"),
    "unique_weights": "Each channel may have got values of its own: ask for per_channel: true if that is meant. "
    + _MOVED.format(what="shared values", option="preserve_clusters"),
    "unique_weights_per_channel": _MOVED.format(what="shared values", option="preserve_clusters"),
}


@dataclass(frozen=True)
class _Finding:
    """One promise of one layer, and what is so.

    Attributes:
        kind: See `KeptPromise`.
        layer: Its name.
        promised: At least (``sparsity``) or at most.
        found: In the file.
        slack: By how much it may be missed.
    """

    kind: _Kind
    layer: str
    promised: float
    found: float
    slack: float = 0

    @property
    def margin(self) -> float:
        """How much better it is than promised; negative if it is worse."""
        return self.found - self.promised if self.kind == "sparsity" else self.promised - self.found

    @property
    def is_broken(self) -> bool:
        """Whether it is worse by more than may be."""
        return self.margin < -self.slack


def check_layers(
    promises: Sequence[LayerPromise],
    written: TfliteModel,
    kind: ExportKind,
    normalized: Collection[str] = frozenset(),
) -> tuple[KeptPromise, ...]:
    """Looks at each promised layer's weights.

    Args:
        promises: What is promised.
        written: The file.
        kind: Of the export.
        normalized: Names of layers whose weights a normalization has been multiplied into.

    Returns:
        For each kind of promise that was made, the layer that is nearest to breaking it.

    Raises:
        BrokenPromiseError: A layer breaks one, or is not in the file.
    """
    layers = _by_layer(written)
    findings: list[_Finding] = []
    for promise in promises:
        if promise.sparsity is None and promise.pattern is None and promise.clusters is None:
            continue
        if promise.layer not in layers:
            raise BrokenPromiseError(_missing(promise.layer, written, kind))
        findings += _findings(promise, layers[promise.layer], normalized=promise.layer in normalized)
    broken = sorted((finding for finding in findings if finding.is_broken), key=lambda finding: finding.margin)
    if broken:
        raise BrokenPromiseError(_broken(broken, kind))
    return tuple(_summaries(findings))


def _by_layer(model: TfliteModel) -> dict[str, Weights]:
    by_operator: dict[str, Weights] = {}
    by_own_name: dict[str, Weights] = {}
    for weights in read_weights(model):
        for operator in weights.operators:
            by_operator |= dict.fromkeys(layers_of(model.tensors[operator.outputs[0]].name), weights)
        by_own_name |= dict.fromkeys(layers_of(model.tensors[weights.tensor].name), weights)
    return by_operator | by_own_name


def _findings(promise: LayerPromise, weights: Weights, *, normalized: bool) -> Iterator[_Finding]:
    if promise.sparsity is not None:
        size = weights.codes.size
        share = weights.zero_count() / size
        # A share of the weights is rounded to whole ones.
        yield _Finding("sparsity", promise.layer, promise.sparsity, share, slack=1 / size)
    if promise.pattern is not None:
        yield _Finding("pattern", promise.layer, 0, groups_with_too_few_zeros(weights, promise.pattern))
    if promise.clusters is not None:
        most = int(weights.unique_count_per_channel().max())
        yield _Finding("unique_weights_per_channel", promise.layer, promise.clusters, most)
        if not promise.clusters_per_channel:
            trained_for_one_step = promise.grid == "layer" and weights.codes.dtype == np.int8
            if trained_for_one_step and normalized:
                without_sign = len(np.unique(np.abs(weights.codes.astype(np.int16))))
                yield _Finding("unique_weights", promise.layer, promise.clusters, without_sign)
            elif trained_for_one_step or not (normalized or weights.has_step_per_channel):
                yield _Finding("unique_weights", promise.layer, promise.clusters, weights.unique_count())


def groups_with_too_few_zeros(weights: Weights, pattern: str) -> int:
    """How many groups of neighbours break a pattern.

    Args:
        weights: Of a convolution or dense layer: its last axis counts input channels.
        pattern: Zeros and neighbours, as in ``2:4``. A group that the end cuts off counts as if zeros followed.
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
    match worst.kind:
        case "sparsity":
            what = f"{worst.found:.2%} of its weights are zero, {worst.promised:.2%} or more were promised"
        case "pattern":
            what = f"{worst.found:.0f} groups of its weights have fewer zeros than the promised pattern"
        case "unique_weights":
            what = f"it has {worst.found:.0f} different weights, {worst.promised:.0f} or fewer were promised"
        case "unique_weights_per_channel":
            what = (
                f"an output channel of it has {worst.found:.0f} different weights, {worst.promised:.0f} or fewer were "
                "promised"
            )
    others = len({finding.layer for finding in broken} - {worst.layer})
    more = f" ({others} other {'layer breaks' if others == 1 else 'layers break'} a promise as well)" if others else ""
    return f"layer {worst.layer!r} in the {kind} file: {what}{more}. {_ADVICE[worst.kind]}"


def _missing(layer: str, model: TfliteModel, kind: ExportKind) -> str:
    names = sorted({name for weights in read_weights(model) for name in layers_of(model.tensors[weights.tensor].name)})
    others = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (
        f"layer {layer!r}, of whose weights something was promised, is not in the {kind} file: no convolution or dense "
        f"layer there has its name. There are {', '.join(names[:_NAMES_SHOWN])}{others}. Has it been renamed, or "
        "joined with another layer?"
    )
