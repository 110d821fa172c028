"""What an evaluation adds to the inferences it times: a timed pass against a bare loop over the interpreter."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgepress_evaluator.measure.latency import timed_pass
from edgepress_evaluator.validation_pack import ValidationPack
from figures import Figure, in_turn

_MODEL = Path(__file__).parents[1] / "fakes" / "models" / "tiny_float32.tflite"
_IMAGES = 2000
_LIMIT = 1.05


def measure() -> list[Figure]:
    """A tiny network, where the overhead shows most."""
    with tempfile.TemporaryDirectory() as name:
        images, labels = Path(name) / "images.npy", Path(name) / "labels.npy"
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (_IMAGES, 32, 32, 3), dtype=np.uint8)
        np.save(images, pixels)
        np.save(labels, np.zeros(_IMAGES, np.int64))
        pack = ValidationPack.open(images, labels)
        prepared = pixels.astype(np.float32)[:, np.newaxis]

        def bare() -> None:
            interpreter = Interpreter(model_path=str(_MODEL), num_threads=1)
            interpreter.allocate_tensors()
            source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
            for image in prepared:
                interpreter.set_tensor(source, image)
                interpreter.invoke()
                interpreter.get_tensor(target)

        def whole() -> None:
            timed_pass(
                _MODEL,
                pack,
                threads=1,
                warmup_runs=1,
                inferences=_IMAGES,
                advance=lambda _: None,
                should_stop=lambda: False,
            )

        evaluating, looping = in_turn(whole, bare, rounds=7)
    ratio = evaluating / looping
    detail = f"{evaluating / _IMAGES * 1e6:.0f} us an image, {looping / _IMAGES * 1e6:.0f} in the bare loop"
    return [Figure("evaluation / bare interpreter loop", ratio, "x", f"<= {_LIMIT:g}", ratio <= _LIMIT, detail)]
