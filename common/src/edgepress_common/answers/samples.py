"""A data set as networks see it: classes, warnings and sample images."""

from typing import Literal

from edgepress_common.answers.report.records import DatasetSummary
from edgepress_common.frozen import Message, added_field

PackSplit = Literal["train", "validation", "test"]


class SampleImage(Message):
    """An image of a split: ``/v1/artifacts/{images_sha256}/images/{index}`` has its pixels.

    Attributes:
        index: Row in the artifact.
        label: Index of its class.
    """

    index: int
    label: int


class FolderCount(Message):
    """A folder of an archive.

    Attributes:
        folder: Path in the archive.
        images: Number of files directly in it that may be images, by their names.
    """

    folder: str
    images: int


class AugmentedRow(Message):
    """A training image, and the augmented versions of it.

    Attributes:
        index: Row in the artifact with the images as they are.
        label: Index of its class.
        rows: Rows in the artifact with the augmented images, one for each epoch.
    """

    index: int
    label: int
    rows: tuple[int, ...]


class AugmentedView(Message):
    """Images as a job's training saw them: ``/v1/artifacts/{sha256}/images/{row}`` has the pixels.

    Attributes:
        images_sha256: Artifact with the augmented images.
        originals_sha256: Artifact with the images as they are.
        epochs: Number of epochs that are shown, from the first.
        words: What was drawn, in sentences.
        images: The images.
    """

    images_sha256: str
    originals_sha256: str
    epochs: int
    words: str
    images: tuple[AugmentedRow, ...]


class Samples(Message):
    """A data set, before and after it is packed.

    Attributes:
        job: Id of the job whose pack this is; None until a job has packed the data set.
        dataset: Classes, counts and findings; None until the data set is packed.
        warnings: What to look at before trusting a result, in full sentences, the most serious first.
        folders: Folders of an uploaded archive that is not packed yet, at most 200; empty otherwise.
        note: Why there are no images, or which are not shown, in words.
        split: Split of the images.
        splits: Splits whose images can be shown now.
        images_sha256: Artifact that contains the images of the split; None until the data set is packed.
        total: Number of images of the split, or of the class that was asked for.
        images: The images of this page: of all classes in turn, or of the class that was asked for.
        next_page_token: The token of the next page; None on the last page.
        augmented: Augmented images of a job whose training has augmentation, once it has trained; None otherwise.
    """

    job: str | None
    dataset: DatasetSummary | None
    warnings: tuple[str, ...] = ()
    folders: tuple[FolderCount, ...] = ()
    note: str | None = None
    split: PackSplit = "train"
    splits: tuple[PackSplit, ...] = ()
    images_sha256: str | None = None
    total: int = 0
    images: tuple[SampleImage, ...] = ()
    next_page_token: str | None = None
    augmented: AugmentedView | None = added_field(None)
