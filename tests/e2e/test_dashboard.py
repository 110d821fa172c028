"""The dashboard in a real browser, over all of Edgepress: a job is posted, followed, judged and taken home."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.stack import Edgepress
from fakes.browser import DESKTOP, PHONE, Visitor, chromium, visitor

pytestmark = pytest.mark.slow

SEED = "7"  # of a training that no other test has asked for, so that there is something to watch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def job(browser: Browser, edgepress: Edgepress) -> str:
    """The address of a job that was posted by the form and has been followed to its end."""
    with visitor(browser, edgepress.url, DESKTOP) as someone:
        page = someone.page
        page.goto("/")
        someone.check()
        page.get_by_role("navigation").get_by_role("link", name="New job").click()
        fill_in(page)
        someone.check()
        see_the_plan(page)
        page.get_by_role("button", name="Post the job").click()
        page.wait_for_url("**/jobs/job-*")
        follow(someone)
        return page.url.removeprefix(edgepress.url)


def fill_in(page: Page) -> None:
    """A tiny training of two epochs, in two exports. What is wrong at first is said at its field, and mended."""
    page.get_by_label("name", exact=True).first.fill("by hand")
    page.get_by_label("image size").fill("8")
    page.get_by_label("architecture").select_option("mobilenet_v2")
    page.get_by_label("width").fill("0.35")
    page.locator("summary", has_text="training").click()
    page.get_by_label("epochs", exact=True).fill("2")
    page.get_by_label("batch size").fill("64")
    page.get_by_label("seed", exact=True).fill(SEED)
    page.get_by_label("pipelines", exact=True).select_option("own pipelines")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_label("image size")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#problems")).to_contain_text("32 or more")
    page.get_by_label("image size").fill("32")


def see_the_plan(page: Page) -> None:
    """Before anything is posted."""
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("#plan-words")).to_contain_text("1 pipeline, 6 steps")
    expect(page.locator("#plan-graph .node")).to_have_count(6)
    assert page.url.endswith("/new")


def follow(someone: Visitor) -> None:
    """From the first step to the last, without loading the page again."""
    page = someone.page
    page.evaluate("window.isStillTheSame = true")
    expect(page.locator(".node.running").first).to_be_visible()
    expect(page.locator(".training-of[data-epochs='1']")).to_be_visible()
    expect(page.locator(".training-of[data-epochs='2']")).to_be_visible()
    expect(page.locator("#state")).to_have_text("succeeded")
    expect(page.locator(".node.succeeded")).to_have_count(6)
    expect(page.locator("#progress")).to_have_js_property("value", 1)
    assert page.evaluate("window.isStillTheSame")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_job_can_be_read_judged_and_taken_home(
    browser: Browser, edgepress: Edgepress, job: str, viewport: dict[str, int], colours: str
) -> None:
    """The order changes with the weights, at once and without a new job; the bundle is what runs on a board."""
    with visitor(browser, edgepress.url, viewport, color_scheme=colours, accept_downloads=True) as someone:
        page = someone.page
        page.goto(job)
        first = page.locator(".ranking tbody tr").first
        expect(first).to_be_visible()
        set_weights(page, accuracy=0, time=0, size=10)
        expect(first).to_contain_text("base int8")
        set_weights(page, accuracy=0, time=0, size=0)
        expect(page.locator("#notices")).to_contain_text("all weights are 0")
        page.get_by_role("button", name="As the job has it").click()
        page.get_by_label("size, MB", exact=True).fill("0.0001")
        expect(page.locator("#first")).to_contain_text("nothing keeps the limits")
        page.get_by_role("button", name="As the job has it").click()
        expect(page.locator("#first")).to_contain_text("First on")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the bundle of").first.click()
        files = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())).namelist()
        assert {Path(name).name for name in files} >= {"model.tflite", "labels.txt", "predict.py", "MODEL_CARD.md"}
        page.locator("summary", has_text="All steps").click()
        page.get_by_role("button", name="int8", exact=True).click()
        expect(page.locator("#step")).to_contain_text("tflite")
        someone.complaints = [each for each in someone.complaints if "422" not in each]  # the weights of 0, above
        someone.check()
        keep_picture(page, "job", viewport, colours)
    assert len(edgepress.job_ids()) == len(set(edgepress.job_ids()))


def keep_picture(page: Page, name: str, viewport: dict[str, int], colours: str) -> None:
    """Where EDGEPRESS_TEST_PICTURES names a folder: how the pictures in docs/images are made."""
    folder = os.environ.get("EDGEPRESS_TEST_PICTURES")
    if folder:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=f"{folder}/{name}-{viewport['width']}-{colours}.png", full_page=viewport == PHONE)


def set_weights(page: Page, **weights: float) -> None:
    """Moves sliders."""
    for name, weight in weights.items():
        page.get_by_label(name, exact=True).fill(str(weight))


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_other_page_is_for_everybody(
    browser: Browser, edgepress: Edgepress, job: str, viewport: dict[str, int]
) -> None:
    """The list, the devices, one model, two jobs side by side: no complaint, nobody barred, nothing too wide."""
    again = edgepress.http.get(f"/v1{job}/spec").json() | {"name": "by hand again"}
    edgepress.post({name: value for name, value in again.items() if name != "webhook"})
    with visitor(browser, edgepress.url, viewport) as someone:
        page = someone.page
        page.goto(job)
        page.locator(".ranking a").first.click()
        expect(page.get_by_role("heading", name="Class by class")).to_be_visible()
        someone.check()
        page.goto("/devices")
        expect(page.get_by_role("heading", name="host")).to_contain_text("online")
        someone.check()
        page.goto("/?state=succeeded")
        for name in ("by hand", "by hand again"):
            page.get_by_label(f"Compare {name},").first.check()
        someone.check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", name="By pipeline")).to_be_visible()
        expect(page.get_by_text("the same file").first).to_be_visible()
        someone.check()
