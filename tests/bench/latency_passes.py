"""Prints the latency of all .tflite files of a folder as JSON: ``python latency_passes.py FOLDER PASSES``.

The files are measured in turn, in short passes. The pass with the lowest median counts: other programs only ever add
time. It runs in a process without TensorFlow, as on a device.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from edgepress_evaluator.measure.latency import timed_pass
from edgepress_evaluator.validation_pack import ValidationPack

_INFERENCES, _WARMUP, _IMAGES = 3, 2, 16  # a long pass is always disturbed on a machine with other work


def main(folder: Path, passes: int) -> None:
    """Measure the files; their names begin with the side of their images."""
    files = sorted(folder.glob("*.tflite"))
    found: dict[str, list[float]] = {file.stem: [] for file in files}
    for _ in range(passes):
        for file in files:
            timed = timed_pass(
                file,
                _pack(folder, int(file.stem.split()[0])),
                threads=1,
                warmup_runs=_WARMUP,
                inferences=_INFERENCES,
                advance=lambda _: None,
                should_stop=lambda: False,
            )
            found[file.stem].append(float(np.median(timed.latencies_ms)))
    json.dump({name: min(medians) for name, medians in found.items()}, sys.stdout)


def _pack(folder: Path, side: int) -> ValidationPack:
    images, labels = folder / f"images-{side}.npy", folder / "labels.npy"
    if not images.exists():
        random = np.random.default_rng(0)
        np.save(images, random.integers(0, 256, (_IMAGES, side, side, 3), dtype=np.uint8))
        np.save(labels, np.zeros(_IMAGES, np.int64))
    return ValidationPack.open(images, labels)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
