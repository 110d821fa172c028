"""A report with every column that is declared, printed: what does not fit across the paper continues below."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.page import report_html
from edgepress_common.answers.report import Report
from edgepress_common.figures.tables import page_columns
from fakes.browser import chromium
from fakes.paper_report import paper_report

A4: ViewportSize = {"width": 703, "height": 1032}  # 210 by 297 mm less margins of 12, in pixels of 1/96 inch
BEYOND_THE_PAPER = """(all) =>
  all.filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.outerHTML)"""
# Each cell with its column's head: on its line, counted from the row's first, and with the same left edge.
PLACES_OF = """(table) => [...table.querySelectorAll("thead tr:last-child, tbody tr:not(.group)")].map((row) => {
  const tops = [...new Set([...row.children].map((cell) => cell.getBoundingClientRect().top))].sort((a, b) => a - b);
  return [...row.children].map((cell) => {
    const { left, top } = cell.getBoundingClientRect();
    return [Math.round(left), tops.indexOf(top)];
  });
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser of these tests."""
    with chromium() as found:
        yield found


def whole_report() -> Report:
    """The study's first pipelines with all figures, on two devices, with a test split and names without spaces."""
    report = paper_report()
    known: dict[str, Any] = {
        figure.name: 1234567 if figure.is_integer else 0.5
        for figure in page_columns(has_test=True)
        if "." not in figure.name and not figure.is_always_known
    }
    rows = tuple(
        row.model_copy(update=known | {"device": device, "throttled": ("hot",)})
        for row in report.rows[:10]
        for device in ("raspberry-pi-4-in-the-cellar", "host")
    )
    assert report.dataset is not None
    dataset = report.dataset.model_copy(update={"test_counts": (200,) * 8})
    recommendation = recommend(rows, report.baselines, report.spec.goals)
    return report.model_copy(update={"rows": rows, "dataset": dataset, "recommendation": recommendation})


@pytest.fixture(scope="module")
def printed(browser: Browser) -> Iterator[Page]:
    """The page of that report as it is printed."""
    page = browser.new_page(viewport=A4)
    page.emulate_media(media="print")
    page.set_content(report_html(whole_report(), "/v1/artifacts/"))
    yield page
    page.close()


def test_nothing_is_wider_than_the_paper(printed: Page) -> None:
    """Neither the comparison with all its columns nor the ranking."""
    assert printed.locator("body *").evaluate_all(BEYOND_THE_PAPER) == []


def test_each_figure_is_below_the_head_of_its_column(printed: Page) -> None:
    """The comparison takes two lines or more; heads are folded as rows are, and name their groups."""
    for table in printed.locator("table.folded").all():
        head, *rows = table.evaluate(PLACES_OF)
        assert all(row == head for row in rows), "a cell is not below its head"
    comparison = printed.get_by_role("region", name="Comparison", exact=True).locator("table")
    head, *_ = comparison.evaluate(PLACES_OF)
    columns = page_columns(whole_report().rows, has_test=True)
    assert len(head) == 3 + len(columns)
    assert {line for _, line in head} >= {0, 1}
    groups = comparison.locator("th[data-group]").evaluate_all(
        "(all) => all.map((each) => getComputedStyle(each, '::before').content)"
    )
    assert set(groups) == {f'"{each.page.group}"' for each in columns if each.page is not None}
