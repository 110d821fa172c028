"""Proximal steps on the factors of normalizations, compared with FISTA written out for one problem."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepress_worker.channels.groups import find_groups, selected_groups
from edgepress_worker.channels.slimming import ProximalSteps, factors
from edgepress_worker.keras_environment import tf
from fakes.preactivation_network import preactivation_network

RATE, PENALTY, STEPS = 0.02, 3.0, 400
RANDOM = np.random.default_rng(6)
MATRIX, TARGET = RANDOM.normal(size=(20, 8)), RANDOM.normal(size=20) * 2


def gradient(x: Any) -> Any:
    """That of half the squared distance between the matrix's product with x and the target."""
    return MATRIX.T @ (MATRIX @ x - TARGET)


def test_steps_are_those_of_fista_and_end_at_the_lasso() -> None:
    """Each iterate equals the one computed here; the last one fulfils the optimality conditions of the lasso."""
    variable = tf.Variable(np.ones(8, np.float32))
    steps = ProximalSteps([variable], PENALTY, lambda: RATE)
    steps.on_epoch_begin(0)
    x = y = np.ones(8)
    t = 1.0
    for number in range(STEPS):
        variable.assign_sub((RATE * gradient(variable.numpy())).astype(np.float32))
        steps.on_train_batch_end(number)
        moved = y - RATE * gradient(y)
        new = np.where(moved > RATE * PENALTY, moved - RATE * PENALTY, np.minimum(moved + RATE * PENALTY, 0))
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        y, x, t = new + (t - 1) / t_new * (new - x), new, t_new
        np.testing.assert_allclose(variable.numpy(), y, atol=1e-4)
    steps.on_epoch_end(0)
    found = variable.numpy()
    is_zero = found == 0
    assert 0 < is_zero.sum() < len(found)
    assert (np.abs(gradient(found))[is_zero] <= PENALTY + 1e-3).all()
    np.testing.assert_allclose(gradient(found)[~is_zero], -PENALTY * np.sign(found[~is_zero]), atol=1e-2)


def trained(values: Any, epochs: int) -> Any:
    """Return factors after some epochs of three steps each, in which the optimizer moves the first factor."""
    variable = tf.Variable(values)
    steps = ProximalSteps([variable], 1.0, lambda: 0.01)
    for epoch in range(epochs):
        steps.on_epoch_begin(epoch)
        for number in range(3):
            variable.assign_sub([0.01, 0.0])
            steps.on_train_batch_end(number)
        steps.on_epoch_end(epoch)
    return variable.numpy()


def test_each_epoch_begins_without_momentum() -> None:
    """So an interrupted training continues with the same factors; small ones are exactly zero."""
    first = trained([1.0, -0.02], epochs=1)
    assert first[1] == 0
    np.testing.assert_array_equal(trained(first, epochs=1), trained([1.0, -0.02], epochs=2))


def test_only_factors_of_channels_that_can_go_are_penalized() -> None:
    """The inside of a unit has its own normalization; the residual stream has that of the layers that make it."""
    network = preactivation_network()
    grouped = find_groups(network)

    def names(*layers: str) -> set[str]:
        return {each.name.split("/")[0] for each in factors(network, grouped, selected_groups(grouped, layers))}

    assert names("unit1_conv1") == {"unit1_bn2"}
    assert names("unit1_sc", "unit1_conv2") == {"bn1"}
    assert names("conv0", "unit1_conv1") == {"bn0", "unit1_bn1", "unit1_bn2"}
