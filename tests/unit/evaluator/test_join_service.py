"""The systemd unit of the evaluator."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_evaluator.join.service import Scope, Service


def unit(scope: Scope, folder: Path, *, owner: str = "pi", python: str = "/usr/bin/python3") -> Service:
    """A unit in a folder of the test's."""
    command = (python, "-m", "edgepress_evaluator.main")
    return Service(scope, command, Path("/etc/edgepress/evaluator.json"), folder, owner)


def test_a_unit_of_the_system_reads_its_settings_as_a_credential(tmp_path: Path) -> None:
    """The file belongs to root; the service runs as the owner of the program, or as a user of systemd's."""
    text = unit("system", tmp_path).text
    assert "User=pi\n" in text
    assert "LoadCredential=evaluator.json:/etc/edgepress/evaluator.json\n" in text
    assert "Environment=EDGEPRESS_EVALUATOR_SETTINGS=%d/evaluator.json\n" in text
    assert "After=network-online.target time-sync.target\n" in text
    assert text.endswith("WantedBy=multi-user.target\n")
    of_root = unit("system", tmp_path, owner="root").text
    assert "DynamicUser=yes\n" in of_root
    assert "User=root" not in of_root


def test_a_path_is_written_as_systemd_reads_it(tmp_path: Path) -> None:
    """Blanks are quoted, and signs that systemd replaces are doubled."""
    text = unit("user", tmp_path, python="/home/a b/100%/$x/python").text
    assert 'ExecStart="/home/a b/100%%/$$x/python" -m edgepress_evaluator.main\n' in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
@pytest.mark.parametrize("scope", ["user", "system"])
def test_systemd_finds_no_mistake(tmp_path: Path, scope: Scope) -> None:
    """The installed version verifies the unit."""
    written = unit(scope, tmp_path, owner="root", python="/bin/true")
    written.file.write_text(written.text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *(["--user"] if scope == "user" else []), written.file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line for line in checked.stderr.splitlines() if "edgepress-evaluator" in line] == []


def test_a_unit_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    """Before systemd is asked."""
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="can't be written"):
        list(unit("user", tmp_path / "file").install(lambda _: pytest.fail("systemd was asked")))
