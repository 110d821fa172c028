"""Early stopping of a training, and the weights that it keeps."""

import pytest

from edgepress_common.results import Epoch
from edgepress_common.spec.training import EarlyStopping
from edgepress_worker.training.early_stopping import best_epoch, should_stop


def _history(*val_losses: float) -> list[Epoch]:
    return [
        Epoch(
            epoch=number,
            loss=1,
            accuracy=0.5,
            val_loss=val_loss,
            val_accuracy=1 - val_loss,
            learning_rate=0.1,
            seconds=1,
        )
        for number, val_loss in enumerate(val_losses, 1)
    ]


@pytest.mark.parametrize(
    ("val_losses", "min_delta", "best"),
    [
        ([0.5], 0.0, 0),
        ([0.5, 0.4, 0.3], 0.0, 2),
        ([0.5, 0.3, 0.4], 0.0, 1),
        ([0.5, 0.3, 0.3], 0.0, 1),
        ([0.5, 0.45, 0.41], 0.1, 0),
        ([0.5, 0.45, 0.35], 0.1, 2),
    ],
)
@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_best_epoch(monitor: str, val_losses: list[float], min_delta: float, best: int) -> None:
    """The best is the last that improved by more than min_delta, the earlier of two equal ones."""
    settings = EarlyStopping.model_validate({"monitor": monitor, "min_delta": min_delta})
    assert best_epoch(_history(*val_losses), settings) == best


@pytest.mark.parametrize(
    ("val_losses", "stops"),
    [
        ([], False),
        ([0.5], False),
        ([0.5, 0.6], False),
        ([0.5, 0.6, 0.7], True),
        ([0.5, 0.6, 0.4], False),
        ([0.5, 0.6, 0.4, 0.5, 0.6], True),
    ],
)
def test_stops_after_so_many_epochs_without_improvement(val_losses: list[float], stops: bool) -> None:
    """Two epochs of patience: the second without improvement is the last."""
    assert should_stop(_history(*val_losses), EarlyStopping(patience=2)) == stops
