"""Checks of the board that joins."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from edgepress_evaluator.join.board import _PYTHONS, Board, check_board, check_folder, state_folder

PI = Board(system="Linux", machine="aarch64", word_bits=64, libc=("glibc", "2.41"), python=(3, 13))
EVALUATOR = Path(__file__).parents[3] / "evaluator" / "pyproject.toml"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine": "armv7l", "word_bits": 32}, "this is a 32-bit system (armv7l). LiteRT has no build for 32-bit"),
        ({"machine": "armv6l", "word_bits": 32}, "this is a 32-bit system (armv6l)"),
        ({"word_bits": 32}, "the kernel is 64-bit (aarch64), but the programs of this system are 32-bit"),
        ({"machine": "riscv64"}, "this processor is riscv64; LiteRT has builds for aarch64 and x86_64 only"),
        ({"libc": ("", "")}, "is not glibc"),
        ({"libc": ("glibc", "2.24")}, "glibc 2.24 is too old; LiteRT needs 2.27 or later"),
        ({"python": (3, 9)}, "this is Python 3.9; an evaluator runs on 3.11, 3.12, 3.13"),
        ({"python": (3, 14)}, "this is Python 3.14"),
        ({"system": "Darwin"}, "this system is Darwin; an evaluator runs on Linux"),
    ],
)
def test_a_system_that_litert_has_no_build_for_is_refused(changes: dict[str, object], said: str) -> None:
    """Each with its reason; LiteRT is not loaded."""
    (finding,) = check_board(replace(PI, **changes), ["no-such-program"])  # type: ignore[arg-type]
    assert finding.level == "problem"
    assert said in finding.text


def test_two_reasons_are_both_said() -> None:
    """An old system is not upgraded twice."""
    old = replace(PI, libc=("glibc", "2.24"), python=(3, 5))
    assert [finding.level for finding in check_board(old, [])] == ["problem", "problem"]


def test_this_system_is_suitable(python_command: tuple[str, ...]) -> None:
    """The tests run on one; its LiteRT is loaded."""
    findings = list(check_board(Board.here(), python_command))
    assert [finding.level for finding in findings] == ["ok", "ok"]
    assert findings[0].text.startswith("64-bit Linux on ")
    assert findings[1].text.startswith("LiteRT 2.")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "ends with an illegal instruction"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ends with signal 11"),
        ("raise ImportError('libLiteRt.so: no such file')", "can't be loaded: ImportError: libLiteRt.so: no such file"),
    ],
)
def test_a_litert_that_can_not_be_loaded_is_reported(
    tmp_path: Path, script: str, said: str, python_command: tuple[str, ...]
) -> None:
    """Its own process ends, not this one."""
    starter = tmp_path / "starter.py"
    starter.write_text(script)
    (_, finding) = check_board(PI, [*python_command, str(starter)])
    assert (finding.level, said in finding.text) == ("problem", True), finding.text


def test_a_python_that_can_not_be_started_is_reported() -> None:
    """With the setting that names it."""
    (_, finding) = check_board(PI, ["/no/such/python"])
    assert (finding.level, "EDGEPRESS_PYTHON_COMMAND" in finding.text) == ("problem", True)


def test_versions_of_python_are_those_of_the_package() -> None:
    """The classifiers and requires-python name them."""
    project = tomllib.loads(EVALUATOR.read_text())["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line]
    assert [".".join(map(str, version)) for version in _PYTHONS] == named
    assert project["requires-python"] == ">=3.11,<3.14"
    assert sys.version_info[:2] in _PYTHONS


def test_a_folder_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    """The message names another choice; nothing is left in a folder that can be written."""
    (tmp_path / "file").touch()
    refused = check_folder(tmp_path / "file" / "folder")
    assert (refused.level, "--cache" in refused.text) == ("problem", True)
    fine = check_folder(tmp_path / "folder")
    assert fine.level in {"ok", "warning"}
    assert "GB free" in fine.text
    assert list((tmp_path / "folder").iterdir()) == []


def test_the_folder_is_the_users_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """See the XDG Base Directory Specification; that of the system is systemd's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder(of_system=False) == tmp_path / "edgepress" / "evaluator"
    assert state_folder(of_system=True) == Path("/var/lib/edgepress-evaluator")
