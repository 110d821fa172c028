"""The Chromium of the machine, driven as a user would: what it shows, and each error that it reports."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_COLOURS = 256
PICTURES = os.environ.get("EDGEPRESS_TEST_PICTURES", "")
PATIENCE_MS = 60_000  # for each expected element, on a machine under other load
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with its own profile. Without one the test is skipped, unless a browser is required."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        reason = f"no browser on this machine ({', '.join(_NAMES)}): the dashboard is not looked at"
        if os.environ.get("EDGEPRESS_TEST_BROWSER") == "required":
            pytest.fail(f"{reason}, though EDGEPRESS_TEST_BROWSER says that it must be")
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A user with a window of the browser.

    Attributes:
        page: Page in the window.
        complaints: What the browser wrote to its console, what failed in a script, and requests that came to nothing.
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
        self.page.on("requestfailed", self._note_failure)

    def check(self) -> None:
        """Check that there are no errors so far, and no accessibility problems on the page."""
        assert self.complaints == []
        assert self.elsewhere == []
        violations: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        found = [(each["id"], each["help"], [node["html"] for node in each["nodes"]]) for each in violations]
        assert found == [], f"{self.page.url}: {found}"
        # The window's own width: a phone's browser zooms out until a page fits, and then says that it does.
        width, size = self.page.evaluate("document.documentElement.scrollWidth"), self.page.viewport_size
        assert size is not None
        assert width <= size["width"], f"{self.page.url} is {width} pixels wide where there are {size['width']}"

    def picture(self, name: str, *, of: str = "") -> None:
        """Puts what the window shows, or an element in full, into the folder that EDGEPRESS_TEST_PICTURES names."""
        target = self.page.locator(of) if of else self.page
        if isinstance(target, Locator):
            expect(target).to_be_visible()  # in every run: words on pages change more often than pictures are taken
        if not PICTURES:
            return
        taken = Image.open(io.BytesIO(target.screenshot(animations="disabled")))
        # A third of the size: a page is made of few colours.
        taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(f"{PICTURES}/{name}.png", optimize=True)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _note_failure(self, request: Request) -> None:
        # What a page was still asking for when it was left, and what became a download, is not a failure.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.failure}: {request.url}")

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.elsewhere.append(url)


@contextmanager
def visitor(browser: Browser, url: str, viewport: dict[str, int], **context: Any) -> Iterator[Visitor]:
    """A window of this size, with nothing remembered from others."""
    with browser.new_context(base_url=url, viewport=viewport, **context) as window:  # type: ignore[arg-type]
        window.set_default_timeout(PATIENCE_MS)
        yield Visitor(window.new_page(), url)


def unfold(page: Page) -> None:
    """Open all parts of a job's recommendation, which stay open when it is shown again."""
    expect(page.locator("#choices > section").first).to_be_visible()
    page.evaluate("for (const each of document.querySelectorAll('#recommendation details')) each.open = true")


_READ_SPEC = """async () => {
  const { src } = document.querySelector("script[type=module]");
  const { EditorView } = await import(new URL("editor.js", src));
  return EditorView.findFromDOM(document.querySelector(".cm-editor")).state.doc.toString();
}"""


def spec_text(page: Page) -> str:
    """The whole text in the editor of a spec, of which the page has only the lines that are in view."""
    found: str = page.evaluate(_READ_SPEC)
    return found
