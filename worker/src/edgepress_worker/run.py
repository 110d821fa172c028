"""Carries out one step: picks who does it by its kind, and hands over the inputs as files.

Heavy libraries are imported by the branch that needs them: packing a data set never waits for TensorFlow.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from edgepress_common.errors import StepFailedError
from edgepress_common.messages import Outputs, RunStep
from edgepress_common.promises import LayerPromise
from edgepress_common.results import PackResult, StageResult, StepResult
from edgepress_common.steps import EvaluationStep, ExportStep, PackStep, StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.pack import Pack


@dataclass(frozen=True)
class Environment:
    """What a worker knows of its machine that steps need.

    Attributes:
        dataset_roots: Folders that data sets on the server may lie under.
        downloads: Where downloaded sets and weights are kept.
    """

    dataset_roots: tuple[Path, ...]
    downloads: Path


def run_step(step: RunStep, context: StepContext, environment: Environment) -> tuple[Outputs, StepResult]:
    """Does the work of a step.

    Returns:
        Its artifacts, put into the context's store, and what it found.

    Raises:
        EdgepressError: The work can't be done; see `edgepress_common.errors`.
    """
    match step.parameters:
        case PackStep() as parameters:
            from edgepress_worker.datasets import pack_dataset  # noqa: PLC0415

            return pack_dataset(parameters.dataset, context, environment, fingerprint=parameters.fingerprint)
        case StageStep() as parameters:
            from edgepress_worker.methods import Material, run_stage  # noqa: PLC0415

            material = Material(
                pack=_pack(step, context),
                source=_model(step, context),
                downloads=environment.downloads,
                promises=_promises(step),
            )
            return run_stage(parameters, material, context)
        case ExportStep() as parameters:
            from edgepress_worker.exports import Source, run_export  # noqa: PLC0415

            model = _model(step, context)
            assert model is not None
            return run_export(parameters, _pack(step, context), Source(model, _promises(step)), context)
        case EvaluationStep():
            raise StepFailedError("an evaluation was sent to a worker; devices fetch theirs from the gateway")
        case _ as unknown:
            assert_never(unknown)


def load_ahead() -> None:
    """Begins to load what stages and exports need, which takes seconds: a process that waits for a step has them."""

    def load() -> None:
        import edgepress_worker.exports  # noqa: PLC0415
        import edgepress_worker.methods  # noqa: F401, PLC0415

    threading.Thread(target=load, name="load-ahead", daemon=True).start()


def _pack(step: RunStep, context: StepContext) -> Pack:
    result = step.input_results["pack"]
    assert isinstance(result, PackResult)
    return Pack.open(step.inputs["pack"], result, context.store)


def _model(step: RunStep, context: StepContext) -> Path | None:
    outputs = step.inputs.get("model") or step.inputs.get("teacher")
    return None if outputs is None else context.store.local_path(outputs["model"].sha256)


def _promises(step: RunStep) -> tuple[LayerPromise, ...]:
    result = step.input_results.get("model")
    return result.promises if isinstance(result, StageResult) else ()
