"""The criterion ``ising``, compared with all states of a small network."""

from __future__ import annotations

import itertools

import numpy as np

from edgepress_worker.channels.groups import find_groups, selected_groups
from edgepress_worker.channels.importance import Candidates
from edgepress_worker.channels.ising import Coupling, ising_scores, prices
from edgepress_worker.keras_environment import keras

layers = keras.layers
UNITS = 7


def energy(state: tuple[int, ...], couplings: list[Coupling], price: float) -> float:
    kept = np.array(state)
    pairs = sum(float(kept[inputs] @ strength @ kept[outputs]) for inputs, outputs, strength in couplings)
    return -pairs + price * float(kept.sum())


def test_a_unit_is_kept_up_to_the_price_at_which_dropping_it_lowers_the_energy() -> None:
    """The largest state in which no kept unit can go with less energy has the units with a higher price."""
    random = np.random.default_rng(3)
    couplings: list[Coupling] = [
        (np.array([0, 1]), np.array([2, 3, 4]), random.uniform(0, 1, (2, 3))),
        (np.array([2, 3, 4]), np.array([5, 6]), random.uniform(0, 1, (3, 2))),
    ]
    droppable = np.array([True, True, True, True, True, True, False])
    found = prices(couplings, droppable)
    assert found[6] == 0
    ordered = np.sort(np.unique(found[droppable]))
    for price in [ordered[0] / 2, *(ordered[:-1] + ordered[1:]) / 2, ordered[-1] + 1]:
        stable = []
        for state in itertools.product((0, 1), repeat=UNITS):
            without = [(*state[:unit], 0, *state[unit + 1 :]) for unit in range(UNITS - 1) if state[unit]]
            whole = energy(state, couplings, price)
            if state[6] and all(energy(each, couplings, price) >= whole for each in without):
                stable.append(state)
        largest = max(stable, key=sum)
        np.testing.assert_array_equal(largest[:6], found[:6] > price)


def test_couplings_are_relative_to_their_layer() -> None:
    """A unit without weights goes first; multiplying the weights of a layer changes nothing."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(2)
    pixels = keras.Input((6, 6, 3), name="pixels")
    flow = layers.Conv2D(6, 3, name="one")(pixels)
    flow = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="other")(flow))
    network = keras.Model(pixels, layers.Dense(3, name="classifier")(flow))
    grouped = find_groups(network)
    groups = selected_groups(grouped, {"one", "other"})
    one = network.get_layer("one")
    kernel, bias = one.get_weights()
    kernel[..., 4] = 0
    one.set_weights([kernel, bias])
    candidates = Candidates(network, grouped, groups, batches=lambda: (), seed=0)
    scores = ising_scores(candidates)
    assert scores[groups[0].units].argmin() == 4
    one.set_weights([kernel * 100, bias])
    np.testing.assert_allclose(ising_scores(candidates), scores, rtol=1e-6)
