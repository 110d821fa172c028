"""States of pages in a browser: loading, failed, empty; and addresses of what a page shows, with the back button."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from fakes.browser import DESKTOP, PHONE, Visitor, visitor
from fakes.gateway_app import GatewayApp, gateway_with_address
from fakes.gateway_process import running_gateway
from fakes.packed import INT8, show_images
from fakes.searching import RandomFigures, finish_search, submit_search

PAGES = {
    "/": "Jobs",
    "/new": "New job",
    "/devices": "Devices",
    "/compare": "Compare jobs",
    "/jobs/{job}": "Job",
    "/jobs/{search}/search": "Search",
    "/jobs/{job}/data": "Data set",
    f"/jobs/{{job}}/models/{INT8}": "File",
    f"/jobs/{{job}}/models/{INT8}/errors": "Errors",
}
BURST_MS = 1100  # changes within a second are one entry of the history


@dataclass(frozen=True)
class Served:
    """A gateway with two finished jobs and a search."""

    gateway: GatewayApp
    url: str
    names: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The gateway."""
    with gateway_with_address(tmp_path_factory.mktemp("gateway")) as (gateway, url):
        names = {"job": gateway.finished_job(name="one", tags=["night"]), "other": gateway.finished_job(name="two")}
        show_images(gateway)
        gateway.workforce.change = RandomFigures(gateway, random.Random(0)).change
        names["search"] = submit_search(
            gateway, objectives=["accuracy", "latency"], limits={"max_latency_ms": 30}, budget={"trials": 8}
        )
        finish_search(gateway)
        yield Served(gateway, url, names)


@pytest.fixture
def someone(browser: Browser, served: Served) -> Iterator[Visitor]:
    """A user with an empty window."""
    with visitor(browser, served.url, DESKTOP) as visiting:
        yield visiting


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_that_it_loads_and_why_it_failed(someone: Visitor, served: Served, path: str) -> None:
    """With its heading in both states; trying again shows the content."""
    page = someone.page
    problem = {"title": "Service unavailable", "detail": "the database does not answer", "status": 503, "type": "x"}
    held: list[Route] = []
    state = "silent"

    def answer(route: Route) -> None:
        if state == "silent":
            held.append(route)
        elif state == "unavailable":
            route.fulfill(status=503, json=problem)
        else:
            route.continue_()

    page.route("**/v1/**", answer)
    page.goto(path.format(**served.names))
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(page.locator("#loading")).to_be_visible()
    expect(page.locator("main")).to_have_attribute("aria-busy", "true")
    state = "unavailable"
    for route in held:
        route.fulfill(status=503, json=problem)
    failure = page.get_by_role("alert").filter(has_text="This page could not be loaded.")
    expect(failure).to_contain_text("Service unavailable: the database does not answer")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#loading")).to_be_hidden()
    someone.complaints.clear()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
    someone.check()
    state = "available"
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("main:not([aria-busy])")).to_be_attached()
    expect(page.locator("#failure")).to_have_count(0)
    expect(page.locator("#loading")).to_be_hidden()


def test_pages_without_data_say_what_to_do(browser: Browser, tmp_path: Path) -> None:
    """A new gateway has no jobs, no devices and nothing to compare."""
    with running_gateway(tmp_path) as (_, url), visitor(browser, url, PHONE) as someone:
        page = someone.page
        for path, words in (
            ("/", "No jobs yet. Create the first job."),
            ("/?state=failed", "No matching jobs."),
            ("/devices", "No devices yet. Run “edgepress-evaluator join” on a board to add it."),
            ("/compare", "A comparison needs at least two jobs."),
        ):
            page.goto(path)
            expect(page.get_by_role("main")).to_contain_text(words)
            someone.check()


def go_back_to(page: Page, address: str) -> None:
    """Go back, which shows an earlier state of the same page."""
    page.go_back()
    expect(page).to_have_url(address)


def test_filters_of_the_list_are_kept_and_returned_to(someone: Visitor, served: Served) -> None:
    """Each choice is an entry of the history, on the same page."""
    page = someone.page
    page.goto("/")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Tag").select_option("night")
    expect(rows).to_have_count(1)
    page.wait_for_timeout(BURST_MS)
    page.get_by_label("State").select_option("failed")
    expect(page.locator("#empty")).to_have_text("No matching jobs.")
    assert page.url == f"{served.url}/?state=failed&tag=night"
    go_back_to(page, f"{served.url}/?tag=night")
    expect(rows).to_have_count(1)
    expect(page.get_by_label("State")).to_have_value("")
    go_back_to(page, f"{served.url}/")
    expect(rows).to_have_count(3)
    page.go_forward()
    expect(rows).to_have_count(1)
    page.reload()
    expect(page.get_by_label("Tag")).to_have_value("night")
    expect(rows).to_have_count(1)


def test_weights_and_hidden_series_are_kept_together(someone: Visitor, served: Served) -> None:
    """They own different parts of the address: neither removes the other, and the back button undoes one."""
    page = someone.page
    page.goto("/jobs/{job}".format(**served.names))
    figure = page.locator("figure.trade_off").first
    series = figure.locator(".legend button")
    expect(series.first).to_have_attribute("aria-pressed", "true")
    series.first.click()
    expect(page).to_have_url(re.compile(r"\?hide="))
    page.wait_for_timeout(BURST_MS)
    page.locator("#recommendation details.goals summary").click()
    page.get_by_label("Ranking method").select_option("topsis")
    expect(page.locator(".ranking th").last).to_have_text("TOPSIS")
    assert "hide=" in page.url
    page.reload()
    expect(page.locator(".ranking th").last).to_have_text("TOPSIS")
    expect(series.first).to_have_attribute("aria-pressed", "false")
    page.go_back()
    expect(page.locator(".ranking th").last).to_have_text("Weighted sum")
    expect(series.first).to_have_attribute("aria-pressed", "false")
    page.go_back()
    expect(series.first).to_have_attribute("aria-pressed", "true")


def test_what_a_search_shows_is_kept(someone: Visitor, served: Served) -> None:
    """The selected choices, and the trial whose lineage is shown."""
    page = someone.page
    page.goto("/jobs/{search}/search".format(**served.names))
    rows = page.locator("#table tbody tr")
    choice = page.locator("#filters select").first
    expect(choice).to_be_visible()
    every = rows.count()
    choice.select_option(index=1)
    expect(page).to_have_url(re.compile(r"\?only\.[a-z+]+="))
    some = rows.count()
    assert 0 < some < every
    page.wait_for_timeout(BURST_MS)
    rows.first.get_by_role("button").click()
    expect(page.locator("#lineage")).to_be_visible()
    title = page.locator("#lineage-title").inner_text()
    page.reload()
    expect(page.locator("#lineage-title")).to_have_text(title)
    expect(rows).to_have_count(some)
    page.go_back()
    expect(page.locator("#lineage")).to_be_hidden()
    page.go_back()
    expect(rows).to_have_count(every)


def test_images_and_latency_models_are_returned_to(someone: Visitor, served: Served) -> None:
    """The class of the images on one page, the open model of a device on another."""
    page = someone.page
    page.goto("/jobs/{job}/data".format(**served.names))
    page.get_by_label("Class", exact=True).select_option("1")
    expect(page.locator("#gallery")).to_contain_text("of the class 1")
    page.go_back()
    expect(page.locator("#gallery")).to_contain_text("of all classes in turn")
    expect(page.get_by_label("Class", exact=True)).to_have_value("")
    page.goto("/devices")
    page.locator(".card summary").first.click()
    expect(page).to_have_url(re.compile(r"/devices\?model=pi"))
    page.reload()
    expect(page.locator(".card details").first).to_have_attribute("open", "")
    page.go_back()
    expect(page.locator(".card details").first).not_to_have_attribute("open", "")


def test_a_comparison_is_pinned_linked_and_unpinned(someone: Visitor, served: Served) -> None:
    """It has a page of its own under its name, and the list of comparisons leads there."""
    page = someone.page
    page.goto("/compare?job={job}&job={other}".format(**served.names))
    page.get_by_label("Keep this comparison as").fill("Day <b>against</b> night")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Day <b>against</b> night")
    expect(page.locator("table.comparison")).to_be_visible()
    assert re.search(r"/comparisons/cmp-[0-9a-f]{16}$", page.url)
    someone.check()
    page.goto("/compare")
    link = page.get_by_role("region", name="Pinned comparisons").get_by_role("link")
    expect(link).to_have_text("Day <b>against</b> night")
    someone.check()
    link.click()
    expect(page.locator("table.comparison")).to_be_visible()
    address = page.url
    page.goto("/compare")
    page.get_by_role("button", name="Unpin Day").click()
    expect(page.locator("#pinned")).to_be_hidden()
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison not found")
