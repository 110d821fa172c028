"""Groups of channels that can only be removed together, and why.

1. A *unit* is what is removed at once: a channel, with every channel that it is tied to, directly or through others.
   Units are the connected components of the ties.
2. A *group* holds the units that the same layers make. Their number is a layer's width, or a part of it where tensors
   are concatenated.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import LayerSelection
from edgepress_worker.channels.flow import Flow, follow
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, find_kernels, select
from edgepress_worker.keras_environment import keras

Units = npt.NDArray[np.int64]
"""Numbers of units."""

_SHOWN = 5


@dataclass(frozen=True)
class Group:
    """Units that the same layers make.

    Attributes:
        layers: Names of these layers, in the order of the data flow.
        units: The numbers of the units.
        ties: Why channels of several layers are removed together; empty for a group of one layer.
        fixed: Why no unit can be removed; empty if units can.
    """

    layers: tuple[str, ...]
    units: Units
    ties: tuple[str, ...]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        """Return the names of the layers, shortened."""
        more = len(self.layers) - _SHOWN
        return ", ".join(self.layers[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def __len__(self) -> int:
        """Number of units."""
        return len(self.units)


@dataclass(frozen=True)
class Grouped:
    """The groups of a network.

    Attributes:
        flow: The channels of the network.
        unit_of: The unit of each channel, ``(channels,)``.
        groups: The groups, in the order of the data flow.
    """

    flow: Flow
    unit_of: Units
    groups: tuple[Group, ...]

    @property
    def unit_count(self) -> int:
        """Number of units."""
        return sum(map(len, self.groups))

    def kept_channels(self, kept_units: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return whether each channel is kept, given whether each unit is."""
        return kept_units[self.unit_of]


def find_groups(network: keras.Model) -> Grouped:
    """Return the groups of a functional network.

    Raises:
        InvalidInputError: The network has a layer whose channels can't be followed.
    """
    flow = follow(network)
    pairs = np.concatenate([np.empty((0, 2), np.int64), *(tie.pairs for tie in flow.ties)])
    ones = np.ones(len(pairs), np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(flow.count, flow.count))
    _, unit_of = connected_components(graph, directed=False)
    return Grouped(flow, unit_of, tuple(_groups(flow, unit_of)))


def _groups(flow: Flow, unit_of: Units) -> Iterator[Group]:
    makers: dict[int, list[str]] = {}
    for layer, channels in flow.made.items():
        for unit in unit_of[channels]:
            makers.setdefault(int(unit), []).append(layer)
    units: dict[tuple[str, ...], list[int]] = {}
    for unit, layers in makers.items():
        units.setdefault(tuple(layers), []).append(unit)
    reasons = [(tie.reason, _distinct(unit_of[tie.pairs[:, 0]])) for tie in flow.ties]
    fixed = [(each.reason, _distinct(unit_of[each.channels])) for each in flow.fixed]
    for together, members in units.items():
        yield Group(
            layers=tuple(dict.fromkeys(together)),
            units=np.array(members),
            ties=_reasons(reasons, members) if len(together) > 1 else (),
            fixed=_reasons(fixed, members),
        )


def _distinct(units: Units) -> frozenset[int]:
    return frozenset(map(int, units))


def _reasons(reasons: Sequence[tuple[str, frozenset[int]]], units: Collection[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reason for reason, of in reasons if not of.isdisjoint(units)))


def prunable(network: keras.Model, layers: LayerSelection) -> tuple[Grouped, tuple[Group, ...]]:
    """Return the groups of a network, and those that can lose units: all layers of a group are selected.

    Raises:
        InvalidInputError: There are none, or the network has a layer whose channels can't be followed.
    """
    grouped = find_groups(network)
    selected = {kernel.layer for kernel in select(find_kernels(network), layers, SHARED_OR_ZERO)}
    return grouped, selected_groups(grouped, selected)


def selected_groups(grouped: Grouped, selected: Collection[str]) -> tuple[Group, ...]:
    """Return the groups whose layers are all selected, and that can lose units.

    Args:
        grouped: The network's groups.
        selected: Names of the layers that may lose output channels.

    Raises:
        InvalidInputError: None can; the message has the reasons.
    """
    chosen = tuple(group for group in grouped.groups if not group.fixed and set(group.layers) <= set(selected))
    if not chosen:
        why = chain.from_iterable(_why_not(group, selected) for group in grouped.groups)
        raise InvalidInputError(
            f"layers selects no layer whose channels can be removed: {'; '.join(list(why)[:_SHOWN])}; accepted: "
            "layers with all the layers that their channels are tied to"
        )
    return chosen


def _why_not(group: Group, selected: Collection[str]) -> Iterator[str]:
    inside = [layer for layer in group.layers if layer in selected]
    if inside and group.fixed:
        yield f"the channels of {group} are fixed, as {group.fixed[0]}"
    elif inside:
        missing = next(layer for layer in group.layers if layer not in selected)
        yield f"{inside[0]} can't lose channels without {missing}, as {group.ties[0]}"
