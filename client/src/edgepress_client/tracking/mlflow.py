"""Exports a job to an MLflow tracking server over its REST API; MLflow does not need to be installed.

The job is a run. Its children are a run for each training, with its curves, and one for each row of the report: the
spec's settings are parameters, figures are metrics under the names of their CSV columns. The job's run is marked as
finished last: an export that was interrupted is repeated, one that finished is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from edgepress_client.tracking.curves import NamedTraining, named_trainings
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_common.figures.declared import FIGURES

_API = "/api/2.0/mlflow"
_METRICS_AT_ONCE = 900  # `log-batch` accepts a thousand
_LONGEST_PARAMETER = 500  # the limit of the oldest servers
_TAG = "edgepress.job"

Metric = tuple[str, float, int, float]
"""Key, value, step and time in seconds since 1970."""


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        run_id: Run of the job.
        runs: Number of runs that were created, that of the job included; 0 if the job had been exported before.
    """

    run_id: str
    runs: int


class MlflowServer:
    """A tracking server.

    Args:
        http: Client with the server's address and, if it needs one, its token.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def export(self, report: Report, experiment: str, *, address: str) -> Exported:
        """Export a job, unless it has been exported before.

        Args:
            report: Report of a job that has ended.
            experiment: Name of the experiment; it is created if it does not exist.
            address: URL of the report.

        Raises:
            InvalidInputError: The job has not ended, or the server refuses the request.
            UnavailableError: The server does not answer.
        """
        if not report.complete:
            raise InvalidInputError(f"{report.job.id} has not ended; accepted: a job that has ended")
        experiment_id = self._experiment(experiment)
        known = self._earlier(experiment_id, report.job.id)
        if known is not None:
            return Exported(known, 0)
        tags = {_TAG: report.job.id, "mlflow.note.content": f"[Report]({address})", "mlflow.source.name": "edgepress"}
        began_at = report.job.created_at.timestamp()
        ended_at = (report.job.finished_at or report.job.created_at).timestamp()
        parent = self._begin(experiment_id, f"{report.job.name} ({report.job.id})", began_at, tags)
        self._log(parent, _asked(report), [])
        children = [*map(_of_training, named_trainings(report)), *(_of_row(row, ended_at) for row in report.rows)]
        for name, parameters, metrics in children:
            child = self._begin(experiment_id, name, began_at, {"mlflow.parentRunId": parent})
            self._log(child, parameters, metrics)
            self._end(child, ended_at)
        self._end(parent, ended_at, "FINISHED" if report.job.state == "succeeded" else "FAILED")
        return Exported(parent, 1 + len(children))

    def _experiment(self, name: str) -> str:
        found = self._ask("GET", "experiments/get-by-name", {"experiment_name": name}, may_lack=True)
        if found is not None:
            return str(found["experiment"]["experiment_id"])
        return str(self._tell("experiments/create", {"name": name})["experiment_id"])

    def _earlier(self, experiment_id: str, job_id: str) -> str | None:
        found = self._tell(
            "runs/search",
            {"experiment_ids": [experiment_id], "filter": f"tags.`{_TAG}` = '{job_id}'", "max_results": 100},
        )
        ended = [run for run in found.get("runs", []) if run["info"].get("status") in {"FINISHED", "FAILED"}]
        return str(ended[0]["info"]["run_id"]) if ended else None

    def _begin(self, experiment_id: str, name: str, at: float, tags: Mapping[str, str]) -> str:
        run = {
            "experiment_id": experiment_id,
            "run_name": name,
            "start_time": _milliseconds(at),
            # Servers from before `run_name` use this tag.
            "tags": _pairs({"mlflow.runName": name} | dict(tags)),
        }
        return str(self._tell("runs/create", run)["run"]["info"]["run_id"])

    def _log(self, run_id: str, parameters: Mapping[str, str], metrics: Sequence[Metric]) -> None:
        cut = {key: value[:_LONGEST_PARAMETER] for key, value in parameters.items()}
        self._tell("runs/log-batch", {"run_id": run_id, "params": _pairs(cut)})
        for start in range(0, len(metrics), _METRICS_AT_ONCE):
            batch = [
                {"key": key, "value": value, "step": step, "timestamp": _milliseconds(at)}
                for key, value, step, at in metrics[start : start + _METRICS_AT_ONCE]
            ]
            self._tell("runs/log-batch", {"run_id": run_id, "metrics": batch})

    def _end(self, run_id: str, at: float, status: Literal["FINISHED", "FAILED"] = "FINISHED") -> None:
        self._tell("runs/update", {"run_id": run_id, "status": status, "end_time": _milliseconds(at)})

    def _tell(self, what: str, content: Mapping[str, object]) -> dict[str, Any]:
        answer = self._ask("POST", what, content)
        assert answer is not None, "only where that is allowed"
        return answer

    def _ask(
        self, method: Literal["GET", "POST"], what: str, content: Mapping[str, object], *, may_lack: bool = False
    ) -> dict[str, Any] | None:
        sent: dict[str, Any] = {"params": content} if method == "GET" else {"json": content}
        try:
            response = self._http.request(method, f"{_API}/{what}", **sent)
            if response.status_code == httpx.codes.NOT_FOUND and may_lack and "error_code" in response.text:
                return None
            if response.is_client_error:
                raise InvalidInputError(
                    f"MLflow at {self._http.base_url} refuses {what}: {response.status_code} {response.text[:300]}"
                )
            found: dict[str, Any] = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(f"the response of MLflow at {self._http.base_url} is not valid: {error}") from error
        return found


def _asked(report: Report) -> dict[str, str]:
    spec = report.spec
    dataset, model = spec.dataset, spec.model
    return {
        "dataset": dataset.kind,
        "image_size": str(dataset.image_size),
        "architecture": model.architecture,
        "epochs": str(spec.training.epochs),
        "batch_size": str(spec.training.batch_size),
        "learning_rate": f"{spec.training.learning_rate:g}",
        "seed": str(spec.training.seed),
    }


def _of_training(training: NamedTraining) -> tuple[str, dict[str, str], list[Metric]]:
    record = training.record
    parameters = {
        "stage": record.stage,
        "stages": "; ".join(record.stages),
        "pipelines": ", ".join(record.pipelines),
        "architecture": record.architecture,
        "step": record.step_key,
    }
    metrics: list[Metric] = [
        (name, value, epoch.epoch, at)
        for epoch, at in training.epoch_ends()
        for name, value in epoch.model_dump(exclude={"epoch"}).items()
    ]
    return f"{training.pipeline}: {training.name}", parameters, metrics


def _of_row(row: ReportRow, at: float) -> tuple[str, dict[str, str], list[Metric]]:
    parameters = {
        "pipeline": row.pipeline,
        "method": row.method,
        "stages": "; ".join(row.stages),
        "export": row.export,
        "device": row.device,
        "threads": str(row.threads),
        "emulated": str(row.emulated).lower(),
        "model_sha256": row.model_sha256,
    }
    name = f"{row.pipeline}: {row.export_name} on {row.device}, {row.threads} thread{'' if row.threads == 1 else 's'}"
    return name, parameters, [(key, value, 0, at) for key, value in _figures(row)]


def _figures(row: ReportRow) -> Iterator[tuple[str, float]]:
    for figure in FIGURES.values():
        value = figure.of(row)
        if value is not None:
            yield figure.column, float(value)


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
