"""A heartbeat file for health checks. Its modification time is when the process last worked.

A process beats where the work is done (a scheduler's round, an answered lease request), not in a thread of its own,
so that a process that hangs stops beating. The health check of the images, ``common/healthcheck.sh``, reads the age of
the file that ``EDGEPRESS_HEARTBEAT_FILE`` names.
"""

from pathlib import Path


class Heartbeat:
    """Updates the heartbeat file.

    Args:
        file: The file; None if there is no health check.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def beat(self) -> None:
        """Record that the process is working now."""
        if self._file is not None:
            self._file.touch()
