"""A real evaluator and a real gateway, with a line between them that is really cut.

EDGEPRESS_TEST_PYTHON can name an emulated Python for the evaluator.
"""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from edgepress_api.database import Database, DeviceRow, StepRow
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.jobs.views import show_job
from edgepress_api.one_machine.ports import free_port
from edgepress_api.scheduler.dispatch import choose_steps
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_common.answers.jobs import JobView
from edgepress_common.artifacts import FolderStore
from edgepress_common.messages import Outputs, RunStep
from edgepress_common.results import EvaluationResult, PackResult, StepResult
from fakes import tiny_images
from fakes.cuttable_line import CuttableLine
from fakes.earlier_release import earlier_release
from fakes.jobs import made_up, small_spec

MODEL = Path(__file__).parents[1] / "fakes" / "models" / "tiny_int8.tflite"
IMAGES = 4000  # twelve megabytes
PATIENCE_SECONDS = 90

GATEWAY = "from edgepress_api.gateway import main; main()"
EVALUATOR = "from edgepress_evaluator.main import main; main()"
FAR_PYTHON = shlex.split(os.environ.get("EDGEPRESS_TEST_PYTHON", shlex.quote(sys.executable)))
# Long enough to cut the line meanwhile; an emulator takes sixty times as long.
MANY_RUNS = 100_000 if "EDGEPRESS_TEST_PYTHON" not in os.environ else 5_000


@dataclass
class Site:
    """A gateway, a board far away, and the line between them. The test does the scheduler's and the workers' part."""

    folder: Path
    line: CuttableLine
    url: str
    database: Database
    running: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        rules = Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3)
        self.ledger = Ledger(rules)
        self.store = FolderStore(self.folder / "artifacts")
        self.gateway: subprocess.Popen[bytes] | None = None

    def start_gateway(self, lease_seconds: float = 60) -> None:
        """Starts the gateway, again on the same port, and waits until it listens."""
        self.gateway = self._start(
            "gateway",
            GATEWAY,
            [sys.executable],
            EDGEPRESS_DATABASE_URL=f"sqlite:///{self.folder}/edgepress.db",
            EDGEPRESS_ARTIFACTS=str(self.folder / "artifacts"),
            EDGEPRESS_REDIS_URL="redis://127.0.0.1:1/0",
            EDGEPRESS_PORT=str(self.line.target_port),
            EDGEPRESS_REQUIRE_TOKENS="false",
            EDGEPRESS_LEASE_SECONDS=str(lease_seconds),
        )
        self.wait(lambda: _listens(self.line.target_port))

    def kill_gateway(self) -> None:
        """Kill the gateway with SIGKILL."""
        assert self.gateway is not None
        self.gateway.kill()
        self.gateway.wait()

    def start_evaluator(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Starts the evaluator, at the far end of the line."""
        return self._start(
            "evaluator",
            EVALUATOR,
            FAR_PYTHON,
            EDGEPRESS_PYTHON_COMMAND=json.dumps(FAR_PYTHON),
            EDGEPRESS_GATEWAY=self.url,
            EDGEPRESS_DEVICE="pi",
            EDGEPRESS_WAIT_SECONDS="1",
            EDGEPRESS_EVALUATOR_CACHE=str(self.folder / "cache"),
            **environment,
        )

    def submit(self, runs: int = 50) -> str:
        """A job whose one model is ready to be measured."""
        spec = small_spec(
            pipelines=[{"name": "base", "exports": ["int8"]}],
            evaluation={"devices": ["pi"], "runs": runs},
            training={"epochs": 2, "seed": runs},
        )
        now = datetime.now(UTC)
        submission = Submission(database=self.database, fingerprints=Fingerprints(roots=()), ledger=self.ledger)
        job_id = submission.submit(spec, now)
        while steps := choose_steps(self.database, self.ledger, now, ahead=100):
            for step in steps:
                outputs, result = self._made(step)
                with self.database.write() as session:
                    self.ledger.finish(session, step.step_key, step.attempt, outputs=outputs, result=result, now=now)
        return job_id

    def job(self, job_id: str) -> JobView:
        """The job as it is."""
        with self.database.read() as session:
            return show_job(session, job_id)

    def result(self, job_id: str) -> EvaluationResult:
        """Return the result of a job's evaluation."""
        key = self.job(job_id).pipelines[0].steps[-1].key
        with self.database.read() as session:
            result = session.scalar(select(StepRow.result).where(StepRow.key == key))
        assert isinstance(result, EvaluationResult)
        return result

    def kept_bytes(self) -> int:
        """Return the number of bytes in the evaluator's cache."""
        return sum(file.stat().st_size for file in (self.folder / "cache").iterdir())

    def wait(self, condition: Callable[[], object]) -> None:
        """Waits until something is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            with self.database.write() as session:  # an answer that was lost took a lease with it
                self.ledger.expire(session, datetime.now(UTC))
            assert time.monotonic() < deadline, [log.read_text() for log in self.folder.glob("*.log")]
            time.sleep(0.1)

    def wait_for_the_end(self, job_id: str) -> None:
        """Waits until a job is done."""
        self.wait(lambda: self.job(job_id).state not in {"queued", "running"})
        assert self.job(job_id).state == "succeeded", self.job(job_id).error

    def _made(self, step: RunStep) -> tuple[Outputs, StepResult]:
        match step.parameters.kind:
            case "pack":
                images, labels = tiny_images.write_pack(self.folder, IMAGES)
                outputs, _ = made_up("pack")
                outputs["validation_images"] = self.store.put_file(images)
                outputs["validation_labels"] = self.store.put_file(labels)
                counts = (IMAGES // len(tiny_images.CLASSES),) * len(tiny_images.CLASSES)
                return outputs, PackResult(classes=tiny_images.CLASSES, train_counts=counts, validation_counts=counts)
            case "export":
                return {"tflite": self.store.put_file(MODEL)}, made_up("export")[1]
            case kind:
                return made_up(kind)

    def _start(self, name: str, script: str, python: list[str], **environment: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [*python, "-c", script]
            process = subprocess.Popen(command, env=os.environ | environment, stderr=log, cwd=self.folder)
        self.running.callback(_end, process)
        return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    database = Database(f"sqlite:///{folder}/edgepress.db")
    migrate(database)
    line = CuttableLine(free_port())
    with line.laid() as url, ExitStack() as running:
        yield Site(folder, line, url, database, running)
    database.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site where nothing runs yet."""
    with _site(tmp_path) as site:
        yield site


@pytest.mark.slow
def test_an_evaluator_of_an_earlier_release_measures_for_the_gateway(site: Site, tmp_path: Path) -> None:
    """The code of release 0.1.0 leases, fetches, measures and reports over HTTP."""
    old_path = earlier_release(tmp_path / "release")
    site.start_gateway()
    evaluator = site.start_evaluator(PYTHONPATH=old_path)
    site.wait(lambda: _knows(site, "pi"))
    job_id = site.submit()
    site.wait_for_the_end(job_id)
    assert evaluator.poll() is None
    assert site.result(job_id).device == "pi"


@pytest.mark.slow
def test_an_evaluator_comes_back_by_itself(site: Site) -> None:
    """It reconnects after its connection was cut, with growing pauses, and after it was silenced."""
    site.start_gateway(lease_seconds=5)
    evaluator = site.start_evaluator()
    site.wait(lambda: _knows(site, "pi"))
    site.line.cut()
    so_far = len(site.line.attempts)
    site.wait(lambda: len(site.line.attempts) >= so_far + 5)
    first, second, *_, fourth, fifth = site.line.attempts[so_far : so_far + 5]
    # Bounds double, and a pause is at least a quarter of its bound.
    assert fifth - fourth > 1.5 * (second - first), "it does not back off"
    job_id = site.submit()
    site.line.mend()
    site.wait_for_the_end(job_id)

    site.line.state = "silent"
    job_id = site.submit(runs=51)
    time.sleep(2)  # long enough for a question to be asked in vain
    site.line.mend()
    site.wait_for_the_end(job_id)
    assert evaluator.poll() is None
    assert site.result(job_id).device == "pi"


@pytest.mark.slow
def test_a_download_goes_on_where_it_was_cut(site: Site) -> None:
    """Few bytes are sent twice, though the connection is cut after each four of twelve megabytes.

    What had come through the line and was not read yet when it was cut is lost: a slow processor reads behind.
    """
    site.start_gateway()
    site.start_evaluator()
    site.wait(lambda: _knows(site, "pi"))
    before = site.line.bytes_back
    job_id = site.submit()
    lost_bytes = 0
    for cuts in (1, 2):
        site.line.cut_after_bytes = before + cuts * 4_000_000
        site.wait(lambda: site.line.state == "cut")
        time.sleep(0.5)
        lost_bytes = site.line.bytes_back - before - site.kept_bytes()
        site.line.mend()
    site.wait_for_the_end(job_id)
    size_bytes = IMAGES * tiny_images.SIDE**2 * 3
    assert size_bytes < site.line.bytes_back - before - lost_bytes < 1.1 * size_bytes
    assert site.result(job_id).images == IMAGES


@pytest.mark.slow
def test_a_measurement_goes_on_while_gateway_and_line_are_offline(site: Site) -> None:
    """The result is submitted when both are available again; nothing is measured twice."""
    site.start_gateway()
    site.start_evaluator()
    site.wait(lambda: _knows(site, "pi"))
    job_id = site.submit(runs=MANY_RUNS)
    site.wait(lambda: b": started" in (site.folder / "evaluator.log").read_bytes())
    site.wait(lambda: (site.folder / "cache").exists() and len(list((site.folder / "cache").iterdir())) >= 3)
    site.line.cut()
    site.kill_gateway()
    so_far = len(site.line.attempts)
    site.wait(lambda: len(site.line.attempts) >= so_far + 2)  # it has something to say, and tries
    site.start_gateway()
    site.line.mend()
    site.wait_for_the_end(job_id)
    (evaluation,) = (step for step in site.job(job_id).pipelines[0].steps if step.kind == "evaluation")
    assert evaluation.attempt == 1
    assert site.result(job_id).measurements[0].latency_ms.runs == MANY_RUNS


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _knows(site: Site, device: str) -> bool:
    with site.database.read() as session:
        return session.get(DeviceRow, device) is not None
