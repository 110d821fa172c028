"""Sequences as they are in .tflite files: weights of each kind, scales, indices, and other bytes."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def tensors(seed: int = 0, length: int = 3 << 10) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Yield arrays with a name each."""
    random = np.random.default_rng(seed)
    dense = random.laplace(0, 0.1, length)
    pruned = np.where(random.random(length) < 0.8, 0, dense)
    clustered = np.round(np.clip(dense, -0.4, 0.35) * 20) / 20
    for name, values in (("dense", dense), ("pruned", pruned), ("clustered", clustered)):
        for dtype in (np.float32, np.float16):
            yield f"{name} {np.dtype(dtype)}", values.astype(dtype)
        yield f"{name} int8", np.clip(np.round(values * 200), -127, 127).astype(np.int8)
    yield (
        "pruned and clustered int8",
        np.where(random.random(length) < 0.9, 0, np.round(clustered * 20)).astype(np.int8),
    )
    yield "zero point 128", (np.round(pruned * 100) + 128).astype(np.uint8)
    yield "constant", np.full(length, 7, np.int8)
    yield "biases", random.normal(0, 2000, length).astype(np.int32)
    yield "zero points", np.zeros(length, np.int64)
    yield "indices", np.sort(random.integers(0, 60_000, length)).astype(np.uint16)
    yield "random bytes", random.integers(0, 256, length, np.uint8)
    yield "one byte", np.array([9], np.uint8)
