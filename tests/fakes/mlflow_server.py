"""The part of MLflow's REST API that runs are written by, in memory, as strict as the real one where that matters."""

import itertools
import json
from typing import Any

import httpx

Json = dict[str, Any]
_PREFIX = "/api/2.0/mlflow/"


class FakeMlflow:
    """A tracking server.

    Attributes:
        runs: By id: ``info``, ``tags``, ``params`` and ``metrics`` as they were sent.
        transport: Leads to it.
        breaks_at: Number, from 1, of the first request that is not answered.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Json] = {}
        self.experiments: dict[str, str] = {}
        self.asked = 0
        self.breaks_at: int | None = None
        self.transport = httpx.MockTransport(self._answer)
        self._numbers = itertools.count(1)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.breaks_at is not None and self.asked >= self.breaks_at:
            raise httpx.ConnectError("away", request=request)
        content = dict(request.url.params) if request.method == "GET" else json.loads(request.content)
        try:
            return httpx.Response(200, json=self._do(request.url.path.removeprefix(_PREFIX), content))
        except KeyError as error:
            return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no {error}"})
        except ValueError as error:
            return httpx.Response(400, json={"error_code": "INVALID_PARAMETER_VALUE", "message": str(error)})

    def _do(self, what: str, content: Json) -> Json:
        match what:
            case "experiments/get-by-name":
                return {"experiment": {"experiment_id": self.experiments[content["experiment_name"]]}}
            case "experiments/create":
                return {"experiment_id": self.experiments.setdefault(content["name"], str(next(self._numbers)))}
            case "runs/create":
                run_id = f"run-{next(self._numbers)}"
                info = {"run_id": run_id, "status": "RUNNING"} | {k: v for k, v in content.items() if k != "tags"}
                tags = {tag["key"]: tag["value"] for tag in content["tags"]}
                self.runs[run_id] = {"info": info, "tags": tags, "params": {}, "metrics": []}
                return {"run": {"info": info}}
            case "runs/log-batch":
                return self._log(self.runs[content["run_id"]], content)
            case "runs/update":
                self.runs[content["run_id"]]["info"] |= {"status": content["status"], "end_time": content["end_time"]}
                return {"run_info": self.runs[content["run_id"]]["info"]}
            case "runs/search":
                key, _, value = content["filter"].removeprefix("tags.`").partition("` = ")
                found = [run for run in self.runs.values() if run["tags"].get(key) == value.strip("'")]
                return {"runs": [{"info": run["info"]} for run in found]} if found else {}
            case _:
                raise ValueError(f"no {what}")

    @staticmethod
    def _log(run: Json, content: Json) -> Json:
        metrics, params = content.get("metrics", []), content.get("params", [])
        if len(metrics) + len(params) > 1000 or len(params) > 100:
            raise ValueError("A batch logging request can contain at most 1000 entries")
        for metric in metrics:
            if not isinstance(metric["value"], float | int) or not isinstance(metric["timestamp"], int):
                raise ValueError(f"Invalid metric {metric}")  # noqa: TRY004 - all of them are answered alike
        for param in params:
            if run["params"].setdefault(param["key"], param["value"]) != param["value"]:
                raise ValueError(f"Changing param values is not allowed: {param['key']}")
        run["metrics"] += metrics
        return {}
