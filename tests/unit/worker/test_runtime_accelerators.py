"""Selection of a worker's GPU. The driver's program is simulated: there is no GPU here."""

import logging
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgepress_common.software import installed_software
from edgepress_worker.runtime.accelerators import COMPUTES_ON, VISIBLE, Gpu, find_gpus, settle

TWO = (Gpu(uuid="GPU-aa", name="NVIDIA T4"), Gpu(uuid="GPU-bb", name="NVIDIA T4"))


def program(folder: Path, script: str) -> str:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_gpus_are_those_the_driver_lists(tmp_path: Path) -> None:
    """A line each: number, name."""
    assert find_gpus(program(tmp_path, "echo 'GPU-aa, NVIDIA T4'; echo 'GPU-bb, NVIDIA T4'")) == TWO


def test_without_a_driver_there_are_none(tmp_path: Path) -> None:
    """There is no program, either."""
    assert find_gpus(str(tmp_path / "nothing")) == ()


def test_a_driver_that_does_not_answer_is_named_in_every_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker computes on its processors, and a user need not read its log to learn why."""
    broken = program(tmp_path, "echo no driver loaded >&2; exit 9")
    with ExitStack() as held:
        found = settle({}, tmp_path, held, lambda: find_gpus(broken))
    assert list(found) == [COMPUTES_ON]
    assert "processors; the GPU driver does not answer" in found[COMPUTES_ON]
    assert "ended with 9: no driver loaded" in found[COMPUTES_ON]
    assert found[COMPUTES_ON] in caplog.text
    assert found[COMPUTES_ON] in installed_software(computes_on=found[COMPUTES_ON]).words


def test_each_worker_has_a_gpu_of_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two workers get one each; a third waits, says so once, and gets the first that is released."""
    waited: list[float] = []
    with ExitStack() as first, ExitStack() as second, ExitStack() as third:
        assert settle({}, tmp_path, first, lambda: TWO) == {VISIBLE: "GPU-aa", COMPUTES_ON: "NVIDIA T4"}
        assert settle({}, tmp_path, second, lambda: TWO) == {VISIBLE: "GPU-bb", COMPUTES_ON: "NVIDIA T4"}

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                first.close()

        assert settle({}, tmp_path, third, lambda: TWO, wait)[VISIBLE] == "GPU-aa"
    assert len(waited) == 3
    assert caplog.text.count("each of the 2 GPUs here has a worker already") == 1


def test_a_gpu_that_was_named_is_not_given_to_another(tmp_path: Path) -> None:
    """No GPU is reserved, no setting is changed."""
    with ExitStack() as held:
        assert settle({VISIBLE: "1"}, tmp_path, held, lambda: TWO) == {COMPUTES_ON: "CUDA_VISIBLE_DEVICES=1"}
    assert not (tmp_path / "gpus").exists()


def test_what_was_found_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log at the start says so, with and without GPUs."""
    caplog.set_level(logging.INFO)
    with ExitStack() as held:
        settle({}, tmp_path, held, lambda: ())
        settle({}, tmp_path, held, lambda: TWO)
    assert "accelerators: none; computes on" in caplog.text
    assert "accelerators: found NVIDIA T4, NVIDIA T4; this worker's is GPU-aa (NVIDIA T4)" in caplog.text
