"""Takes a job that uses an extension folder through common, gateway, documentation and worker.

Run as a program, because the registries are read once in a process: ``python -m fakes.extension_job FOLDER PAGE``, with
``EDGEPRESS_EXTENSIONS``. It prints what it saw as JSON.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgepress_common.documentation import with_current_parts
from edgepress_common.messages import Outputs, RunStep
from edgepress_common.plan import Plan, make_plan
from edgepress_common.results import ExportResult, StageResult, StepResult
from edgepress_common.spec import DATASET_KINDS, JobSpec
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import EvaluationStep, StageStep
from edgepress_worker.environment import Environment
from edgepress_worker.run import run_step
from edgepress_worker.tflite.file import TfliteFile
from fakes.gateway_app import JSON, sqlite_gateway
from fakes.step_context import PlainContext

SPEC: dict[str, Any] = {
    "name": "with an extension",
    "dataset": {"kind": "few-digits", "image_size": 32, "below": 3},
    "model": {"architecture": "mobilenet", "width": 0.25, "dropout": 0.2},
    "training": {"epochs": 1},
    "pipelines": [
        {
            "name": "toy",
            "stages": [{"kind": "without_dropout"}, {"kind": "prune", "epochs": 1}],
            "exports": ["rounded", {"kind": "rounded", "decimals": 1}],
        }
    ],
}


def refusal(*stages: str, **parameters: object) -> str:
    """Return the message that refuses an invalid order of stages."""
    written = [{"kind": kind} | parameters for kind in stages]
    try:
        JobSpec.model_validate(SPEC | {"pipelines": [{"name": "p", "stages": written, "exports": ["rounded"]}]})
    except ValidationError as error:
        return str(error)
    return ""


def gateway_view(folder: Path) -> dict[str, Any]:
    """Return what the gateway lists and accepts."""
    client = sqlite_gateway(folder).client
    posted = client.post("/v1/jobs", content=json.dumps(SPEC), headers=JSON)
    job = client.get(f"/v1/jobs/{posted.json()['id']}").json() if posted.is_success else {}
    return {
        "methods": [each["kind"] for each in client.get("/v1/methods").json()["methods"]],
        "exports": [each["kind"] for each in client.get("/v1/exports").json()["exports"]],
        "schemas": sorted(client.get("/openapi.json").json()["components"]["schemas"]),
        "status": posted.status_code,
        "steps": [step["title"] for pipeline in job.get("pipelines", ()) for step in pipeline["steps"]],
    }


def worked(plan: Plan, folder: Path) -> Iterable[dict[str, Any]]:
    """Run all steps but evaluations, and yield what came of them."""
    outputs: dict[str, Outputs] = {}
    results: dict[str, StepResult] = {}
    environment = Environment(dataset_roots=(), downloads=folder / "downloads")
    for number, step in enumerate(plan.steps):
        if isinstance(step.parameters, EvaluationStep):
            continue
        context = PlainContext(folder / str(number))
        context.store = PlainContext(folder / "all").store
        message = RunStep(
            step_key=step.key,
            attempt=1,
            parameters=step.parameters,
            inputs={role: outputs[key] for role, key in step.inputs.items()},
            input_results={role: results[key] for role, key in step.inputs.items()},
        )
        outputs[step.key], results[step.key] = run_step(message, context, environment)
        result = results[step.key]
        seen: dict[str, Any] = {"title": step.title, "key": step.key}
        if isinstance(step.parameters, StageStep):
            seen["summary"] = stage_summary(step.parameters)
        if isinstance(result, StageResult):
            seen["epochs"] = len(result.epochs)
            seen["figures"] = result.figures
        if isinstance(result, ExportResult):
            seen["promises"] = [kept.kind for kept in result.promises]
            seen["figures"] = result.figures
            file = TfliteFile.read(context.store.local_path(outputs[step.key]["tflite"].sha256))
            seen["unique_weights_per_channel_max"] = result.unique_weights_per_channel_max
            seen["layers"] = len(file.weights)
        yield seen


def main(folder: Path, page: Path) -> None:
    """Print what was seen."""
    spec = JobSpec.model_validate(SPEC)
    fingerprint = DATASET_KINDS["few-digits"].fingerprint(spec.dataset, ())
    plan = make_plan(spec, fingerprint=fingerprint, devices=("any",))
    documented = with_current_parts(page.read_text())
    seen = {
        "fingerprint": fingerprint,
        "refused": refusal("prune", "without_dropout"),
        "out of range": refusal("without_dropout", at_most=0),
        "gateway": gateway_view(folder),
        "headings": [line for line in documented.splitlines() if line.startswith("##")],
        "documented again": with_current_parts(documented) == documented,
        "work": list(worked(plan, folder)),
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
