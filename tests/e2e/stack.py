"""A running Edgepress, as an outsider sees it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

PROGRAM = str(Path(sys.executable).with_name("edgepress"))
# A proxy that is not available, as in many companies' environments: requests to this machine must not use it.
BEHIND_A_PROXY = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
# A planner that is installed next to Edgepress; it serves jobs whose name begins with "grows".
TWO_PROPOSALS = {
    "PYTHONPATH": str(Path(__file__).parents[1]),
    "EDGEPRESS_PLANNERS": '["fakes.planners:TwoProposals"]',
}
ENDED = {"succeeded", "partly_succeeded", "failed", "cancelled"}

_PATIENCE_SECONDS = 400  # for any operation, on a machine under other load

Json = dict[str, Any]

EXPORTS = ["float32", "float16", "dynamic", "int16x8", "int8"]
# The job that most tests look at. It is the same for all, so it is done once.
TINY: Json = {
    "name": "tiny",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet", "width": 0.25},
    "training": {"epochs": 3, "batch_size": 64},
    "pipelines": [{"name": "base", "exports": EXPORTS}],
    "evaluation": {"runs": 10, "warmup_runs": 2},
}


@dataclass(frozen=True)
class Edgepress:
    """A running stack, as seen from outside: by HTTP, by its command line, and by its processes."""

    url: str
    home: Path
    http: httpx.Client
    supervisor: psutil.Process

    @property
    def headers(self) -> dict[str, str]:
        """Headers that authenticate a request as this machine's user."""
        return {"Authorization": f"Bearer {(self.home / 'token').read_text().strip()}"}

    def post(self, spec: Json) -> str:
        """Posts a job, and answers its id."""
        response = self.http.post("/v1/jobs", json=spec)
        assert response.status_code == 202, response.text
        assert response.headers["location"] == f"/v1/jobs/{response.json()['id']}"
        return str(response.json()["id"])

    def job(self, job_id: str) -> Json:
        """A job as it is now."""
        found: Json = self.http.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        return found

    def step(self, job_id: str, title: str) -> Json:
        """One of a job's steps, in full."""
        key = next(step["key"] for step in self.steps(job_id) if step["title"] == title)
        found: Json = self.http.get(f"/v1/steps/{key}").raise_for_status().json()
        return found

    def steps(self, job_id: str) -> list[Json]:
        """The steps of a job's pipelines."""
        return [step for pipeline in self.job(job_id)["pipelines"] for step in pipeline["steps"]]

    def job_ids(self) -> list[str]:
        """The newest jobs."""
        return [job["id"] for job in self.http.get("/v1/jobs").raise_for_status().json()["jobs"]]

    def report(self, job_id: str) -> Json:
        """A job's report."""
        found: Json = self.http.get(f"/v1/jobs/{job_id}/report").raise_for_status().json()
        return found

    def wait(self, job_id: str, until: Callable[[Json], bool] = lambda job: job["state"] in ENDED) -> Json:
        """The job, once it is as wanted."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not until(job := self.job(job_id)):
            assert time.monotonic() < deadline, f"not seen in {_PATIENCE_SECONDS} s: {job}"
            assert self.supervisor.is_running()
            time.sleep(0.2)
        return job

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command of the command line against this gateway."""
        return subprocess.run(
            [PROGRAM, *arguments],
            env=os.environ | BEHIND_A_PROXY | {"EDGEPRESS_GATEWAY": self.url} | environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
