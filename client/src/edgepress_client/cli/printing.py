"""Prints a report as PDF, with the Chromium or Chrome of this machine.

The report is one HTML file with styles for paper, which browsers lay out. A library that does so without a browser
would be larger than the client, and would know another part of CSS.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from edgepress_client.errors import MissingLibraryError
from edgepress_common.errors import InvalidInputError

_PROGRAMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip
_SECONDS = 120.0  # a report of a hundred files takes two


def print_pdf(document: bytes, target: Path) -> None:
    """Write a report as PDF.

    Args:
        document: The report as HTML.
        target: The file to write; it is replaced if it exists.

    Raises:
        MissingLibraryError: There is no browser.
        InvalidInputError: The browser does not print it, or the file can't be written.
    """
    browser = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if browser is None:
        raise MissingLibraryError(
            f"a PDF needs Chromium or Chrome, and none is in PATH; install one, or write {target.with_suffix('.html')} "
            "and print it from a browser"
        )
    try:
        # Next to the target: a browser in a container of its own, such as a snap, does not see other folders.
        with tempfile.TemporaryDirectory(prefix="edgepress-", dir=target.absolute().parent) as folder:
            page, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
            page.write_bytes(document)
            _run(browser, page, printed, Path(folder, "profile"))
            printed.replace(target)
    except OSError as error:
        raise InvalidInputError(f"can't write {target}: {error.strerror or error}") from error


def _run(browser: str, page: Path, printed: Path, profile: Path) -> None:
    command = [
        browser,
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--no-pdf-header-footer",
        f"--user-data-dir={profile}",
        f"--print-to-pdf={printed}",
        page.as_uri(),
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.insert(1, "--no-sandbox")  # Chromium has none for root
    try:
        ran = subprocess.run(  # noqa: S603 - a browser that the user has installed
            command, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInputError(f"{browser} has not printed the report within {_SECONDS:g} seconds") from error
    if ran.returncode or not printed.exists():
        lines = ran.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ran.returncode}"]
        raise InvalidInputError(f"{browser} can't print the report: {lines[-1][:300]}")
