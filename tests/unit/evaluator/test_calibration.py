"""The ceilings of the processor, measured once per start of the machine."""

from pathlib import Path

import pytest
from ai_edge_litert.interpreter import Interpreter
from pydantic import TypeAdapter

from edgepress_common.errors import StepCancelledError
from edgepress_evaluator.measure import calibration
from edgepress_evaluator.measure.calibration import FILE_NAME, Ceilings, KeptCeilings
from edgepress_evaluator.measure.delegation import delegated_indices
from edgepress_evaluator.measure.made_models import Kind, dense_layers
from edgepress_evaluator.measure.reference import Reference

FOUND = Ceilings(macs_per_ms={"int8": 3.0, "float32": 2.0}, bytes_per_ms={1: 5.0})


def _python(folder: Path, answer: str) -> tuple[str, ...]:
    """Return a command that answers like a child process, by a shell script, and keeps how often it was called."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\nprintf x >> '{folder / 'calls'}'\n{answer}\n")
    script.chmod(0o755)
    return (str(script),)


def _calls(folder: Path) -> int:
    return len((folder / "calls").read_text())


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_made_files_run_in_the_delegate(kind: Kind) -> None:
    """All layers: the kernels that are calibrated are those of users' files."""
    interpreter = Interpreter(model_content=dense_layers(kind, rows=4, inputs=32, outputs=32, layers=3), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.invoke()

    assert len(delegated_indices(interpreter._get_ops_details())) == 3
    assert interpreter.get_output_details()[0]["shape"].tolist() == [4, 32]


def test_ceilings_are_kept_until_the_machine_starts_again(tmp_path: Path) -> None:
    """Another object reads them; those of another start of the machine, and a damaged file, are measured again."""
    answer = f"echo '{TypeAdapter(Ceilings).dump_json(FOUND).decode()}'"
    python = _python(tmp_path, answer)

    def found() -> Ceilings | None:
        return KeptCeilings(tmp_path, python).of(1, lambda: False)

    assert [found(), found()] == [FOUND, FOUND]
    assert _calls(tmp_path) == 1
    kept = (tmp_path / FILE_NAME).read_text()
    (tmp_path / FILE_NAME).write_text(kept.replace(", LiteRT", "x, LiteRT"))
    assert found() == FOUND
    (tmp_path / FILE_NAME).write_text("{")
    assert found() == FOUND
    assert _calls(tmp_path) == 3


@pytest.mark.parametrize("answer", ["echo nonsense", "exit 3"])
def test_a_failed_calibration_does_not_fail_the_evaluation(tmp_path: Path, answer: str) -> None:
    """The ceilings are unknown then."""
    assert KeptCeilings(tmp_path, _python(tmp_path, answer)).of(1, lambda: False) is None


def test_a_calibration_can_be_stopped(tmp_path: Path) -> None:
    """It is a process that is killed, like other measurements."""
    with pytest.raises(StepCancelledError):
        KeptCeilings(None, _python(tmp_path, "exec sleep 60")).of(1, lambda: True)


@pytest.mark.slow
def test_real_ceilings_are_in_order(python_command: tuple[str, ...]) -> None:
    """A processor multiplies often in a millisecond; data in caches is not slower than in memory."""
    found = KeptCeilings(None, python_command).of(1, lambda: False)

    assert found is not None
    assert found.macs_per_ms.keys() == {"int8", "float32"}
    assert min(found.macs_per_ms.values()) > 1e4
    sizes = sorted(found.bytes_per_ms)
    assert found.bytes_per_ms[sizes[0]] > 0.5 * found.bytes_per_ms[sizes[-1]]
    assert tuple(sizes) == calibration._SETS_BYTES


def test_reference_file_has_a_time() -> None:
    """Its median is over all runs, before and after."""
    reference = Reference()
    reference.run()
    first = reference.median_ms
    reference.run()

    assert first > 0
    assert reference.median_ms > 0
