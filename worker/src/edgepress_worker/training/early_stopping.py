"""Early stopping and the best epoch, as functions of the history alone, so that resuming has no effect."""

from collections.abc import Sequence

from edgepress_common.results import Epoch
from edgepress_common.spec.training import EarlyStopping


def best_epoch(history: Sequence[Epoch], settings: EarlyStopping) -> int:
    """Return the index in the history of the last epoch that improved on all before by more than ``min_delta``."""
    badness = [_badness(epoch, settings) for epoch in history]
    best = 0
    for position, value in enumerate(badness):
        if value < badness[best] - settings.min_delta:
            best = position
    return best


def should_stop(history: Sequence[Epoch], settings: EarlyStopping) -> bool:
    """Return whether the last ``patience`` epochs brought no improvement."""
    return bool(history) and len(history) - 1 - best_epoch(history, settings) >= settings.patience


def _badness(epoch: Epoch, settings: EarlyStopping) -> float:
    return epoch.val_loss if settings.monitor == "val_loss" else -epoch.val_accuracy
