"""Images of four classes that are mostly distinguishable: noise, with one channel, or none, a little brighter."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

CLASSES = ("blue", "green", "grey", "red")
SIDE = 32
_BRIGHT_CHANNEL = {"red": 0, "green": 1, "blue": 2}
_BRIGHTER_BY = 3  # of 255, under noise of 128: little enough that a small network makes mistakes


def tiny_images(count: int, seed: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images and their labels, the same ones on every machine.

    Returns:
        uint8 ``(count, 32, 32, 3)``, and int64 ``(count,)`` with the classes in turn.
    """
    random = np.random.default_rng(seed)
    images = random.integers(0, 128, (count, SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    for image, label in zip(images, labels, strict=True):
        channel = _BRIGHT_CHANNEL.get(CLASSES[label])
        if channel is not None:
            image[..., channel] += np.uint8(_BRIGHTER_BY)
    return images, labels


def write_pack(folder: Path, count: int, seed: int = 0) -> tuple[Path, Path]:
    """Writes `tiny_images` as the two .npy files of a validation pack."""
    images, labels = tiny_images(count, seed)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    return folder / "images.npy", folder / "labels.npy"
