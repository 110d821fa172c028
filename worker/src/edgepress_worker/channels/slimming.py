"""Network slimming: trains the factors of normalizations towards zero, so that they rank channels.

Liu et al. 2017, Network Slimming, arXiv:1708.06519, adds the L1 norm of the factors to the loss. Its gradient does not
let a factor stay at zero; the proximal operator of the norm, a soft threshold, does. With momentum, that is FISTA (Beck
and Teboulle 2009, doi:10.1137/080716542, equations 4.1 to 4.3), which the study's reference 37 uses as well. After each
step of the optimizer, which has moved the factors g:

1. x' = sign(g) max(|g| - r p, 0), with the learning rate r and the penalty p;
2. t' = (1 + sqrt(1 + 4 t^2)) / 2;
3. g = x' + (t - 1) / t' (x' - x); then x = x', t = t'.

The optimizer thus computes its gradient at the extrapolated factors. Each epoch begins with t = 1 and ends with g = x:
so factors are exactly zero at its end where the threshold has held them, and an interrupted training goes on from it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from edgepress_worker.channels.groups import Group, Grouped
from edgepress_worker.keras_environment import keras, tf


def factors(network: keras.Model, grouped: Grouped, groups: Sequence[Group]) -> list[tf.Variable]:
    """Return the factors of the normalizations that follow channels of some groups.

    Args:
        network: A network with the same layers as the one that was grouped.
        grouped: The groups.
        groups: The groups that can lose units.
    """
    units = {int(unit) for group in groups for unit in group.units}
    names = {
        call.layer.name
        for call in grouped.flow.calls
        if isinstance(call.layer, keras.layers.BatchNormalization)
        and call.layer.scale
        and units.issuperset(map(int, grouped.unit_of[grouped.flow.channels[call.output]]))
    }
    return [layer.gamma for layer in network.layers if layer.name in names]


class ProximalSteps(keras.callbacks.Callback):
    """Takes a proximal step after each step of the optimizer, see the module.

    Args:
        variables: The factors.
        penalty: The penalty.
        rate: Function that returns the learning rate of the latest step.
    """

    def __init__(self, variables: Sequence[tf.Variable], penalty: float, rate: Callable[[], float]) -> None:
        super().__init__()
        self._variables = tuple(variables)
        self._proximal = [tf.Variable(variable, trainable=False) for variable in variables]
        self._penalty = penalty
        self._rate = rate
        self._t = 1.0

    def on_epoch_begin(self, _epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Begin without momentum."""
        self._t = 1.0
        for variable, proximal in zip(self._variables, self._proximal, strict=True):
            proximal.assign(variable)

    def on_train_batch_end(self, _batch: int, _logs: dict[str, Any] | None = None) -> None:
        """Take a step."""
        following = (1 + math.sqrt(1 + 4 * self._t**2)) / 2
        self._step(tf.constant(self._rate() * self._penalty), tf.constant((self._t - 1) / following))
        self._t = following

    def on_epoch_end(self, _epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """End without extrapolation."""
        for variable, proximal in zip(self._variables, self._proximal, strict=True):
            variable.assign(proximal)

    @tf.function(autograph=False)
    def _step(self, threshold: tf.Tensor, momentum: tf.Tensor) -> None:
        for variable, proximal in zip(self._variables, self._proximal, strict=True):
            before = tf.identity(proximal)
            after = tf.sign(variable) * tf.nn.relu(tf.abs(variable) - threshold)
            variable.assign(after + momentum * (after - before))
            proximal.assign(after)
