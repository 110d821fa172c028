"""Charts in a browser: on the page of a job, on the page of its search, and in the report's file without a server."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from edgepress_api.report.charts.sections import job_charts
from edgepress_api.report.page import report_html
from edgepress_api.web.report_scripts import REPORT_SCRIPTS
from fakes.browser import DESKTOP, PHONE, Visitor, spec_text, visitor
from fakes.gateway_app import GatewayApp, gateway_with_address
from fakes.paper_report import paper_report
from fakes.searching import RandomFigures, finish_search, submit_search

pytestmark = pytest.mark.slow

OBJECTIVES = ["accuracy", "latency", "coded"]
_OF_A_PHONE = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
_MARKS = ".live svg path[transform]:not([fill='none'])"
_NAME = re.compile(r"^(base|PR|CL|QAT|PQAT|CQAT|PCQAT|distillation|student)")


@dataclass
class Served:
    """A gateway, its address, and its jobs: a list of pipelines, and a search."""

    gateway: GatewayApp
    url: str
    job: str
    search: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway with a job and a search that have ended."""
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_with_address(folder) as (gateway, url):
        job = gateway.finished_job(pipelines=[{"name": "base", "exports": ["float32", "int8"]}])
        gateway.workforce.change = RandomFigures(gateway, random.Random(0)).change
        search = submit_search(gateway, objectives=OBJECTIVES, limits={"max_latency_ms": 30}, budget={"trials": 16})
        finish_search(gateway)
        # The first analysis of a gateway imports optuna's evaluators, which takes long on a machine under load.
        httpx.get(f"{url}/v1/jobs/{search}/trials/analysis", timeout=600).raise_for_status()
        yield Served(gateway, url, job, search)


@pytest.fixture
def report_file(tmp_path: Path) -> str:
    """The address of a report that was saved as a file."""
    path = tmp_path / "report.html"
    path.write_text(report_html(paper_report(), "/v1/artifacts/", scripts=REPORT_SCRIPTS))
    return path.as_uri()


def fulfil(route: Route, answer: str) -> None:
    """Answer a request in the gateway's place."""
    route.fulfill(body=answer, content_type="application/json")


def show_study(someone: Visitor, job: str) -> None:
    """Open the page of a job, with the charts and the recommendation of the study."""
    report = paper_report()
    assert report.recommendation is not None
    recommendation, charts = report.recommendation.model_dump_json(), job_charts(report).model_dump_json()
    someone.page.route(re.compile(r"/recommendation(\?|$)"), lambda route: fulfil(route, recommendation))
    someone.page.route(re.compile(r"/charts(\?|$)"), lambda route: fulfil(route, charts))
    someone.page.goto(f"/jobs/{job}")


def test_trade_offs_are_drawn_with_their_fronts(browser: Browser, served: Served) -> None:
    """Each file has a mark; the names of the front's files do not overlap; a name of the legend hides its marks."""
    with visitor(browser, served.url, DESKTOP) as someone:
        show_study(someone, served.job)
        page = someone.page
        charts = page.locator(".for-device figure.trade_off")
        expect(charts).to_have_count(3)
        for each in charts.all():
            expect(each.locator(".live svg")).to_be_visible()
        figure = charts.last
        marks = figure.locator(_MARKS)
        expect(figure.locator(".live svg text", has_text="QAT")).not_to_have_count(0)
        labels = [each for each in figure.locator(".live svg text").all() if _NAME.match(each.text_content() or "")]
        boxes = [each.bounding_box() for each in labels]
        for at, box in enumerate(boxes):
            for other in boxes[:at]:
                assert box is not None
                assert other is not None
                apart = box["y"] + box["height"] <= other["y"] + 2 or other["y"] + other["height"] <= box["y"] + 2
                assert apart or box["x"] + box["width"] <= other["x"] or other["x"] + other["width"] <= box["x"]
        before = marks.count()
        button = figure.get_by_role("button", name="distill", exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
        assert marks.count() == before - 5
        button.click()
        assert marks.count() == before
        someone.check()


def test_a_chart_is_read_by_keyboard_and_as_a_table(browser: Browser, served: Served) -> None:
    """Arrows go through the points, whose words are announced; the table has all of them."""
    with visitor(browser, served.url, DESKTOP) as someone:
        show_study(someone, served.job)
        figure = someone.page.locator("figure.trade_off").first
        place = figure.locator(".live")
        expect(place.locator("svg")).to_be_visible()
        expect(place).to_have_attribute("aria-label", re.compile("Accuracy against latency of 65 files on pi4; 3 are"))
        place.focus()
        said = figure.locator(".said")
        place.press("ArrowRight")
        expect(said).to_have_text(re.compile("^base float32: accuracy 94.50 %"))
        place.press("ArrowRight")
        expect(said).to_have_text(re.compile("^base float16: "))
        first = place.locator("svg text").all_text_contents()
        place.press("+")
        place.press("+")
        assert place.locator("svg text").all_text_contents() != first
        place.press("0")
        figure.get_by_text("Show as a table").click()
        expect(figure.locator("tbody tr")).to_have_count(65)
        someone.check()


def test_a_mark_shows_its_figures(browser: Browser, report_file: str) -> None:
    """When the pointer is on it."""
    with visitor(browser, "file://", DESKTOP) as someone:
        someone.page.goto(report_file)
        figure = someone.page.locator("figure.trade_off").first
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".live svg")).to_be_visible()
        figure.locator(_MARKS).last.hover()
        expect(figure.locator(".live svg text", has_text="student alone")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_report_draws_its_charts(browser: Browser, report_file: str, scheme: str) -> None:
    """From a file, without a server; and on paper it has the static pictures."""
    with visitor(browser, "file://", DESKTOP, color_scheme=scheme) as someone:
        page = someone.page
        page.goto(report_file)
        figures = page.locator("figure.drawn")
        expect(figures).to_have_count(38)
        for figure in figures.all():
            figure.scroll_into_view_if_needed()
            expect(figure.locator(".live svg")).to_be_visible()
            expect(figure.locator("svg.static")).to_be_hidden()
        someone.picture(f"saved-report-{scheme}", of="section:has(figure.trade_off)")
        assert someone.complaints == []
        page.emulate_media(media="print")
        expect(figures.first.locator("svg.static")).to_be_visible()
        expect(figures.first.locator(".live")).to_be_hidden()


def test_a_report_without_scripts_has_pictures_and_tables(browser: Browser, report_file: str) -> None:
    """Where a mail program or a policy blocks scripts."""
    with visitor(browser, "file://", DESKTOP, java_script_enabled=False) as someone:
        someone.page.goto(report_file)
        figures = someone.page.locator("figure.drawn")
        expect(figures.first.locator("svg.static")).to_be_visible()
        expect(figures.locator(".live")).to_have_count(0)
        expect(figures.locator("table")).to_have_count(38)


def test_the_gateway_serves_a_report_whose_scripts_run(browser: Browser, served: Served) -> None:
    """Its policy names the two scripts by their hashes, and does not let them send anything."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        response = page.goto(f"/v1/jobs/{served.search}/report.html")
        assert response is not None
        policy = response.headers["content-security-policy"]
        assert policy.count("'sha256-") == 2
        assert "default-src 'none'" in policy
        assert "connect-src" not in policy
        figure = page.locator("figure.drawn").first
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".live svg")).to_be_visible()
        parallel = page.locator("figure.parallel")
        parallel.scroll_into_view_if_needed()
        expect(parallel.locator(".live svg path").nth(3)).to_be_visible()
        expect(parallel.locator("svg.static")).to_be_hidden()
        page.emulate_media(media="print")
        expect(parallel.locator("svg.static polyline.line").first).to_be_visible()
        page.emulate_media(media="screen")
        someone.check()


def test_a_report_that_the_dashboard_opens_draws_its_charts(browser: Browser, served: Served) -> None:
    """With a token the page fetches the report; it has the policy of the page that opens it."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.add_init_script("sessionStorage.setItem('edgepress.token', 'any')")
        page.goto(f"/jobs/{served.search}")
        expect(page.locator("#open-report")).to_be_visible()
        with page.context.expect_page() as opened:
            page.locator("#open-report").click()
        figure = opened.value.locator("figure.drawn").first
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".live svg")).to_be_visible()


def test_the_page_of_a_search_shows_its_trials(browser: Browser, served: Served) -> None:
    """The outcome, the charts, all trials as lines and rows, and where a trial comes from."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.search}")
        page.get_by_role("link", name="Show search").click()
        expect(page.locator("#about")).to_contain_text("The search has ended: 16 of 16 trials")
        expect(page.locator("#winner")).to_contain_text("Winner: ")
        expect(page.locator("#charts figure")).to_have_count(6)
        expect(page.locator("#charts-words")).to_contain_text("down to the reference point accuracy")
        expect(page.locator("#parallel .live svg path").nth(15)).to_be_visible()
        rows = page.locator("#table tbody tr")
        total = rows.count()
        assert total > 16
        answer = json.loads(page.request.get(f"{served.url}/v1/jobs/{served.search}/trials").text())
        stopped = [each["stopped"] for each in answer["trials"] if each["stopped"]]
        assert stopped
        assert rows.filter(has_text="trials after their screening; the best third").count() == len(stopped)
        page.get_by_label("Zeros", exact=True).select_option("0.8")
        expect(page.locator("#selected")).to_contain_text(f"of {total} pipelines selected.")
        assert rows.count() < total
        page.get_by_label("Zeros", exact=True).select_option("")
        expect(rows).to_have_count(total)
        name = rows.get_by_role("button", name=re.compile("^trial [0-9]+$")).first
        title = name.inner_text()
        name.click()
        lineage = page.locator("#lineage")
        expect(lineage).to_be_focused()
        expect(lineage.locator("li").last).to_contain_text(f"{title}: number ")
        expect(lineage.locator("li").nth(-2)).to_contain_text(f"{title} short: ")
        expect(lineage.locator("li").first).to_contain_text("one of the first trials")
        someone.check()


def test_trials_are_selected_on_an_axis(browser: Browser, served: Served) -> None:
    """A brush on the axis of a choice leaves the rows of its value."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.search}/search")
        expect(page.locator("#parallel .live svg path").nth(15)).to_be_visible()
        page.locator("#parallel").scroll_into_view_if_needed()  # the labels inside are new elements after a redraw
        label = page.locator("#parallel svg text", has_text=re.compile("^int4$"))
        box = label.bounding_box()
        assert box is not None
        x, y = box["x"] - 8, box["y"] + box["height"] / 2
        page.mouse.move(x, y - 30)
        page.mouse.down()
        page.mouse.move(x, y, steps=4)
        page.mouse.move(x, y + 30, steps=4)
        page.mouse.up()
        expect(page.locator("#selected")).to_contain_text("selected.")
        names = page.locator("#table tbody tr td:first-child").all_inner_texts()
        answer = json.loads(page.request.get(f"{served.url}/v1/jobs/{served.search}/trials").text())
        exports = {each["name"]: (each["trial"] or {}).get("choices", {}).get("export") for each in answer["trials"]}
        assert names
        assert {exports[name.rstrip("*")] for name in names} == {"int4"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_search_is_accessible(browser: Browser, served: Served, scheme: str) -> None:
    """Light on a desk, dark on a phone; with all tables unfolded."""
    on_a_phone = scheme == "dark"
    size, device = (PHONE, _OF_A_PHONE) if on_a_phone else (DESKTOP, {})
    with visitor(browser, served.url, size, color_scheme=scheme, **device) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.search}/search")
        expect(page.locator("#parallel .live svg path").nth(15)).to_be_attached()
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        expect(page.locator("#charts table").last).to_be_attached()
        someone.picture(f"search-{scheme}", of="body")
        someone.check()


def test_the_form_does_not_show_pipelines_that_would_not_run(browser: Browser, served: Served) -> None:
    """With a search, the default is to run no listed pipelines; a preset that is chosen next to it is sent."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto("/new")
        pipelines = page.get_by_label("Pipelines", exact=True)
        expect(pipelines).to_have_value("quick")
        page.get_by_label("Search", exact=True).select_option("find-fastest")
        expect(pipelines).to_have_value("none")
        page.get_by_role("button", name="YAML or JSON").click()
        assert "pipelines" not in spec_text(page)
        page.get_by_role("button", name="Form").click()
        pipelines.select_option("quick")
        page.get_by_role("button", name="YAML or JSON").click()
        assert "pipelines: quick\n" in spec_text(page)
        page.get_by_role("button", name="Form").click()
        pipelines.select_option("none")
        page.get_by_label("Search", exact=True).select_option("none")
        expect(pipelines).to_have_value("quick")
        someone.complaints = [each for each in someone.complaints if "status of 422" not in each]  # it has no name
        someone.check()
