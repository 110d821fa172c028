"""The dashboard below a path of another server, in a real browser: lists, comparisons, uploads, events."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fakes.browser import DESKTOP, PHONE, Visitor, spec_text, unfold, visitor
from fakes.gateway_app import GatewayApp, gateway_with_address
from fakes.keras_files import keras_file
from fakes.prefix_proxy import prefix_proxy

PREFIX = "/tools/edgepress"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayApp, str, list[str]]]:
    """A gateway with 24 jobs that are done, where its proxy has it, and the jobs' ids, the newest first."""
    folder = tmp_path_factory.mktemp("gateway")
    with (
        gateway_with_address(folder, EDGEPRESS_ROOT_PATH=PREFIX) as (gateway, url),
        prefix_proxy(url, PREFIX) as address,
    ):
        jobs = [gateway.finished_job(name=f"digits {number}") for number in range(24)]
        yield gateway, address, jobs[::-1]


@pytest.fixture
def someone(browser: Browser, served: tuple[GatewayApp, str, list[str]]) -> Iterator[Visitor]:
    """A user who has signed in, as users behind a proxy must."""
    gateway, address, _ = served
    with visitor(browser, address, DESKTOP, accept_downloads=True) as visiting:
        visiting.page.goto(f"{address}/")
        visiting.page.get_by_label("Token", exact=True).fill(gateway.token("local", "submit", "read"))
        visiting.page.get_by_role("button", name="Sign in").click()
        expect(visiting.page.locator("#list table")).to_be_visible()
        visiting.complaints.clear()  # that it was asked for a token
        yield visiting


def test_jobs_are_listed_by_page_and_by_what_is_asked_for(
    someone: Visitor, served: tuple[GatewayApp, str, list[str]]
) -> None:
    """Lists have 20 jobs a page, newest first; the address contains the filters."""
    gateway, address, _ = served
    page, rows = someone.page, someone.page.locator("#list tbody tr")
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text("digits 23")
    expect(page.get_by_role("button", name="Newest")).to_be_disabled()
    page.get_by_role("button", name="Older").click()
    expect(rows).to_have_count(4)
    expect(rows.last).to_contain_text("digits 0")
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newest").click()
    expect(rows).to_have_count(20)

    page.get_by_role("searchbox", name="Search").fill("digits 17")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(rows).to_have_count(1)
    page.get_by_label("State").select_option("failed")
    expect(page.locator("#empty")).to_have_text("No matching jobs.")
    assert page.url == f"{address}/?state=failed&q=digits+17"
    page.goto(f"{address}/?state=succeeded&q=DIGITS+17&network=resnet18")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("digits 17")
    expect(page.get_by_label("Network")).to_have_value("resnet18")

    begun = gateway.submit(name="just posted", training={"epochs": 7})
    page.goto(f"{address}/?state=running")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(begun)
    gateway.workforce.work_until_nothing_is_left()
    expect(page.locator("#empty")).to_be_visible()  # by itself
    someone.check()


def test_labels_are_changed_and_found_again(someone: Visitor, served: tuple[GatewayApp, str, list[str]]) -> None:
    """On the job's page; the list shows them as links to the jobs that have them."""
    page, address, job_id = someone.page, served[1], served[2][3]
    page.goto(f"{address}/jobs/{job_id}")
    page.get_by_role("button", name="Add labels or notes").click()
    page.get_by_label("Project").fill("doors")
    page.get_by_label("Tags").fill("night, v2")
    page.get_by_label("Notes").fill("the lens was dirty")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#labels")).to_contain_text("the lens was dirty")
    expect(page.get_by_role("button", name="Edit labels")).to_be_focused()
    page.get_by_role("link", name="night").click()
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(job_id)
    expect(page.get_by_label("Tag")).to_have_value("night")
    page.get_by_label("Tag").select_option("")
    page.get_by_role("searchbox", name="Search").fill("lens dirty")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(rows).to_have_count(1)
    someone.check()


@pytest.mark.parametrize("count", [2, 3])
def test_jobs_are_compared(someone: Visitor, served: tuple[GatewayApp, str, list[str]], count: int) -> None:
    """Chosen in the list: side by side, a group of columns for each, and what was asked differently."""
    page, address = someone.page, served[1]
    for number in range(count):
        page.get_by_label(f"Compare digits {23 - number},").check()
    expect(page.locator("#chosen")).to_contain_text(f"{count} jobs selected")
    page.get_by_role("button", name="Compare").click()
    table = page.locator("table.comparison")
    expect(table.locator("th.over")).to_have_text([f"digits {23 - number}" for number in range(count)])
    expect(table.locator("tbody tr")).to_have_count(2)  # two exports
    expect(table.locator("tbody tr").first.locator("td")).to_have_count(3 + 5 * count)
    heads = ["Accuracy", "Latency", "Size", "Zipped size", "Coded size"]
    expect(table.locator("th[scope=col]")).to_have_text(["Pipeline", "Export", "Device", *heads * count])
    expect(page.get_by_text("The specs are the same.")).to_be_visible()
    assert page.url.startswith(f"{address}/compare?job=")
    someone.check()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
    someone.check()


def test_a_job_is_posted_followed_and_taken_home(someone: Visitor, served: tuple[GatewayApp, str, list[str]]) -> None:
    """Requests go through the proxy while steps run: events, report, bundle, model and devices are below its path."""
    gateway, address, _ = served
    page = someone.page
    page.get_by_role("link", name="New job").first.click()
    page.get_by_label("Name", exact=True).first.fill("through the proxy")
    page.locator("details.group > summary", has_text="Training").click()
    page.get_by_label("Epochs", exact=True).fill("3")
    choose_own_pipelines(page)
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url(f"{address}/jobs/job-*")
    page.evaluate("window.isStillThere = true")
    expect(page.locator(".node.succeeded")).to_have_count(1)  # the data set was packed for the others
    gateway.workforce.work_until_nothing_is_left()
    expect(page.locator("#state")).to_have_text("succeeded")
    expect(page.locator(".ranking tbody tr")).to_have_count(2)
    assert page.evaluate("window.isStillThere")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open report").click()
    expect(popup.value.get_by_role("heading", name="through the proxy", exact=True)).to_be_visible()
    popup.value.close()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text().startswith("pipeline,")
    unfold(page)
    page.locator(".ranking").get_by_role("link").first.click()
    page.wait_for_url(f"{address}/jobs/job-*/models/*")
    expect(page.locator("table.matrix")).to_be_visible()
    page.get_by_role("link", name="Devices").click()
    expect(page.locator(".card")).to_have_count(1)
    assert page.url == f"{address}/devices"
    someone.check()


def test_an_own_model_is_uploaded_in_the_form(someone: Visitor) -> None:
    """Errors are shown at their field; an accepted model can be selected, and the plan begins with it."""
    page = someone.page
    page.get_by_role("link", name="New job").first.click()
    page.get_by_label("Name", exact=True).first.fill("cells of our own")
    page.get_by_label("Network", exact=True).select_option("uploaded")
    files = page.get_by_label("Upload a file")
    expect(page.get_by_label("Model file")).to_contain_text("No files yet")
    files.set_input_files({"name": "bad.keras", "mimeType": "application/zip", "buffer": b"import os"})
    expect(page.locator(".error", has_text=".keras")).to_be_visible()
    someone.complaints = [each for each in someone.complaints if "status of 422" not in each]
    files.set_input_files({"name": "cells.keras", "mimeType": "application/zip", "buffer": keras_file()})
    expect(page.get_by_text("cells.keras is stored")).to_be_visible()
    expect(page.get_by_label("Model file").locator("option:checked")).to_contain_text("10 classes, images of 32 pixels")
    page.get_by_label("Pixel range").select_option("0_to_1")
    choose_own_pipelines(page)
    page.get_by_role("button", name="Show plan").click()
    expect(page.locator("#plan-words")).to_contain_text("1 pipeline, 6 steps")
    page.get_by_role("button", name="YAML or JSON").click()
    text = spec_text(page)
    assert "architecture: uploaded" in text
    assert "pixels: 0_to_1" in text
    someone.check()


def choose_own_pipelines(page: Page) -> None:
    """One, with the two exports that the form begins with."""
    page.get_by_label("Pipelines", exact=True).select_option("custom")
