"""Pages of the dashboard in a browser: what is not found, what the address keeps, hidden tabs, and a growing plan."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from edgepress_api.notifications.rules import RecipientRules
from fakes.browser import DESKTOP, PHONE, Visitor, spec_text, unfold, visitor
from fakes.gateway_app import GatewayApp, gateway_with_address
from fakes.jobs import small_spec
from fakes.paper_report import paper_report

# Without a screen, Chromium reports all tabs as visible. This reports a hidden tab the way that other browsers do.
HIDE = """() => {
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SHOW = """() => {
  delete document.hidden;
  document.dispatchEvent(new Event("visibilitychange"));
}"""
MOST_CONNECTIONS = 6  # that Chromium opens to one host that speaks HTTP/1.1
TWO_PIPELINES = [
    {"name": "base", "exports": ["float32", "int8"]},
    {"name": "pruned", "stages": [{"kind": "prune", "epochs": 2}], "exports": ["int8"]},
]

Served = tuple[GatewayApp, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that listens on loopback and does not require a token, and its address."""
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_with_address(folder) as found:
        yield found


@pytest.fixture
def someone(browser: Browser, served: Served) -> Iterator[Visitor]:
    """A user with an empty window."""
    with visitor(browser, served[1], DESKTOP) as visiting:
        yield visiting


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/jobs/job-1", "Job not found"),
        ("/compare?job=job-1&job=job-2", "Job not found"),
        ("/new?like=job-1", "Job not found"),
        (f"/jobs/job-1/models/{'a' * 64}", "File not found"),
        ("/jobs", "Page not found"),
        ("/v1/nothing", "Page not found"),
    ],
)
def test_what_is_not_found_is_the_content_of_the_page(someone: Visitor, address: str, title: str) -> None:
    """The main area has a title, the reason, and a link to go on, on a phone as well."""
    page = someone.page
    page.goto(address)
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()
    expect(page.locator("#notices")).to_be_empty()
    assert page.title() == f"{title} - Edgepress"
    someone.complaints = [each for each in someone.complaints if "status of 404" not in each]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
    someone.check()


def test_the_address_keeps_weights_limits_and_method(someone: Visitor, served: Served) -> None:
    """A reload and a link show the same ranking; a reset returns to the job's own settings and a plain address."""
    gateway, url = served
    job = gateway.finished_job(name="kept", pipelines=TWO_PIPELINES)
    page = someone.page
    page.goto(f"/jobs/{job}")
    expect(page.locator(".ranking tbody tr")).to_have_count(3)
    unfold(page)
    page.get_by_label("Accuracy", exact=True).press("Home")
    page.get_by_role("textbox", name="Size, MB", exact=True).fill("12.5")
    page.get_by_label("Accuracy loss, points").fill("1.5")
    page.get_by_label("Ranking method").select_option("TOPSIS")
    expect(page.locator(".ranking th").last).to_have_text("TOPSIS")
    assert page.url == (
        f"{url}/jobs/{job}?method=topsis&weight_accuracy=0&weight_balanced_accuracy=0&weight_f1=0&weight_latency=2"
        "&weight_size=1&weight_zip=1&weight_worst_class_recall=0&weight_macs=0&weight_weights=0&weight_coded=0&weight_energy=0"
        "&max_accuracy_drop=0.015&max_size_bytes=12500000"
    )
    with page.expect_response("**/recommendation?*") as asked:
        page.reload()
    assert asked.value.url.endswith(f"/recommendation?spec_goals=false&{page.url.partition('?')[2]}")
    expect(page.locator(".ranking th").last).to_have_text("TOPSIS")
    expect(page.get_by_label("Accuracy", exact=True)).to_have_value("0")
    expect(page.get_by_role("textbox", name="Size, MB", exact=True)).to_have_value("12.5")
    expect(page.get_by_label("Accuracy loss, points")).to_have_value("1.5")
    page.get_by_role("button", name="Reset to job settings").click()
    expect(page.locator(".ranking th").last).to_have_text("Weighted sum")
    expect(page.get_by_role("textbox", name="Size, MB", exact=True)).to_have_value("")
    assert page.url == f"{url}/jobs/{job}"
    someone.check()


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1e999"])
def test_a_limit_that_is_not_a_number_has_its_error_at_the_field(someone: Visitor, served: Served, text: str) -> None:
    """The error names the value, the ranking ignores the limit, and the error disappears once the value is valid."""
    job = served[0].finished_job(name="kept", pipelines=TWO_PIPELINES)
    page = someone.page
    page.goto(f"/jobs/{job}")
    unfold(page)
    field = page.get_by_role("textbox", name="Latency, ms", exact=True)
    field.fill(text)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(f"“{text}” is not a number above 0. This limit is ignored.")
    someone.check()
    page.reload()
    expect(field).to_have_value(text)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#first")).to_contain_text("First on pi")
    field.fill("0.5")
    expect(page.locator("#first")).to_have_text("No file is within the limits on pi.")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("")
    someone.check()


def test_who_is_told_is_on_the_page_of_the_job(someone: Visitor, served: Served) -> None:
    """The webhook and each recipient, with the state of the delivery; a job without any has no such section."""
    gateway, page = served[0], someone.page
    with page.expect_response("**/notifications"):
        page.goto(f"/jobs/{gateway.finished_job(name='untold')}")
    expect(page.get_by_role("heading", name="Steps")).to_be_visible()
    expect(page.get_by_role("heading", name="Notifications")).to_be_hidden()
    submission = replace(gateway.submission, check_recipients=RecipientRules(has_mail=True, networks=()).check)
    spec = small_spec(name="told", webhook={"url": "https://ci.example.org/edgepress", "secret": "s" * 20}, notify=[
        {"kind": "email", "to": "anna@example.org"},
        {"kind": "email", "to": "ben@example.org", "when": ["device_offline"]},
    ])  # fmt: skip
    job = submission.submit(spec, gateway.now)
    gateway.workforce.work_until_nothing_is_left()
    page.goto(f"/jobs/{job}")
    rows = page.get_by_role("region", name="Recipients and messages").locator("tbody tr")
    expect(rows).to_have_text([
        re.compile("https://ci.example.org/edgepressWebhook: job endeddue0"),
        re.compile("anna@example.orgJob endeddue0"),
        re.compile("ben@example.orgDevice offlinewaiting0"),
    ])  # fmt: skip
    someone.check()


def test_each_card_has_the_figures_of_its_file(someone: Visitor, served: Served) -> None:
    """The criteria that count, with their units."""
    recommendation = paper_report().recommendation
    assert recommendation is not None
    job, page = served[0].finished_job(name="kept", pipelines=TWO_PIPELINES), someone.page
    answer = recommendation.model_dump_json()
    page.route(
        re.compile(r"/recommendation(\?|$)"), lambda route: route.fulfill(body=answer, content_type="application/json")
    )
    page.goto(f"/jobs/{job}")
    unfold(page)
    most_accurate = page.locator(".card", has_text="Most accurate")
    expect(most_accurate.locator("dd")).to_have_text(["94.70 %", "29.6 ms", "11.2 MB", "10.3 MB"])
    someone.check()


def test_a_comparison_is_tables_of_single_settings(someone: Visitor, served: Served) -> None:
    """Each setting that differs in nested parts of the specs has a row; no value is shown as JSON."""
    gateway, _ = served
    jobs = [
        gateway.finished_job(name="plain"),
        gateway.finished_job(name="more", pipelines=TWO_PIPELINES, training={"epochs": 3}),
    ]
    page = someone.page
    page.goto("/compare?" + "&".join(f"job={job}" for job in jobs))
    rows = page.locator(".differences tbody tr")
    expect(rows.filter(has_text="training.epochs").locator("td")).to_have_text(["training.epochs", "2", "3"])
    setting = "pipelines[pruned].stages[1 prune].schedule.final_sparsity"
    expect(rows.filter(has_text=setting).locator("td")).to_have_text([setting, "-", "0.5"])
    assert not any(mark in page.locator(".differences").inner_text() for mark in '{}"')
    someone.check()


def test_a_cancelled_job_is_neither_failed_nor_done(someone: Visitor, served: Served) -> None:
    """Its state has a neutral colour, and no bar says how much of it is done."""
    gateway, url = served
    job = gateway.submit(name="cancelled", training={"epochs": 31})
    page = someone.page
    assert page.request.post(f"{url}/v1/jobs/{job}/cancel").ok
    page.goto(f"/jobs/{job}")
    state = page.locator("#state")
    expect(state).to_have_text("cancelled")
    red = page.evaluate("""() => {
      const failed = document.body.appendChild(Object.assign(document.createElement("span"), { className: "failed" }));
      return getComputedStyle(failed).color;
    }""")
    assert state.evaluate("(each) => getComputedStyle(each).color") != red
    expect(page.locator("#progress")).to_be_hidden()


def test_more_tabs_than_connections_are_open_at_once(browser: Browser, served: Served) -> None:
    """A tab that is hidden has no stream of events; once it is visible again, it gets the events that it missed."""
    gateway, url = served
    gateway.finished_job(name="packs the data set")  # so that the training is ready, and the job is running
    job = gateway.submit(name="in many tabs", training={"epochs": 37})
    with visitor(browser, url, DESKTOP) as someone:
        first = someone.page
        known: list[str | None] = []
        first.on(
            "request", lambda asked: known.append(asked.headers.get("last-event-id")) if is_stream(asked.url) else None
        )
        tabs = [first, *(first.context.new_page() for _ in range(MOST_CONNECTIONS + 1))]
        for tab in tabs:
            open_running(tab, job)
            if tab is first:  # an event has arrived, so that there is one to continue after
                tab.locator(".node", has_text="train").click()
                expect(tab.locator("#step-log")).to_contain_text(re.compile("^[0-9]"))
            tab.evaluate(HIDE)
        gateway.workforce.work_until_nothing_is_left()
        assert known == [None]
        first.evaluate(SHOW)
        expect(first.locator("#state")).to_have_text("succeeded")
        expect(first.locator(".node.succeeded")).to_have_count(6)
        assert int(known[1] or 0) > 0
        someone.check()


def open_running(tab: Page, job: str) -> None:
    """Open the page of a running job, and wait for its stream of events."""
    with tab.expect_response(lambda response: is_stream(response.url)):
        tab.goto(f"/jobs/{job}")
    expect(tab.locator("#state")).to_have_text("running")


def is_stream(url: str) -> bool:
    """Return whether it is the address of a stream of events."""
    return url.endswith("/events")


def test_a_plan_that_grows_is_read_again(someone: Visitor, served: Served) -> None:
    """The event `plan` makes the page read the plan; other events do not."""
    gateway, _ = served
    job = gateway.submit(name="growing", pipelines=TWO_PIPELINES, training={"epochs": 41})
    page = someone.page
    answers: list[dict[str, Any]] = []
    event = {"id": 1, "type": "plan", "at": "2026-01-01T00:00:00Z", "data": {"steps": 1}}

    def show_part_at_first(route: Route) -> None:
        plan = route.fetch().json()
        if not answers:
            [base, pruned] = plan["pipelines"]
            plan["pipelines"] = [base]
            plan["steps"] = [step for step in plan["steps"] if step["key"] in base["steps"]]
            assert pruned["steps"]
        answers.append(plan)
        route.fulfill(json=plan)

    page.route("**/plan", show_part_at_first)
    stream = f"event: plan\nid: 1\ndata: {json.dumps(event)}\n\n"
    page.route("**/events", lambda route: route.fulfill(body=stream, content_type="text/event-stream"), times=1)
    page.goto(f"/jobs/{job}")
    expect(page.locator(".node")).to_have_count(9)
    assert [len(plan["steps"]) for plan in answers][:2] == [6, 9]
    page.locator("#all-steps summary").click()
    expect(page.locator("#step-list tbody tr")).to_have_count(9)
    gateway.workforce.work_until_nothing_is_left()
    expect(page.locator("#state")).to_have_text("succeeded")


def test_an_error_of_the_form_disappears_once_it_is_corrected(someone: Visitor) -> None:
    """Each error disappears separately; the list of errors closes with the last."""
    page = someone.page
    page.goto("/new")
    page.get_by_label("Image size, pixels").fill("large")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#problems li")).to_have_count(2)
    someone.complaints = [each for each in someone.complaints if "status of 422" not in each]
    size = page.get_by_label("Image size, pixels")
    expect(size).to_have_attribute("aria-invalid", "true")
    size.fill("32")
    expect(size).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#problems li")).to_have_count(1)
    page.get_by_label("Name", exact=True).first.fill("corrected")
    expect(page.locator("#problems")).to_be_hidden()
    expect(page.locator(".error:not(:empty)")).to_have_count(0)
    someone.check()


def test_the_form_speaks_the_language_of_its_users(someone: Visitor) -> None:
    """Labels instead of names of the schema, ranges as people write them, and sizes in MB."""
    page = someone.page
    page.goto("/new")
    expect(page.get_by_label("Seed of the split")).to_have_accessible_description(
        "Seed of the validation split. 0 to 4294967295."
    )
    assert [label for label in page.locator("#form label").all_inner_texts() if "_" in label] == []
    page.get_by_label("Maximum size, MB").fill("12.5")
    page.get_by_label("Maximum accuracy loss, points").fill("1.5")
    page.get_by_role("button", name="YAML or JSON").click()
    text = spec_text(page)
    assert "max_size_bytes: 12500000\n" in text
    assert "max_accuracy_drop: 0.015\n" in text
    expect(page.locator("#text-errors li")).to_contain_text("name: ")
    someone.complaints = [each for each in someone.complaints if "status of 422" not in each]
    someone.check()


def test_a_choice_among_numbers_stays_a_number(someone: Visitor, served: Served) -> None:
    """Bits of weights are 8, 4, 2, 1 or a word: the form shows what the job has, and writes what is chosen."""
    stage = {"kind": "quantize_aware", "bits": 4, "scales": "learned"}
    pipeline = {"name": "four bits", "stages": [stage], "exports": ["int8"]}
    job, page = served[0].submit(name="four bits", pipelines=[pipeline]), someone.page
    page.goto(f"/new?like={job}")
    bits = page.get_by_label("Bits", exact=True)
    expect(bits).to_have_value("4")
    for chosen, written in (("2", "bits: 2\n"), ("ternary", "bits: ternary\n")):
        bits.select_option(chosen)
        page.get_by_role("button", name="YAML or JSON").click()
        assert written in spec_text(page)
        expect(page.locator("#text-state")).to_have_text("The gateway accepts this spec.")
        page.get_by_role("button", name="Form").click()
    someone.check()
