"""Cached teacher predictions for the training images.

Without rotation, changes of colour and mixing, an augmented image is always one of few mirror images. The teacher
therefore predicts each of them once before the training instead of in every epoch. Otherwise, or with more mirror
images than epochs, the cache would need more predictions than it saves.

Predictions are written to a file that is renamed when it is complete; the next attempt uses the complete file or starts
again. A full disk raises an `OSError`. The training uses a memory map of the file, so that the data set can have any
size.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.messages import Progress
from edgepress_common.spec.training import Training
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.augmentation import apply_transforms, has_few_images, mirror_images
from edgepress_worker.training.batches import validation_batches

_FILE = "teacher.npy"

Logits = npt.NDArray[np.float32]


def can_be_asked_once(settings: Training) -> bool:
    """Return whether to cache teacher predictions before the training."""
    augmentation = settings.augmentation
    return has_few_images(augmentation) and len(mirror_images(augmentation)) <= settings.epochs


def answers(
    load_teacher: Callable[[], keras.Model], images: LabelledImages, settings: Training, context: StepContext
) -> Logits:
    """Return the teacher's logits for each image and mirror image.

    Args:
        load_teacher: Function that returns the teacher, a model from pixels to logits; called only if no cache exists.
        images: The training images.
        settings: Training settings with the augmentation, without rotation, and the batch size.
        context: Context of the attempt. The cache is under ``scratch``.

    Returns:
        float32 ``(mirror images, images, classes)``, mapped from the file.

    Raises:
        StepCancelledError: The step is cancelled; no predictions are kept.
    """
    file = context.scratch / _FILE
    if not file.exists():
        teacher = load_teacher()
        shape = (len(mirror_images(settings.augmentation)), len(images), teacher.output_shape[-1])
        _write(file, shape, _asked(teacher, images, settings, context))
    return np.load(file, mmap_mode="r")


def _asked(teacher: keras.Model, images: LabelledImages, settings: Training, context: StepContext) -> Iterator[Logits]:
    """Yield the logits in batches, for one mirror image after the other."""
    transforms = mirror_images(settings.augmentation).transforms(images.images.shape[1])

    @tf.function(reduce_retracing=True)  # the last batch is smaller
    def ask(pixels: tf.Tensor, transform: tf.Tensor) -> tf.Tensor:
        return teacher(apply_transforms(pixels, transform), training=False)

    done, total = 0, len(transforms) * len(images)
    for transform in transforms[:, None]:
        for pixels, _ in validation_batches(images, 1, settings.batch_size):
            context.raise_if_cancelled()
            logits = ask(pixels, transform).numpy()
            done += len(logits)
            # The progress stays 0, because it counts epochs; the message shows the predicted images.
            context.report(Progress(fraction=0.0, message=f"teacher: {done} of {total} images"))
            yield logits


def _write(path: Path, shape: tuple[int, ...], parts: Iterator[Logits]) -> None:
    incoming = path.with_suffix(".incoming")
    with incoming.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(part.astype("<f4", copy=False).tobytes())
        file.flush()
        os.fsync(file.fileno())  # before the rename; otherwise, a power failure could leave an incomplete file
    incoming.replace(path)
