"""The same network with its channels in another order: the most important ones first.

A unit (channels of several layers that belong together, see `channels.groups`) takes the place of another unit of its
group, in all layers of the group. The outputs of the network stay the same.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.flow import Channels
from edgepress_worker.channels.groups import Group, Grouped
from edgepress_worker.channels.surgery import ChannelSelection
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import rebuild

_Numbers = npt.NDArray[np.int64]


def with_sorted_channels(
    network: keras.Model, grouped: Grouped, groups: Sequence[Group], scores: npt.NDArray[np.float64]
) -> keras.Model:
    """Return the network with the units of some groups in descending order of their scores.

    Args:
        network: A functional network in float32, which is not changed.
        grouped: Its groups.
        groups: The groups to sort.
        scores: Score of each unit, ``(units,)``.
    """
    flow = grouped.flow
    source = np.arange(flow.count)  # of each channel: the channel whose weights it gets
    for group in groups:
        ranked = group.units[np.argsort(-scores[group.units], kind="stable")]
        for layer in group.layers:
            channels = _of_units(grouped, layer)
            source[[channels[unit] for unit in group.units]] = [channels[unit] for unit in ranked]
    positions = {number: _positions(channels, source[channels]) for number, channels in flow.channels.items()}
    selection = ChannelSelection(flow, positions)
    return rebuild(network, replace=selection.layer, weights_of=selection.weights)


def _of_units(grouped: Grouped, layer: str) -> dict[int, int]:
    """Return the channel that a layer makes for each of its units."""
    channels = grouped.flow.made[layer]
    return dict(zip(map(int, grouped.unit_of[channels]), map(int, channels), strict=True))


def _positions(channels: Channels, wanted: Channels) -> _Numbers:
    """Return the positions at which a tensor has the wanted channels; repeated ones in the order of their places."""
    positions = np.empty(len(channels), np.int64)
    positions[np.argsort(wanted, kind="stable")] = np.argsort(channels, kind="stable")
    return positions
