"""Processes that are isolated from their environment find the packages of the process that starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import subprocess, sys
from edgepress_worker.isolated_python import isolated_python
sys.exit(subprocess.run(isolated_python("only_on_the_path"), check=False).returncode)
"""


def test_packages_of_pythonpath_are_found(tmp_path: Path) -> None:
    """Images have all packages in a folder that PYTHONPATH names; the current folder stays closed."""
    packages, current = tmp_path / "packages", tmp_path / "current"
    packages.mkdir()
    current.mkdir()
    (packages / "only_on_the_path.py").write_text("import json\ndef main(): raise SystemExit(json.HELD)\n")
    (packages / "json.py").write_text("HELD = 7\n")
    (current / "json.py").write_text("raise SystemExit(9)\n")
    environment = os.environ | {"PYTHONPATH": str(packages)}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, cwd=current.parent, check=False)
    assert ran.returncode == 7
