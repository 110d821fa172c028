"""Pages of a job whose data set has a test split, in a browser: each accuracy with the name of its split."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from fakes.browser import DESKTOP, PHONE, unfold, visitor
from fakes.gateway_app import gateway_with_address
from fakes.jobs import with_test_split

FINAL = "66.7 % on 6 test images that no decision has seen (95 % interval 30.0 to 90.3 %)"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """A gateway with a job without and one with a test split: its address, and their ids."""
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_with_address(folder) as (gateway, url):
        plain = gateway.finished_job()
        gateway.workforce.change = with_test_split
        dataset = {"kind": "builtin", "image_size": 32, "test_fraction": 0.2}
        yield url, plain, gateway.finished_job(name="held out", dataset=dataset)


def test_the_page_of_a_job_shows_three_splits(browser: Browser, served: tuple[str, str, str]) -> None:
    """The counts of each class; the headline of a choice and a column of the ranking are of the test images."""
    url, _, job = served
    with visitor(browser, url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{job}")
        data_set = page.get_by_role("region", name="Data set")
        expect(data_set).to_contain_text("2 classes; 16 training, 4 validation, 6 test images.")
        expect(data_set).to_contain_text("no decision sees them")
        data_set.get_by_text("Images by class").click()
        expect(data_set.get_by_role("row")).to_have_text(["ClassTrainingValidationTest", "0823", "1823"])
        unfold(page)
        cards = page.locator(".card")
        expect(cards.first).to_contain_text(FINAL)
        expect(cards.first.locator("dt").first).to_have_text("Validation accuracy")
        ranking = page.get_by_role("region", name="Ranking for pi")
        expect(ranking.get_by_role("columnheader").nth(3)).to_have_text("Test accuracy")
        expect(ranking.get_by_role("row").nth(1).get_by_role("cell").nth(3)).to_have_text("66.67 %")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
        someone.check()


def test_the_page_of_a_file_shows_both_splits(browser: Browser, served: tuple[str, str, str]) -> None:
    """The test split is the first; each table and each matrix has the name of its split."""
    url, _, job = served
    with visitor(browser, url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{job}/models/{'f' * 64}")
        headings = page.get_by_role("main").get_by_role("heading", level=2)
        expect(headings).to_have_text(
            ["File", "Measurements", "Verified promises", "Metrics by class on pi, test images",
             "Confusion matrix, test images", "Metrics by class on pi, validation images",
             "Confusion matrix, validation images"]
        )  # fmt: skip
        expect(page.locator(".matrix").first.locator("tbody tr")).to_have_text(["03", "121"])
        measured = page.get_by_role("region", name="Measurements")
        expect(measured.locator("th.over")).to_have_text(["Test", "Validation", "Latency of one image, ms", "Startup"])
        expect(measured.locator("tbody td").nth(2)).to_have_text("66.67 %95 %: 30.0 to 90.3")
        expect(measured.locator("tbody td").nth(4)).to_have_text("75.00 %95 %: 30.1 to 95.4")
        someone.check()


def test_without_a_test_split_the_pages_are_of_the_validation_split(
    browser: Browser, served: tuple[str, str, str]
) -> None:
    """The page of the job says how to hold images out; no page has a test accuracy."""
    url, job, _ = served
    with visitor(browser, url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{job}")
        data_set = page.get_by_role("region", name="Data set")
        expect(data_set).to_contain_text("2 classes; 16 training, 4 validation images.")
        expect(data_set).to_contain_text("no test split: set dataset.test_fraction")
        unfold(page)
        expect(page.locator(".card").first).to_be_visible()
        expect(page.get_by_text("test images")).to_have_count(0)
        expect(page.get_by_text("Test accuracy")).to_have_count(0)
        page.goto(f"/jobs/{job}/models/{'f' * 64}")
        expect(page.get_by_role("heading", name="Confusion matrix, validation images")).to_be_visible()
        expect(page.locator("th.over")).to_have_text(["Validation", "Latency of one image, ms", "Startup"])


def test_a_comparison_has_a_column_for_the_test_split(browser: Browser, served: tuple[str, str, str]) -> None:
    """A job without one has a dash in it."""
    url, plain, job = served
    with visitor(browser, url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/compare?job={plain}&job={job}")
        results = page.get_by_role("region", name="Results by pipeline")
        expect(results.get_by_role("columnheader", name="Test accuracy")).to_have_count(2)
        cells = results.get_by_role("row").nth(2).get_by_role("cell")
        expect(cells.nth(4)).to_have_text("-")
        expect(cells.nth(10)).to_have_text("66.67 %")
        someone.check()
