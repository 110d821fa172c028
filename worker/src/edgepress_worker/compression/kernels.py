"""The weights of a network that can be compressed: kernels of convolutions and dense layers."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import LayerSelection
from edgepress_worker.keras_environment import keras, tf

KernelKind = Literal["conv2d", "depthwise_conv2d", "dense"]

KERNEL_KINDS: tuple[KernelKind, ...] = ("conv2d", "depthwise_conv2d", "dense")

KernelValues = npt.NDArray[np.float32]

SHARED_OR_ZERO: tuple[KernelKind, ...] = ("conv2d", "dense")
"""Kinds that can be pruned and clustered. A depthwise kernel has nine weights per channel and needs all of them."""

_NAMES_SHOWN = 40  # all layers of a ResNet18; enough to see the naming scheme of a larger network


@dataclass(frozen=True)
class Kernel:
    """The weights of one layer.

    Attributes:
        layer: Name of the layer.
        kind: Kind of the layer.
        variable: conv2d ``(height, width, in, out)``; depthwise_conv2d ``(height, width, in, multiplier)``; dense
            ``(in, out)``.
    """

    layer: str
    kind: KernelKind
    variable: tf.Variable

    @property
    def channel_axes(self) -> tuple[int, ...]:
        """The axes of the variable that together index output channels."""
        rank = len(self.variable.shape)
        return (rank - 2, rank - 1) if self.kind == "depthwise_conv2d" else (rank - 1,)

    @property
    def within_channel_axes(self) -> tuple[int, ...]:
        """All other axes."""
        return tuple(axis for axis in range(len(self.variable.shape)) if axis not in self.channel_axes)


def find_kernels(network: keras.Model) -> tuple[Kernel, ...]:
    """Return all kernels of a network, in the order of the data flow."""
    return tuple(_kernels(network))


def kernel_values(network: keras.Model) -> dict[str, KernelValues]:
    """Return the values of all kernels of a network, by the names of their layers."""
    return {kernel.layer: keras.backend.get_value(kernel.variable) for kernel in find_kernels(network)}


def _kernels(network: keras.Model) -> Iterator[Kernel]:
    for layer in network.layers:
        match layer:
            case keras.layers.DepthwiseConv2D():
                yield Kernel(layer.name, "depthwise_conv2d", layer.depthwise_kernel)
            case keras.layers.Conv2D():
                yield Kernel(layer.name, "conv2d", layer.kernel)
            case keras.layers.Dense():
                yield Kernel(layer.name, "dense", layer.kernel)
            case _:
                pass


def select(kernels: Sequence[Kernel], selection: LayerSelection, kinds: Collection[KernelKind]) -> tuple[Kernel, ...]:
    """Return the selected kernels.

    Args:
        kernels: All kernels of the network, in order.
        selection: Selection of the spec.
        kinds: Kinds of layer that the method supports.

    Raises:
        InvalidInputError: A pattern matches no supported layer, or no layer is selected.
    """
    candidates = [kernel for kernel in kernels if kernel.kind in kinds]
    included = {name for pattern in selection.include for name in _fitting(pattern, candidates, "include")}
    excluded = {name for pattern in selection.exclude for name in _fitting(pattern, candidates, "exclude")}
    chosen = tuple(kernel for kernel in candidates if kernel.layer in included - excluded)
    if not chosen:
        raise InvalidInputError(
            f"layers.exclude ({', '.join(selection.exclude)}) removes all layers that layers.include selects; "
            f"accepted: patterns that leave at least one of {_names(candidates)}"
        )
    return chosen


def _fitting(pattern: str, candidates: Sequence[Kernel], field: str) -> list[str]:
    what, _, value = pattern.partition(":")
    match what:
        case "first":
            fitting = candidates[:1]
        case "last":
            fitting = candidates[-1:]
        case "kind":
            fitting = [kernel for kernel in candidates if kernel.kind == value]
        case _:
            fitting = [kernel for kernel in candidates if fnmatchcase(kernel.layer, value)]
    if not fitting:
        raise InvalidInputError(
            f"layers.{field}: {pattern!r} matches none of the network's layers that this method supports; "
            f"accepted: first, last, kind:..., or name: and a pattern for one of {_names(candidates)}"
        )
    return [kernel.layer for kernel in fitting]


def _names(kernels: Sequence[Kernel]) -> str:
    shown = ", ".join(kernel.layer for kernel in kernels[:_NAMES_SHOWN])
    return shown + (f" and {len(kernels) - _NAMES_SHOWN} more" if len(kernels) > _NAMES_SHOWN else "")
