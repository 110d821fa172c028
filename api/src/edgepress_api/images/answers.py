"""The answers of a file for the images of a split, from the result of its evaluation."""

import base64
from array import array
from dataclasses import dataclass
from typing import Self

from edgepress_common.answers.file_errors import ImageAnswer
from edgepress_common.errors import NotFoundError
from edgepress_common.results import SplitResult


@dataclass(frozen=True)
class Answers:
    """The answers of a file for the images of a split.

    Attributes:
        labels: True class of each image.
        is_reported: Whether the evaluator has reported what wrong images are taken for.
    """

    labels: "array[int]"
    is_reported: bool
    _right: str
    _wrong: dict[int, ImageAnswer]

    @classmethod
    def of(cls, result: SplitResult | None, labels: "array[int]") -> Self:
        """Return the answers of an evaluation.

        Args:
            result: The figures of the split.
            labels: True class of each image.

        Raises:
            NotFoundError: The evaluator has not reported which images are right.
        """
        if result is None or result.right_images is None:
            raise NotFoundError(
                "the evaluator was too old to report which images the file classifies correctly; accepted: a file that "
                "has been measured by a newer one"
            )
        # The first image is the highest of the bits; see `SplitResult`.
        right = f"{int.from_bytes(base64.b64decode(result.right_images)):0{len(labels)}b}"
        found = result.wrong_images
        if found is None:
            return cls(labels, False, right, {})
        indices = (index for index, bit in enumerate(right) if bit == "0")
        answers = zip(indices, found.predicted, found.scores, found.true_scores, strict=True)
        wrong = {
            index: ImageAnswer(predicted=predicted, score=score, true_score=true_score)
            for index, predicted, score, true_score in answers
        }
        return cls(labels, True, right, wrong)

    def is_right(self, index: int) -> bool:
        """Return whether an image is classified correctly."""
        return self._right[index] == "1"

    def predicted(self, index: int) -> int | None:
        """Return the predicted class of an image; None if it is wrong and not reported."""
        if self.is_right(index):
            return self.labels[index]
        found = self._wrong.get(index)
        return None if found is None else found.predicted

    def answer(self, index: int) -> ImageAnswer:
        """Return the answer for an image."""
        if self.is_right(index):
            return ImageAnswer(predicted=self.labels[index])
        return self._wrong.get(index, ImageAnswer(predicted=None))
