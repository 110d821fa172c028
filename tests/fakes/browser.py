"""The machine's own Chromium, driven as a person would: what it shows, and whatever it complains of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own. Where there is none the test is skipped, unless it has to be there."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        reason = f"no browser on this machine ({', '.join(_NAMES)}): the dashboard is not looked at"
        if os.environ.get("EDGEPRESS_TEST_BROWSER") == "required":
            pytest.fail(f"{reason}, though EDGEPRESS_TEST_BROWSER says that it must be")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody with a window of the browser.

    Attributes:
        page: What is in it.
        complaints: What the browser wrote to its console, and what failed in a script.
        elsewhere: What was asked of any other host.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note_request(request.url))

    def check(self) -> None:
        """Nothing to complain of so far, and nothing on the page that bars people who see or use it otherwise."""
        assert self.complaints == []
        assert self.elsewhere == []
        violations: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        assert [(each["id"], each["help"], [node["html"] for node in each["nodes"]]) for each in violations] == []
        widths = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], f"the page is {widths[0]} pixels wide where there are {widths[1]}"

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.elsewhere.append(url)


@contextmanager
def visitor(browser: Browser, url: str, viewport: dict[str, int], **context: Any) -> Iterator[Visitor]:
    """A window of this size, with nothing remembered from others."""
    with browser.new_context(base_url=url, viewport=viewport, **context) as window:  # type: ignore[arg-type]
        window.set_default_timeout(60_000)
        yield Visitor(window.new_page(), url)
