"""BatchNorm's momentum."""

from typing import Literal

import pytest

from edgepress_worker.keras_environment import keras
from edgepress_worker.training.batch_norm import momentum_for, set_momentum


@pytest.mark.parametrize(
    ("asked", "steps", "momentum"),
    [("auto", 1, 0), ("auto", 5, 0), ("auto", 50, 0.9), ("auto", 500, 0.99), ("auto", 5000, 0.99), (0.5, 5000, 0.5)],
)
def test_momentum(asked: float | Literal["auto"], steps: int, momentum: float) -> None:
    """Auto averages over a fifth of an epoch, and at most a hundred steps; a number is used unchanged."""
    assert momentum_for(asked, steps) == pytest.approx(momentum)


def test_every_batch_norm_gets_it() -> None:
    """Layers inside a nested model have it too."""
    inner = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    model = keras.Sequential([keras.Input((4,)), inner, keras.layers.BatchNormalization()])
    set_momentum(model, 0.25)
    assert [layer.momentum for layer in (inner.layers[0], model.layers[-1])] == [0.25, 0.25]
