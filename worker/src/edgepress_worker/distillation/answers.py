"""What the teacher says of the training images, asked once and kept.

An image that is not turned is one of few mirror images of itself, every time. So the teacher is asked of each of them
before the training, rather than in every epoch; where images are turned, or there are more mirror images than epochs,
that would ask more often.

Answers are written as they come, to a file that gets its name once it is whole: the next attempt finds it, or asks
again. A full disk is an `OSError`, and what is trained from is a map of the file: no set is too large.
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
from edgepress_worker.training.augmentation import apply_transforms, mirror_images
from edgepress_worker.training.batches import validation_batches

_FILE = "teacher.npy"

Logits = npt.NDArray[np.float32]


def can_be_asked_once(settings: Training) -> bool:
    """Whether to ask the teacher before the training, rather than in its every step."""
    augmentation = settings.augmentation
    return augmentation.rotation_degrees == 0 and len(mirror_images(augmentation)) <= settings.epochs


def answers(
    load_teacher: Callable[[], keras.Model], images: LabelledImages, settings: Training, context: StepContext
) -> Logits:
    """The teacher's logits for each image and mirror image.

    Args:
        load_teacher: Gives the teacher, a model from pixels to logits; called only if it has to be asked.
        images: The training images.
        settings: Their augmentation, without rotation, and how many of them to show at once.
        context: Keeps the answers under ``scratch``; reports; may cancel.

    Returns:
        float32 ``(mirror images, images, classes)``, mapped from the file.

    Raises:
        StepCancelledError: The step is to stop; nothing is kept.
    """
    file = context.scratch / _FILE
    if not file.exists():
        teacher = load_teacher()
        shape = (len(mirror_images(settings.augmentation)), len(images), teacher.output_shape[-1])
        _write(file, shape, _asked(teacher, images, settings, context))
    return np.load(file, mmap_mode="r")


def _asked(teacher: keras.Model, images: LabelledImages, settings: Training, context: StepContext) -> Iterator[Logits]:
    """Batch after batch of one mirror image after the other."""
    transforms = mirror_images(settings.augmentation).transforms(images.images.shape[1])

    @tf.function(reduce_retracing=True)  # the last batch is smaller than the others
    def ask(pixels: tf.Tensor, transform: tf.Tensor) -> tf.Tensor:
        return teacher(apply_transforms(pixels, transform), training=False)

    done, total = 0, len(transforms) * len(images)
    for transform in transforms[:, None]:
        for pixels, _ in validation_batches(images, 1, settings.batch_size):
            context.raise_if_cancelled()
            logits = ask(pixels, transform).numpy()
            done += len(logits)
            # Of the step nothing is done yet, as it is counted in epochs; what is going on is said in words.
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
        os.fsync(file.fileno())  # before the renaming, or a power cut could leave the name without the bytes
    incoming.replace(path)
