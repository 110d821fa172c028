"""Lints and renders the Helm chart with Helm's own library, and validates the objects by Kubernetes's schemas.

``.helm/bin/python tests/deployment/render_chart.py VALUES``, in an environment of its own (``make test-helm``). VALUES
is a JSON object. Prints a JSON object: ``lint`` and ``invalid``, which list what is wrong, ``error`` if the chart
refuses the values, and ``objects``.
"""

import json
import sys
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "edgepress"
KUBERNETES = ("1.29", "1.37")
OF_OTHERS = {"ScaledObject", "ServiceMonitor"}  # of KEDA and of the Prometheus operator, whose schemas are not included


def rendered(values: dict[str, Any]) -> dict[str, Any]:
    """Return what the chart becomes with these values."""
    lint = helm_python.lint(CHART, values)
    with helm_python.Chart.load(CHART) as chart:
        try:
            files = chart.render(values, name="edgepress", namespace="default")
        except helm_python.HelmError as error:
            return {"error": str(error), "lint": lint}
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    objects = [each for text in texts for each in yaml.safe_load_all(text) if each]
    invalid = [
        f"{each['kind']} {each['metadata']['name']}, Kubernetes {version}: {problem}"
        for each in objects
        if each["kind"] not in OF_OTHERS
        for version in KUBERNETES
        for problem in problems(each, version)
    ]
    return {"lint": lint, "invalid": invalid, "objects": objects}


def problems(content: dict[str, Any], version: str) -> list[str]:
    """Return what the schema of a version of Kubernetes refuses, unknown fields included."""
    try:
        kubernetes_validate.validate(content, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []


if __name__ == "__main__":
    print(json.dumps(rendered(json.loads(sys.argv[1])), default=str))  # noqa: T201 - its output
