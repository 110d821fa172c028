"""Small image files in class folders, the same ones on every machine."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

_SIDE = 24


def photograph(seed: int, side: int = _SIDE) -> Image.Image:
    """An RGB image with edges and shades: blocks of random colours under a gradient."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 200, (4, 4, 3), dtype=np.uint8).repeat(-(-side // 4), axis=0).repeat(-(-side // 4), 1)
    gradient = np.linspace(0, 55, side, dtype=np.uint8)[:, np.newaxis, np.newaxis]
    return Image.fromarray(blocks[:side, :side] + gradient)


def write_class_folders(root: Path, counts: Mapping[str, int], *, suffix: str = ".png", seed: int = 0) -> Path:
    """Writes so many images of each class to ``<root>/<class>/<number><suffix>``; returns the root."""
    for label, (name, count) in enumerate(counts.items()):
        folder = root / name
        folder.mkdir(parents=True)
        for index in range(count):
            photograph(seed + 1000 * label + index).save(folder / f"{index:03}{suffix}")
    return root
