"""Cost of packing in addition to decoding: packing JPEGs against decoding them in as many processes."""

from __future__ import annotations

import io
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from edgepress_common.spec import FolderDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.datasets.decoding import FileImage, decode
from edgepress_worker.environment import Environment
from fakes.step_context import PlainContext
from figures import Figure, in_turn

_IMAGES = 8000
_STORED_SIDE = 160
_PACKED_SIDE = 96
_LIMIT = 1.5  # starting decoders, hashing and flushing to disk come on top of decoding; less on larger sets


def measure() -> list[Figure]:
    """Photograph-like images of two classes: smooth colours with some noise, as JPEG."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _write_images(folder / "images")
        dataset = FolderDataset(path=str(folder / "images"), image_size=_PACKED_SIDE)
        environment = Environment(dataset_roots=(folder,), downloads=folder)
        processors = len(os.sched_getaffinity(0))
        with ProcessPoolExecutor(processors) as pool:

            def pack() -> None:
                pack_dataset(dataset, PlainContext(folder / "work"), environment)

            def decode_only() -> None:
                for _ in pool.map(_decode_all, _shares(paths, processors * 8)):
                    pass

            packing, decoding = in_turn(pack, decode_only, rounds=3)
    ratio = packing / decoding
    detail = f"{_IMAGES / packing:.0f} images/s packed, {_IMAGES / decoding:.0f} only decoded, {processors} processors"
    return [Figure("packing / bare decoding, all processors", ratio, "x", f"<= {_LIMIT:g}", ratio <= _LIMIT, detail)]


def _decode_all(paths: list[str]) -> int:
    return sum(len(decode(FileImage(path), _PACKED_SIDE).tobytes()) for path in paths)


def _shares(paths: list[str], count: int) -> list[list[str]]:
    return [paths[start::count] for start in range(count)]


def _write_images(folder: Path) -> list[str]:
    random = np.random.default_rng(0)
    paths = []
    for number in range(_IMAGES):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((_STORED_SIDE, _STORED_SIDE), Image.Resampling.BICUBIC), dtype=np.int16)
        noisy = np.clip(smooth + random.integers(-12, 13, smooth.shape), 0, 255).astype(np.uint8)
        content = io.BytesIO()
        Image.fromarray(noisy).save(content, "JPEG", quality=90)
        path = folder / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.getvalue())
        paths.append(str(path))
    return paths
