"""Takes the figures of an extension folder from a measurement to everything that shows figures.

Run as a program, because figures are declared once in a process: ``python -m fakes.extension_figures FOLDER``, with
``EDGEPRESS_EXTENSIONS``. It prints what it saw as JSON.
"""

import csv
import io
import json
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from edgepress_api.comparison.comparing import compare_reports
from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_api.report.page import report_html
from edgepress_client.cli.recommendation_view import recommendation_parts
from edgepress_client.cli.report_order import sorted_report
from edgepress_client.cli.report_view import report_table
from edgepress_client.tracking.mlflow import MlflowServer
from edgepress_common.answers.report import Report
from edgepress_common.figures.documentation import figures_page
from edgepress_common.results import EvaluationResult, ExportResult, PackResult, StageResult, StepResult
from edgepress_evaluator.evaluate import Files, evaluate
from edgepress_evaluator.measure.device import Device
from edgepress_worker.figures import measure_figures
from fakes.gateway_app import GatewayApp
from fakes.leases import make_lease
from fakes.mlflow_server import FakeMlflow
from fakes.tiny_images import CLASSES, write_pack

MODEL = Path(__file__).parent / "models" / "tiny_int8.tflite"
NAMES = ("least_predicted", "jitter_ms", "entropy", "ideal_bytes", "largest_weight")


def measured(folder: Path) -> EvaluationResult:
    """The tiny model on tiny images, by an evaluator that has the folder, as the gateway receives it."""
    pack = write_pack(folder, count=40)
    result = evaluate(
        make_lease(MODEL, pack),
        Files(MODEL, *pack),
        device=Device("pi", read_throttling=lambda: None),
        report=lambda _: None,
        should_stop=lambda: False,
    )
    return EvaluationResult.model_validate_json(result.model_dump_json())


def finished(gateway: GatewayApp, evaluation: EvaluationResult) -> str:
    """A job whose steps have found the figures of the extension."""
    found = measure_figures(MODEL)

    def changed(result: StepResult) -> StepResult:
        if isinstance(result, StageResult):
            return result.model_copy(update={"figures": {"largest_weight": 1.5}})
        if isinstance(result, ExportResult):
            return result.model_copy(update={"figures": found})
        if isinstance(result, PackResult):
            return PackResult(classes=CLASSES, train_counts=(8,) * 4, validation_counts=(10,) * 4)
        return evaluation if isinstance(result, EvaluationResult) else result

    gateway.workforce.change = changed
    return gateway.finished_job(goals={"min_least_predicted": 0.01, "weights": {"balance": 4}})


def page_text(html: str) -> str:
    """Return the text of a page, with single spaces."""
    return unescape(" ".join(re.sub("<[^>]*>", " ", html.partition("<body>")[2]).split()))


def terminal_text(report: Report) -> str:
    """Return the report and its recommendation as a wide terminal shows them."""
    assert report.recommendation is not None
    console = Console(file=io.StringIO(), width=200, record=True)
    for part in (report_table(report, 200), *recommendation_parts(report.recommendation, 5)):
        console.print(part)
    return console.export_text()


def mlflow_metrics(report: Report) -> dict[str, float]:
    """The metrics of the report's first row, as a tracking server gets them."""
    server = FakeMlflow()
    with httpx.Client(base_url="http://mlflow", transport=server.transport) as http:
        MlflowServer(http).export(report, "edgepress", address="")
    run = next(run for run in server.runs.values() if " on pi, " in run["info"]["run_name"])
    return {each["key"]: each["value"] for each in run["metrics"]}


def main(folder: Path) -> None:
    """Print what was seen."""
    evaluation = measured(folder)
    database = Database(f"sqlite:///{folder}/edgepress.db")
    migrate(database)  # a gateway as a process uses it, too
    gateway = GatewayApp(database, folder)
    job = finished(gateway, evaluation)
    path = f"/v1/jobs/{job}"
    content: dict[str, Any] = gateway.client.get(f"{path}/report").json()
    report = Report.model_validate(content)
    comparison = compare_reports([report, Report.model_validate(content)])
    seen = {
        "job": job,
        "listed": gateway.client.get("/v1/figures").json(),
        "evaluation": evaluation.figures,
        "threads": evaluation.measurements[0].figures,
        "row": {name: content["rows"][0][name] for name in NAMES},
        "parsed": {name: getattr(report.rows[0], name) for name in NAMES},
        "csv": next(csv.DictReader(io.StringIO(gateway.client.get(f"{path}/report?format=csv").text))),
        "page": page_text(report_html(report, "")),
        "mlflow": mlflow_metrics(report),
        "recommendation": content["recommendation"],
        "missed": gateway.client.get(f"{path}/recommendation?min_least_predicted=0.9&weight_balance=3").json(),
        "refused": gateway.client.get(f"{path}/recommendation?weight_balanced=3").json(),
        "schema": gateway.client.get("/openapi.json").json()["components"]["schemas"]["ReportRow"]["properties"],
        "change": comparison.rows[0].model_dump()["jobs"][1],
        "documentation": figures_page(),
        "terminal": terminal_text(report),
        "sorted": [row.pipeline for row in sorted_report(report, "balance").rows],
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
