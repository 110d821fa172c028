"""Cost of an idle stack, and delay until it begins a job: `edgepress up` with nothing to do."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from conftest import free_port
from figures import Figure

_SETTLE_SECONDS = 20  # the worker loads TensorFlow after it is ready
_IDLE_SECONDS = 60
_JOBS = 5
_PATIENCE_SECONDS = 300
_LIMIT_PERCENT = 2.0
_LIMIT_MS = 350.0  # of the round of 250 ms that there was before, and 100 ms

_SPEC: dict[str, Any] = {
    "name": "idle",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet_v2", "width": 0.35},
    "pipelines": [{"name": "base", "exports": ["float32"]}],
}


def measure() -> list[Figure]:
    """Processor time of all processes in a minute, then the delay of jobs that begin with a training."""
    with tempfile.TemporaryDirectory() as home, _up(Path(home)) as (stack, http):
        time.sleep(_SETTLE_SECONDS)
        processes = [stack, *stack.children(recursive=True)]
        before = {process: _seconds(process) for process in processes}
        time.sleep(_IDLE_SECONDS)
        used = {process: _seconds(process) - before[process] for process in processes}
        percent = sum(used.values()) / _IDLE_SECONDS * 100
        detail = ", ".join(f"{_name(each)} {used[each] / _IDLE_SECONDS:.2%}" for each in processes if used[each])
        delays_ms = [_delay_ms(http, number) for number in range(_JOBS + 1)][1:]  # the first one packs the images
    delay_ms = statistics.median(delays_ms)
    return [
        Figure("idle stack, of one core", percent, "%", f"<= {_LIMIT_PERCENT:g}", percent <= _LIMIT_PERCENT, detail),
        Figure(
            "job accepted until its step has begun, median", delay_ms, "ms", f"<= {_LIMIT_MS:g}", delay_ms <= _LIMIT_MS,
            f"{', '.join(f'{each:.0f}' for each in delays_ms)} ms",
        ),
    ]  # fmt: skip


@contextmanager
def _up(home: Path) -> Iterator[tuple[psutil.Process, httpx.Client]]:
    port, log = free_port(), home / "up.log"
    command = [str(Path(sys.executable).with_name("edgepress")), "up", "--port", str(port)]
    with log.open("w") as output:
        stack = subprocess.Popen(command, env=os.environ | {"EDGEPRESS_HOME": str(home)}, stdout=output, stderr=output)
    try:
        while "is ready at" not in log.read_text():
            if stack.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        headers = {"Authorization": f"Bearer {(home / 'token').read_text().strip()}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as http:
            yield psutil.Process(stack.pid), http
    finally:
        stack.send_signal(signal.SIGTERM)
        stack.wait(_PATIENCE_SECONDS)


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:2])
    return 0.0


def _name(process: psutil.Process) -> str:
    return next((Path(part).name for part in process.cmdline()[:2][::-1] if part), process.name())


def _delay_ms(http: httpx.Client, number: int) -> float:
    """Submit a job, and return the time from its acceptance to the start of its training, in milliseconds."""
    spec = _SPEC | {"training": {"epochs": 1, "seed": number}}
    job = http.post("/v1/jobs", json=spec).raise_for_status().json()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (done := http.get(f"/v1/jobs/{job['id']}").raise_for_status().json())["finished_at"]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not ended in {_PATIENCE_SECONDS} s: {done}")
        time.sleep(0.2)
    time.sleep(1)  # idle again
    started = next(step for step in done["pipelines"][0]["steps"] if step["kind"] == "stage")["started_at"]
    return (datetime.fromisoformat(started) - datetime.fromisoformat(job["created_at"])).total_seconds() * 1000
