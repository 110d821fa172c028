"""Selects and sorts images by what a file answers for them, alone or compared with another file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgepress_api.images.answers import Answers
from edgepress_api.images.queries import ErrorQuery, class_index
from edgepress_common.answers.file_errors import ErrorImage


@dataclass(frozen=True)
class Selected:
    """The images that a query selects.

    Attributes:
        file: Answers of the file.
        other: Answers of the other file; None without one, for the selection ``wrong`` alone.
        query: The query.
    """

    file: Answers
    other: Answers | None
    query: ErrorQuery

    def members(self) -> Iterator[int]:
        """Yield the selected images of all classes."""
        for index in range(len(self.file.labels)):
            if self.other is None:
                if not self.file.is_right(index):
                    yield index
            elif self._is_selected(index, self.other):
                yield index

    def _is_selected(self, index: int, other: Answers) -> bool:
        is_right, is_other_right = self.file.is_right(index), other.is_right(index)
        match self.query.selection:
            case "wrong":
                return not is_right
            case "lost":
                return not is_right and is_other_right
            case "gained":
                return is_right and not is_other_right
            case "differs":
                answers = {self.file.predicted(index), other.predicted(index)} - {None}
                return is_right != is_other_right or len(answers) > 1

    def of_classes(self, classes: Sequence[str]) -> list[int]:
        """Return the selected images of the asked classes, the surest wrong answer first."""
        true_class = class_index(classes, "true_class", self.query.true_class)
        predicted = class_index(classes, "predicted_class", self.query.predicted_class)
        found = [
            index
            for index in self.members()
            if true_class in {None, self.file.labels[index]} and predicted in {None, self.file.predicted(index)}
        ]
        return sorted(found, key=lambda index: (-self._surest(index), index))

    def _surest(self, index: int) -> float:
        """Return the score of the wrong answer: of the file, or of the other file where the file is right."""
        score = self.file.answer(index).score
        if score is None and self.other is not None:
            score = self.other.answer(index).score
        return score or 0.0

    def image(self, index: int) -> ErrorImage:
        """Return an image with what the files answer for it."""
        return ErrorImage(
            index=index,
            label=self.file.labels[index],
            file=self.file.answer(index),
            other=None if self.other is None else self.other.answer(index),
        )
