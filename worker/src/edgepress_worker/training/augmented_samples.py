"""Images as a training saw them: their pixels in its first epochs, made by the code that made its batches.

They are artifacts for people; no step reads them.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.messages import Outputs
from edgepress_common.results import AugmentedImage, AugmentedSamples
from edgepress_common.spec.training import Augmentation, Training
from edgepress_worker.context import StepContext
from edgepress_worker.pack import LabelledImages, Pack
from edgepress_worker.training.batches import batch_rows, training_batches

_MOST_IMAGES = 4
_MOST_EPOCHS = 4
_MOST_BYTES = 4 << 20  # four images in four epochs up to 295 x 295 pixels
_MEDIA_TYPE = "application/octet-stream"


def store_augmented_samples(
    pack: Pack, settings: Training, epochs: int, outputs: Outputs, context: StepContext
) -> AugmentedSamples | None:
    """Store augmented images as the artifact ``augmented_samples``, and describe them; None without augmentation.

    Args:
        pack: The data set.
        settings: Settings of the training.
        epochs: Number of epochs that were trained.
        outputs: Artifacts of the stage; changed in place.
        context: Context of the attempt.
    """
    if settings.augmentation == Augmentation():
        return None
    shown = min(epochs, _MOST_EPOCHS)
    most = max(1, _MOST_BYTES // (shown * pack.train.images[0].nbytes))
    _, first = np.unique(pack.train.labels, return_index=True)  # of each class
    rows = [int(row) for row in first[: min(most, _MOST_IMAGES)]]
    file = context.scratch / "augmented_samples.npy"
    np.save(file, augmented_images(pack.train, len(pack.classes), settings, rows, shown))
    outputs["augmented_samples"] = context.store.put_file(file, _MEDIA_TYPE, move=True)
    images = tuple(AugmentedImage(index=row, label=int(pack.train.labels[row])) for row in rows)
    return AugmentedSamples(images=images, epochs=shown)


def augmented_images(
    images: LabelledImages, classes: int, settings: Training, rows: list[int], epochs: int
) -> npt.NDArray[np.uint8]:
    """Return the pixels of images as the first epochs of a training see them.

    Args:
        images: The training images.
        classes: Number of classes.
        settings: Settings of the training.
        rows: Rows of the images.
        epochs: Number of epochs.

    Returns:
        uint8 ``(rows * epochs, side, side, 3)``: all epochs of the first image, then those of the second.
    """
    found = np.empty((len(rows), epochs, *images.images.shape[1:]), np.uint8)
    for epoch in range(epochs):
        batches = batch_rows(len(images), settings, epoch)
        numbers = [number for number, batch in enumerate(batches) if not set(rows).isdisjoint(batch.tolist())]
        seen = training_batches(images, classes, settings, epoch, only=numbers)
        for number, (pixels, *_) in zip(numbers, seen, strict=True):
            for place, row in enumerate(rows):
                if row in batches[number]:
                    found[place, epoch] = np.rint(pixels[np.searchsorted(batches[number], row)])
    return found.reshape(-1, *images.images.shape[1:])
