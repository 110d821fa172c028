"""Medians of repeated measurements of a file, and seconds of a calibration: ``repeated_runs.py MODEL FOLDER``, JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from edgepress_common.steps import EvaluationStep
from edgepress_evaluator.measure.calibration import KeptCeilings
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.timing import Timing, time_model
from edgepress_evaluator.progress import ProgressMeter
from edgepress_evaluator.validation_pack import ValidationPack

_RUNS = 7

model, folder = map(Path, sys.argv[1:])
pack = ValidationPack.open(folder / "images.npy", folder / "labels.npy")
parameters = EvaluationStep(device="any", threads=(1,), warmup_runs=10, runs=50, full_pass=True)


def timed() -> Timing:
    """Time the file as an evaluation does."""
    meter = ProgressMeter(len(pack), lambda _: None)
    return time_model(
        model, pack, parameters=parameters, device=Device("bench"), meter=meter, should_stop=lambda: False
    )


started = time.perf_counter()
KeptCeilings(None).of(1, lambda: False)
seconds = time.perf_counter() - started
runs = [timed() for _ in range(_RUNS)]
medians = [float(np.median(each.passes[0].latencies_ms)) for each in runs]
references = [each.reference_ms for each in runs]
print(json.dumps({"seconds": seconds, "medians_ms": medians, "references_ms": references}))  # noqa: T201
