"""Signs of life, and whoever looks at them."""

import os
import subprocess
import sys
import time
from pathlib import Path

from edgepress_common.alive import SignOfLife, complaint


def test_a_sign_just_given_is_no_reason_to_complain(tmp_path: Path) -> None:
    """Given again and again, it stays fresh."""
    SignOfLife(tmp_path / "alive").give()
    assert complaint(tmp_path / "alive", 30) is None


def test_an_old_sign_is_told_with_its_age(tmp_path: Path) -> None:
    """And with the age that would be accepted."""
    (tmp_path / "alive").touch()
    os.utime(tmp_path / "alive", (time.time() - 90,) * 2)
    assert complaint(tmp_path / "alive", 30) == "the last sign of life is 90 s old; accepted: up to 30 s"


def test_no_sign_is_told_apart_from_no_file_to_look_at(tmp_path: Path) -> None:
    """A process that has just begun, and a setting that is missing."""
    assert "no sign of life yet" in str(complaint(tmp_path / "alive", 30))
    assert "EDGEPRESS_ALIVE_FILE is not set" in str(complaint(None, 30))


def test_the_health_check_ends_with_what_it_found(tmp_path: Path) -> None:
    """0 for a fresh sign; 1 without one, or when it is called wrongly."""

    def check(*arguments: str) -> int:
        command = [sys.executable, "-m", "edgepress_common.alive", *arguments]
        environment = os.environ | {"EDGEPRESS_ALIVE_FILE": str(tmp_path / "alive")}
        return subprocess.run(command, env=environment, check=False, stderr=subprocess.DEVNULL).returncode

    assert check("30") == 1
    (tmp_path / "alive").touch()
    assert check("30") == 0
    assert check("soon") == 1
