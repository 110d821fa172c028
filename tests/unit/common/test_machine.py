"""Programs of one machine have one machine id, and a queue can have it in its name."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.errors import InvalidInputError
from edgepress_common.machine import MachineId, boot_id
from edgepress_common.settings import MachineSettings


@pytest.mark.skipif(sys.platform != "linux", reason="the boot id is Linux's")
def test_processes_of_one_machine_have_one_id() -> None:
    """It is the kernel's, so it does not depend on the process, its environment or its host name."""
    command = [sys.executable, "-c", "from edgepress_common.machine import boot_id; print(boot_id())"]
    other = subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout.strip()
    assert TypeAdapter(MachineId).validate_python(boot_id()) == other


@pytest.mark.parametrize("content", [None, b"", b"a,b\n", b"\xff", b"a" * 65])
def test_an_id_that_can_not_be_read_is_unknown(tmp_path: Path, content: bytes | None) -> None:
    """On other systems, and where the file is not what Linux writes, no id is made up."""
    path = tmp_path / "boot_id"
    if content is not None:
        path.write_bytes(content)
    assert boot_id(path) is None


def test_a_setting_names_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is the boot id; what can't be part of the name of a queue is refused."""
    monkeypatch.delenv("EDGEPRESS_MACHINE_ID", raising=False)
    assert MachineSettings.read().machine_id == boot_id()
    monkeypatch.setenv("EDGEPRESS_MACHINE_ID", "rack-3")
    assert MachineSettings.read().machine_id == "rack-3"
    for value in ("", "a,b", "a*", "a" * 65, "-a"):
        monkeypatch.setenv("EDGEPRESS_MACHINE_ID", value)
        with pytest.raises(InvalidInputError, match="EDGEPRESS_MACHINE_ID"):
            MachineSettings.read()
        with pytest.raises(ValidationError):
            TypeAdapter(MachineId).validate_python(value)
