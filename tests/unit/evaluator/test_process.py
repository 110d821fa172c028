"""The real process against a gateway on this machine."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.gateway import FakeGateway, served
from fakes.leases import make_lease

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60
START = "from edgepress_evaluator.main import main; main()"


@contextmanager
def _running(python: tuple[str, ...], folder: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {f"EDGEPRESS_{name.upper()}": value for name, value in settings.items()}
    with (folder / "evaluator.log").open("wb") as log:
        process = subprocess.Popen([*python, "-c", START], cwd=folder, env=environment, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _stop(process: subprocess.Popen[bytes]) -> float:
    """Seconds until the process has ended, after being told to."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    return time.monotonic() - began


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_evaluation_from_lease_to_result(
    folder: Path, models: Path, pack_files: tuple[Path, Path], python_command: tuple[str, ...]
) -> None:
    """Announced, leased, fetched, measured, handed in; then asked for more, and stopped at once while waiting."""
    gateway = FakeGateway(token="secret")
    model = models / "tiny_int8.tflite"
    gateway.store(model, *pack_files)
    gateway.offer(make_lease(model, pack_files, threads=(1, 2)))
    with (
        served(gateway) as address,
        _running(
            python_command,
            folder,
            gateway=address,
            token="secret",
            device="pi-under-test",
            labels='["lab"]',
            python_command=_as_json(python_command),
        ) as process,
    ):
        _wait(gateway.reported.is_set, process, folder)
        for _ in range(2):  # before the evaluation, and after it
            assert gateway.asked.acquire(timeout=PATIENCE_SECONDS)
        assert _stop(process) < 5

    (result,) = gateway.results
    assert result.device == "pi-under-test"
    assert result.images == 80
    assert [measurement.threads for measurement in result.measurements] == [1, 2]
    assert result.operator_times
    assert "lab" in gateway.announcements["pi-under-test"].labels


@pytest.mark.skipif("EDGEPRESS_TEST_PYTHON" in os.environ, reason="no matter of the processor")
def test_what_the_image_leaves_out_is_not_missed(
    folder: Path, models: Path, pack_files: tuple[Path, Path], python_command: tuple[str, ...]
) -> None:
    """Modules that the Dockerfile removes are not importable in any process of an evaluation, which succeeds."""
    gateway = FakeGateway()
    model = models / "tiny_int8.tflite"
    gateway.store(model, *pack_files)
    gateway.offer(make_lease(model, pack_files))
    left_out = _left_out_of_the_image()
    assert {"numpy.random", "ml_dtypes", "ai_edge_litert.schema_py_generated"} <= set(left_out)
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({left_out}))\n")
    searched = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with (
        pytest.MonkeyPatch.context() as environment,
        served(gateway) as address,
    ):
        environment.setenv("PYTHONPATH", searched)
        barred = subprocess.run([*python_command, "-c", "import numpy.random"], check=False, stderr=subprocess.DEVNULL)
        assert barred.returncode == 1
        with _running(python_command, folder, gateway=address) as process:
            _wait(gateway.reported.is_set, process, folder)
    assert gateway.failures == []
    (result,) = gateway.results
    assert result.operator_times
    assert result.peak_memory_bytes


def _left_out_of_the_image() -> list[str]:
    """Modules that evaluator/Dockerfile removes."""
    dockerfile = (Path(__file__).parents[3] / "evaluator" / "Dockerfile").read_text()
    (removed,) = re.findall(r"&& cd /app \\\n && rm -r (.*?)\n && ", dockerfile, re.DOTALL)
    paths = [path for path in removed.replace("\\", " ").split() if "*" not in path and not path.endswith(".so")]
    return [path.removesuffix(".py").replace("/", ".") for path in paths]


def test_stop_while_measuring_gives_the_evaluation_back(
    folder: Path, models: Path, pack_files: tuple[Path, Path], python_command: tuple[str, ...]
) -> None:
    """A measurement that would take minutes is broken off and reported as cancelled."""
    gateway = FakeGateway()
    model = models / "tiny_int16.tflite"
    gateway.store(model, *pack_files)
    gateway.offer(make_lease(model, pack_files, runs=100_000_000, lease_seconds=0.3))
    with (
        served(gateway) as address,
        _running(python_command, folder, gateway=address, python_command=_as_json(python_command)) as process,
    ):
        _wait(lambda: any(renewal.fraction > 0 for renewal in gateway.renewals), process, folder)
        assert _stop(process) < 5

    (failure,) = gateway.failures
    assert (failure.code, failure.retryable) == ("cancelled", True)


def test_wrong_settings_end_the_process(folder: Path, python_command: tuple[str, ...]) -> None:
    """Exit code 2, and each setting at fault with its value."""
    with _running(python_command, folder, device="any", wait_seconds="-1") as process:
        assert process.wait(PATIENCE_SECONDS) == 2

    said = (folder / "evaluator.log").read_text()
    assert "EDGEPRESS_DEVICE is 'any': 'any' selects any device; accepted: a name of this device\n" in said
    assert "EDGEPRESS_WAIT_SECONDS is '-1'; accepted: greater than or equal to 1\n" in said


@pytest.mark.skipif("EDGEPRESS_TEST_PYTHON" in os.environ, reason="no matter of the processor")
def test_a_system_without_litert_is_told_so(folder: Path, python_command: tuple[str, ...]) -> None:
    """It can run `join`, which says why, and a plain start ends with the same words instead of a traceback."""
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['ai_edge_litert'] = None\n")
    searched = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", searched)
        with _running(python_command, folder) as process:
            assert process.wait(PATIENCE_SECONDS) == 2
    said = (folder / "evaluator.log").read_text()
    assert said.startswith("LiteRT can't be loaded: ModuleNotFoundError")
    assert "Traceback" not in said


def _as_json(command: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in command) + "]"


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, (folder / "evaluator.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
