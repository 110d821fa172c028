"""Seconds an image of a timed pass and of a bare loop, in turn: ``timed_pass.py MODEL FOLDER`` prints both as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.latency import timed_pass
from edgepress_evaluator.validation_pack import ValidationPack
from figures import in_turn

_ROUNDS = 9

model, folder = map(Path, sys.argv[1:])
pack = ValidationPack.open(folder / "images.npy", folder / "labels.npy")
prepared = Classifier(model, threads=1).prepare(np.load(folder / "images.npy"))


def evaluate() -> None:
    """Run the timed pass of an evaluation."""
    timed_pass(
        model,
        pack,
        threads=1,
        warmup_runs=1,
        inferences=len(prepared),
        advance=lambda _: None,
        should_stop=lambda: False,
    )


def loop() -> None:
    """The least that can be done."""
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    for image in prepared:
        interpreter.set_tensor(source, image)
        interpreter.invoke()
        interpreter.get_tensor(target)


print(json.dumps([seconds / len(prepared) for seconds in in_turn(evaluate, loop, rounds=_ROUNDS)]))  # noqa: T201
