"""Which GPU a worker takes. The driver's program is imitated: there is no GPU here."""

import logging
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgepress_common.errors import UnavailableError
from edgepress_worker.runtime.accelerators import VISIBLE, Gpu, find_gpus, settle

TWO = (Gpu(uuid="GPU-aa", name="NVIDIA T4"), Gpu(uuid="GPU-bb", name="NVIDIA T4"))


def program(folder: Path, script: str) -> str:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_gpus_are_those_the_driver_lists(tmp_path: Path) -> None:
    """A line each: number, name."""
    assert find_gpus(program(tmp_path, "echo 'GPU-aa, NVIDIA T4'; echo 'GPU-bb, NVIDIA T4'")) == TWO


def test_without_a_driver_there_are_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No program; or one that fails, which is said."""
    assert find_gpus(str(tmp_path / "nothing")) == ()
    assert find_gpus(program(tmp_path, "echo no driver loaded >&2; exit 9")) == ()
    assert "no driver loaded" in caplog.text


def test_each_worker_has_a_gpu_of_its_own(tmp_path: Path) -> None:
    """Two get one each, a third is told that there is none left, and a GPU that is let go can be had again."""
    with ExitStack() as second:
        with ExitStack() as first:
            assert settle({}, tmp_path, first, TWO) == {VISIBLE: "GPU-aa"}
            assert settle({}, tmp_path, second, TWO) == {VISIBLE: "GPU-bb"}
            with ExitStack() as third, pytest.raises(UnavailableError, match="at most 2 workers"):
                settle({}, tmp_path, third, TWO)
        with ExitStack() as fourth:
            assert settle({}, tmp_path, fourth, TWO) == {VISIBLE: "GPU-aa"}


def test_a_gpu_that_was_named_is_left_to_whoever_named_it(tmp_path: Path) -> None:
    """Nothing is taken, nothing is changed."""
    with ExitStack() as held:
        assert settle({VISIBLE: "1"}, tmp_path, held, TWO) == {}
    assert not (tmp_path / "gpus").exists()


def test_what_was_found_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the start, with and without GPUs."""
    caplog.set_level(logging.INFO)
    with ExitStack() as held:
        settle({}, tmp_path, held, ())
        settle({}, tmp_path, held, TWO)
    assert "accelerators: none found; computes on" in caplog.text
    assert "accelerators: found NVIDIA T4, NVIDIA T4; this worker's is GPU-aa (NVIDIA T4)" in caplog.text
