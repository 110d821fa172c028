"""Many boards in one process: each is the evaluator's own loop in a thread, and only its measurement is made up.

Each request is written to a file. Run by ``python fleet_boards.py CONFIGURATION``, see `BoardsConfiguration`.
"""

from __future__ import annotations

import random
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import httpx
from pydantic import BaseModel

from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.cache import ArtifactCache
from edgepress_evaluator.client import GatewayClient
from edgepress_evaluator.loop import Evaluator
from edgepress_evaluator.stop import StopRequest
from fakes.jobs import evaluation_result

if TYPE_CHECKING:
    from edgepress_evaluator.callbacks import ShouldStop
    from edgepress_evaluator.evaluate import Files
    from edgepress_evaluator.progress import Report

_CACHE_BYTES = 1_000_000
_STACK_BYTES = 512 * 1024


class BoardsConfiguration(BaseModel):
    """Configuration of the boards.

    Attributes:
        gateway: Address of the gateway.
        tokens: Token of each board, by its name.
        labels: Labels of each board, by its name.
        folder: For their caches, and the file ``requests``.
        wait_seconds: How long a lease request may wait.
        measure_seconds: Shortest and longest time that a measurement takes.
    """

    gateway: str
    tokens: dict[str, str]
    labels: dict[str, tuple[str, ...]]
    folder: Path
    wait_seconds: float
    measure_seconds: tuple[float, float]


class BoardRequest(BaseModel):
    """A request of a board, as the board sees it.

    Attributes:
        at: When it was begun, in seconds since 1970.
        device: Name of the board.
        path: Its path.
        status: HTTP status of the answer; 0 without an answer.
        seconds: How long it took.
    """

    at: float
    device: str
    path: str
    status: int
    seconds: float


class _NotedTransport(httpx.HTTPTransport):
    """Writes each request to a file."""

    def __init__(self, device: str, file: TextIO, lock: threading.Lock) -> None:
        super().__init__(verify=False)
        self._device, self._file, self._lock = device, file, lock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began, status = time.time(), 0
        try:
            response = super().handle_request(request)
            status = response.status_code
        finally:
            noted = BoardRequest(
                at=began, device=self._device, path=request.url.path, status=status, seconds=time.time() - began
            )
            with self._lock:
                self._file.write(noted.model_dump_json() + "\n")
                self._file.flush()
        return response


def _evaluator(name: str, told: BoardsConfiguration, transport: httpx.BaseTransport) -> Evaluator:
    def evaluate(
        lease: EvaluationLease,
        files: Files,
        *,
        report: Report,
        should_stop: ShouldStop,
    ) -> EvaluationResult:
        time.sleep(random.uniform(*told.measure_seconds))
        return evaluation_result(name).model_copy(update={"model_sha256": lease.model.sha256})

    headers = {"Authorization": f"Bearer {told.tokens[name]}"}
    http = httpx.Client(base_url=told.gateway, headers=headers, transport=transport, timeout=15)
    return Evaluator(
        client=GatewayClient(http, name),
        cache=ArtifactCache(told.folder / name, _CACHE_BYTES),
        evaluate=evaluate,
        announcement=Announcement(
            machine="aarch64",
            cores=4,
            memory_bytes=2**32,
            runtime="LiteRT 2",
            labels=told.labels[name],
            identity=uuid.uuid4().hex,
        ),
        wait_seconds=told.wait_seconds,
        stop=StopRequest(),
    )


def main(configuration: Path) -> None:
    """Run all boards until the process is killed."""
    told = BoardsConfiguration.model_validate_json(configuration.read_bytes())
    lock = threading.Lock()
    threading.stack_size(_STACK_BYTES)
    with (told.folder / "requests").open("a") as file:
        boards = [
            threading.Thread(target=_evaluator(name, told, _NotedTransport(name, file, lock)).run, name=name)
            for name in told.tokens
        ]
        for board in boards:
            board.start()
        for board in boards:
            board.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
