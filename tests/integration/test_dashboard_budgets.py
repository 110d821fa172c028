"""Budgets of pages, in a browser with data: their weight, that nothing moves, and what a first paint waits for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from fakes.browser import DESKTOP, PHONE, visitor
from fakes.gateway_app import gateway_with_address
from fakes.jobs import with_test_split
from fakes.packed import INT8, show_images
from fakes.searching import RandomFigures, finish_search, submit_search

pytestmark = pytest.mark.slow

MOST_BYTES = 300_000  # compressed, of the page with its scripts and styles
MOST_SHIFT = 0.1  # of Chromium's cumulative layout shift: what Core Web Vitals call good
JOBS = 40  # in the list, of which a page has 20
# Pages by name: path, whether it loads the chart library, and how often it asks the API before it shows its content.
PAGES = {
    "jobs": ("/", False, 2),
    "new job": ("/new", False, 7),
    "new job as text": ("/new?as=text&template=the-study", False, 10),
    "job": ("/jobs/{job}", True, None),
    "search": ("/jobs/{search}/search", True, None),
    "data set": ("/jobs/{job}/data", False, None),
    "file": (f"/jobs/{{job}}/models/{INT8}", False, 3),
    "errors": (f"/jobs/{{job}}/models/{INT8}/errors", False, None),
    "devices": ("/devices", False, 1),
    "jobs to compare": ("/compare", False, 2),
    "comparison": ("/compare?job={job}&job={other}", False, 2),
}
OBSERVE = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifts.push(each.value);
  }).observe({ type: "layout-shift", buffered: true });
"""
MEASURE = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const loaded = performance.getEntriesByType("resource");
  const own = loaded.filter(({ name }) => name.includes("/static/"));
  return {
    bytes: own.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, page.encodedBodySize),
    files: own.map(({ name }) => name.split("/").pop()),
    blocking: loaded.filter((each) => each.renderBlockingStatus === "blocking").map(({ name }) =>
      name.split("/").pop()),
    asked: loaded.filter(({ name }) => name.includes("/v1/")).length,
    answers: loaded.filter(({ name }) => name.includes("/v1/")).reduce((sum, each) => sum + each.encodedBodySize, 0),
    shift: window.shifts.reduce((sum, value) => sum + value, 0),
  };
}"""


@dataclass(frozen=True)
class Served:
    """A gateway with jobs, of which one is a search."""

    url: str
    names: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The gateway."""
    with gateway_with_address(tmp_path_factory.mktemp("gateway")) as (gateway, url):
        gateway.workforce.change = with_test_split
        data = {"kind": "builtin", "image_size": 32, "test_fraction": 0.2}
        names = {"job": gateway.finished_job(dataset=data, name="one"), "other": gateway.finished_job(name="two")}
        show_images(gateway)
        gateway.workforce.change = RandomFigures(gateway, random.Random(0)).change
        limits = {"max_latency_ms": 30}
        objectives = ["accuracy", "latency", "coded"]
        names["search"] = submit_search(gateway, objectives=objectives, limits=limits, budget={"trials": 8})
        finish_search(gateway)
        for number in range(JOBS):
            gateway.submit(name=f"job {number}", project="doors", tags=["night"])
        yield Served(url, names)


def measured(browser: Browser, served: Served, name: str, size: dict[str, int]) -> dict[str, Any]:
    """Load a page with an empty cache until it shows its content and its charts, and return what it took."""
    path, has_charts, _ = PAGES[name]
    with visitor(browser, served.url, size) as someone:
        page = someone.page
        page.add_init_script(OBSERVE)
        page.goto(path.format(**served.names))
        expect(page.locator("main:not([aria-busy])")).to_be_attached()
        if has_charts:
            expect(page.locator("figure.is-live svg").first).to_be_visible()
        page.wait_for_load_state("networkidle") if name != "job" else page.wait_for_timeout(1000)
        found: dict[str, Any] = page.evaluate(MEASURE)
        return found


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_within_its_budgets(browser: Browser, served: Served, name: str, size: dict[str, int]) -> None:
    """Less than 300 kB, nothing moves, and the first paint waits for two style sheets and no answer of the API."""
    found = measured(browser, served, name, size)
    _, has_charts, asks = PAGES[name]
    assert 0 < found["bytes"] < MOST_BYTES
    assert ("echarts.js" in found["files"]) == has_charts
    assert ("editor.js" in found["files"]) == name.startswith("new job")
    assert found["shift"] < MOST_SHIFT
    assert found["blocking"] == ["report.css", "dashboard.css"]
    if asks is not None:
        assert found["asked"] <= asks


def test_a_list_costs_the_same_with_any_number_of_jobs(browser: Browser, served: Served) -> None:
    """Two requests, whose answers have one page of jobs: a thousand jobs take no more than forty."""
    found = measured(browser, served, "jobs", DESKTOP)
    assert found["asked"] == 2
    assert found["answers"] < 5_000
