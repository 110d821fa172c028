"""Programs that run with an extension folder: declarations are read at import, so each needs a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_TESTS = Path(__file__).parents[1]


def run_with_extensions(code: str, files: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with an extension folder.

    Args:
        code: The program; it may import `fakes` and other tests.
        files: The extension's files: their paths within the folder, and their contents.
        folder: The extension folder.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        # Files that change within a second must not be taken from compiled ones.
        env=os.environ | {"EDGEPRESS_EXTENSIONS": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=_TESTS,
        capture_output=True,
        text=True,
        check=False,
    )
