"""How much of its time the default job trains: the stages of `edgepress demo`, which has few images.

1. Of the duration of the epochs, what is left without compiling.
2. Of all that the stages take, the same: loading, compiling, validating, saving and weighing are about the same for any
   number of images, so that larger data sets have larger shares.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from edgepress_common.artifacts import FolderStore
from edgepress_common.messages import Outputs, RunStep
from edgepress_common.plan import make_plan
from edgepress_common.results import StageResult, StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import StageStep, Step, StepKey
from edgepress_worker.environment import Environment
from edgepress_worker.methods.registry import RUNNERS
from edgepress_worker.run import run_step
from fakes.step_context import PlainContext
from figures import Figure

_LIMIT = 0.80


def measure() -> Iterator[Figure]:
    """The stages of the preset `quick`, in one process, as a worker runs them."""
    content = yaml.safe_load(files("edgepress_api.commands").joinpath("demo.yaml").read_text())
    plan = make_plan(JobSpec.model_validate(content), fingerprint="", devices=())
    for kind in {step.parameters.stage.kind for step in plan.steps if isinstance(step.parameters, StageStep)}:
        RUNNERS[kind]  # imported before anything is timed, as by a worker that waits
    done: dict[StepKey, tuple[Outputs, StepResult]] = {}
    trained = epochs = stages = 0.0
    details = []
    with tempfile.TemporaryDirectory() as folder:
        for step in (step for step in plan.steps if step.kind in {"pack", "stage"}):
            began = time.monotonic()
            done[step.key] = _run(step, done, Path(folder))
            seconds = time.monotonic() - began
            result = done[step.key][1]
            if isinstance(result, StageResult):
                of_epochs = sum(epoch.seconds for epoch in result.epochs)
                training = of_epochs - sum(epoch.compile_seconds for epoch in result.epochs)
                trained, epochs, stages = trained + training, epochs + of_epochs, stages + seconds
                details.append(f"{step.title} {training:.1f} of {of_epochs:.1f} of {seconds:.1f} s")
    share = trained / epochs
    name = "quick on digits: training / epochs with compiling"
    yield Figure(name, 100 * share, "%", f">= {100 * _LIMIT:g}", share >= _LIMIT, ", ".join(details))
    yield Figure("quick on digits: training / stages", 100 * trained / stages, "%", "", holds=True, detail="")


def _run(step: Step, done: dict[StepKey, tuple[Outputs, StepResult]], folder: Path) -> tuple[Outputs, StepResult]:
    context = PlainContext(folder / step.key)
    context.store = FolderStore(folder / "artifacts")
    message = RunStep(
        step_key=step.key,
        attempt=1,
        parameters=step.parameters,
        inputs={role: done[key][0] for role, key in step.inputs.items()},
        input_results={role: done[key][1] for role, key in step.inputs.items()},
    )
    return run_step(message, context, Environment(dataset_roots=(), downloads=folder))
