"""The images that a file classifies wrongly, or otherwise than another file."""

from typing import Literal

from edgepress_common.figures.figure import Split
from edgepress_common.frozen import MaybeUnknown, Message
from edgepress_common.spec import ExportKind

Selection = Literal["wrong", "differs", "lost", "gained"]
"""``wrong``: the file is wrong. ``differs``: the two files answer differently. ``lost``: the other file is right, this
one is wrong. ``gained``: this file is right, the other one is wrong."""


class MeasuredFile(Message):
    """A file of a job.

    Attributes:
        pipeline: Name of the pipeline.
        export: Kind of the export.
        options: Options of the export, as in the row of the report.
        model_sha256: SHA-256 of the file.
    """

    pipeline: str
    export: MaybeUnknown[ExportKind]
    options: str
    model_sha256: str

    @property
    def name(self) -> str:
        """Name of the file: ``PCQAT int8``."""
        return f"{self.pipeline} {self.export}" + (f" ({self.options})" if self.options else "")


class ImageAnswer(Message):
    """The answer of a file for an image.

    Attributes:
        predicted: Index of the predicted class; None if the evaluator has not reported it.
        score: Score of that class, 0 to 1; None where the answer is right, or if it is not reported.
        true_score: Score of the true class; None where the answer is right, or if it is not reported.
    """

    predicted: int | None
    score: float | None = None
    true_score: float | None = None


class ErrorImage(Message):
    """An image: ``/v1/artifacts/{images_sha256}/images/{index}`` has its pixels.

    Attributes:
        index: Row in the artifact.
        label: Index of its true class.
        file: What the file answers.
        other: What the other file answers; None without another file.
    """

    index: int
    label: int
    file: ImageAnswer
    other: ImageAnswer | None = None


class FileErrors(Message):
    """A page of images by what a file answers, the surest wrong answers first.

    Attributes:
        file: The file.
        device: Device that has classified the images.
        devices: Devices that have classified them, of which one can be asked for.
        against: The file that it is compared with; None if there is none.
        others: Files that it can be compared with: measured on the same device with the same images.
        split: Split of the images.
        splits: Splits that can be shown now.
        note: What has to be known about the split or the images, in words; empty if nothing.
        selection: Which images are selected.
        classes: Names of the classes, in the order of their indices.
        confusion: ``confusion[true][predicted]`` of the file on the split, counts.
        images_sha256: Artifact that contains the images of the split.
        by_class: Number of selected images of each true class, before a class is asked for.
        total: Number of selected images, of the classes that were asked for.
        images: The images of this page.
        next_page_token: The token of the next page; None on the last page.
    """

    file: MeasuredFile
    device: str
    devices: tuple[str, ...]
    against: MeasuredFile | None
    others: tuple[MeasuredFile, ...]
    split: Split
    splits: tuple[Split, ...]
    note: str
    selection: Selection
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    images_sha256: str
    by_class: tuple[int, ...]
    total: int
    images: tuple[ErrorImage, ...]
    next_page_token: str | None
