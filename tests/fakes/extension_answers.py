"""A gateway with an extension folder: what it returns about a job that uses the folder.

Run as a program, because the registries are read once in a process: ``python -m fakes.extension_answers FOLDER``, with
``EDGEPRESS_EXTENSIONS``. It prints the answers by path, as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from edgepress_common.results import EvaluationResult, StepResult
from fakes.gateway_app import GatewayApp, sqlite_gateway

SPEC: dict[str, Any] = {
    "dataset": {"kind": "few-digits", "image_size": 32, "below": 3},
    "pipelines": [
        {
            "name": "toy",
            "stages": [{"kind": "without_dropout"}, {"kind": "prune", "epochs": 1}],
            "exports": ["rounded", {"kind": "rounded", "decimals": 1}],
        }
    ],
}


def measured(result: StepResult) -> StepResult:
    """Add the figure of the extension to a measurement."""
    if isinstance(result, EvaluationResult):
        return result.model_copy(update={"figures": {"least_predicted": 0.25}})
    return result


def answers(gateway: GatewayApp) -> dict[str, Any]:
    """Return what the gateway answers about a finished job that is recommended by a figure of the extension alone."""
    gateway.workforce.change = measured
    weights = {"accuracy": 0, "latency": 0, "size": 0, "zip": 0, "balance": 1}
    goals = {"weights": weights, "min_least_predicted": 0.01}
    job = f"/v1/jobs/{gateway.finished_job(**SPEC, goals=goals)}"
    content: dict[str, Any] = gateway.client.get(job).json()
    steps = (step["key"] for pipeline in content["pipelines"] for step in pipeline["steps"])
    paths = [job, f"{job}/plan", f"{job}/spec", f"{job}/report", f"{job}/recommendation"]
    paths += [f"/v1/steps/{key}" for key in dict.fromkeys(steps)]
    other = gateway.finished_job(**SPEC, name="without goals")
    paths.append(f"/v1/comparison?job={content['id']}&job={other}")
    return {path: gateway.client.get(path).json() for path in paths}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answers(sqlite_gateway(Path(sys.argv[1])))))
