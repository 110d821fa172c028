"""Runs one step: selects the implementation by its kind, and provides the inputs as files.

Each branch imports the libraries that it needs: packing a data set never imports TensorFlow.
"""

import os
import threading
from pathlib import Path
from typing import assert_never

from edgepress_common.errors import StepFailedError
from edgepress_common.messages import Outputs, RunStep
from edgepress_common.promises import LayerPromise, ShapePromise
from edgepress_common.results import PackResult, StageResult, StepResult
from edgepress_common.software import installed_software
from edgepress_common.spec import METHODS
from edgepress_common.steps import TEACHERS, EvaluationStep, ExportStep, PackStep, Role, StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.environment import Environment
from edgepress_worker.pack import Pack
from edgepress_worker.runtime.accelerators import COMPUTES_ON

# The libraries that pixels, weights and files depend on.
_LIBRARIES = ("numpy", "pillow", "scikit-learn", "tensorflow", "tf-keras", "tensorflow-model-optimization")

# Held while modules for stages and exports are imported: they import one another, and where two threads wait for each
# other's, Python gives one of them a module that is only half there.
IMPORTING = threading.Lock()


def run_step(step: RunStep, context: StepContext, environment: Environment) -> tuple[Outputs, StepResult]:
    """Do the work of a step.

    Returns:
        Its artifacts, in the context's store, and its result, which names the software that made it.

    Raises:
        EdgepressError: The step failed; see `edgepress_common.errors`.
    """
    outputs, result = _run(step, context, environment)
    software = installed_software(*_LIBRARIES, computes_on=os.environ.get(COMPUTES_ON))
    return outputs, result.model_copy(update={"software": software})


def _run(step: RunStep, context: StepContext, environment: Environment) -> tuple[Outputs, StepResult]:
    match step.parameters:
        case PackStep() as parameters:
            from edgepress_worker.datasets import pack_dataset  # noqa: PLC0415

            return pack_dataset(
                parameters.dataset,
                context,
                environment,
                fingerprint=parameters.fingerprint,
                most_bytes=step.most_bytes,
            )
        case StageStep() as parameters:
            with IMPORTING:
                from edgepress_worker.methods import Material, run_stage  # noqa: PLC0415

            material = Material(
                pack=_pack(step, context),
                source=_file(step, "model", context) if "model" in step.inputs else None,
                downloads=environment.downloads,
                promises=_promises(step),
                shape=_shape(step),
                teachers=tuple(_file(step, role, context) for role in TEACHERS if role in step.inputs),
            )
            return run_stage(parameters, material, context)
        case ExportStep() as parameters:
            with IMPORTING:
                from edgepress_worker.exports import StoredNetwork, run_export  # noqa: PLC0415

            network = StoredNetwork(_file(step, "model", context), _promises(step), _shape(step))
            return run_export(parameters, _pack(step, context), network, context)
        case EvaluationStep():
            raise StepFailedError("an evaluation was sent to a worker; devices lease evaluations from the gateway")
        case _ as unknown:
            assert_never(unknown)


def load_ahead() -> None:
    """Start importing the modules for stages and exports, which takes seconds, while the process waits for a step."""

    def load() -> None:
        with IMPORTING:
            import edgepress_worker.exports  # noqa: F401, PLC0415
            from edgepress_worker.methods.registry import RUNNERS  # noqa: PLC0415

            for kind in METHODS:  # TensorFlow Model Optimization takes seconds to import
                RUNNERS[kind]

    threading.Thread(target=load, name="load-ahead", daemon=True).start()


def _pack(step: RunStep, context: StepContext) -> Pack:
    result = step.input_results["pack"]
    assert isinstance(result, PackResult)
    return Pack.open(step.inputs["pack"], result, context.store)


def _file(step: RunStep, role: Role, context: StepContext) -> Path:
    return context.store.local_path(step.inputs[role]["model"].sha256)


def _promises(step: RunStep) -> tuple[LayerPromise, ...]:
    result = step.input_results.get("model")
    return result.promises if isinstance(result, StageResult) else ()


def _shape(step: RunStep) -> ShapePromise | None:
    result = step.input_results.get("model")
    return result.shape if isinstance(result, StageResult) else None
