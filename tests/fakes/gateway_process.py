"""The gateway as a process of its own, over a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_gateway(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and its address."""
    environment = {
        **os.environ,
        "EDGEPRESS_DATABASE_URL": f"sqlite:///{folder}/edgepress.db",
        "EDGEPRESS_ARTIFACTS": str(folder / "artifacts"),
        "EDGEPRESS_REDIS_URL": "redis://127.0.0.1:1/0",
        "EDGEPRESS_PORT": "0",
        "EDGEPRESS_REQUIRE_TOKENS": "false",
        **settings,
    }
    command = [sys.executable, "-c", "from edgepress_api.gateway import main; main()"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = next(filter(None, (re.search(r"listens on (\S+)", line) for line in process.stderr)))
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()
