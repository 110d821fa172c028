"""Predictions of a model for the images of a split, with the scores that explain errors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.results import WrongImages

_MOST_WRONG = 20_000  # half a megabyte of JSON; a file that is wrong more often is of no use
_DIGITS = 4  # the scores of an int8 file are multiples of 1/256


@dataclass(frozen=True)
class Predictions:
    """The predicted class of each image, and the two scores that explain an error.

    Attributes:
        classes: int64 ``(n,)``, the class with the highest score.
        scores: float32 ``(n, 2)``, the score of that class, and the score of the true class.
    """

    classes: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]

    def first(self, count: int) -> "Predictions":
        """Return the predictions for the first ``count`` images."""
        return Predictions(self.classes[:count], self.scores[:count])

    def wrong_images(self, labels: npt.NDArray[np.int64]) -> WrongImages | None:
        """Return what the wrongly classified images are taken for; None if these are too many to send.

        Args:
            labels: True class of each image, int64 ``(n,)``.
        """
        wrong = np.flatnonzero(self.classes != labels)
        if len(wrong) > _MOST_WRONG:
            return None
        # A network of a user may have outputs that are not probabilities.
        scores = np.clip(np.nan_to_num(self.scores[wrong].astype(np.float64)), 0, 1).round(_DIGITS)
        return WrongImages(
            predicted=tuple(self.classes[wrong].tolist()),
            scores=tuple(scores[:, 0].tolist()),
            true_scores=tuple(scores[:, 1].tolist()),
        )
