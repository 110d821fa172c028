"""The page of a new job in a browser: templates, and one spec as a form and as text, with completion and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from edgepress_api.job_templates.reading import list_templates
from edgepress_api.web.plain_yaml import parse_yaml
from fakes.browser import DESKTOP, PHONE, Visitor, spec_text, visitor
from fakes.gateway_app import GatewayApp, gateway_with_address

Served = tuple[GatewayApp, str]
EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.yaml"))
IN_A_SPEC = [
    *(template.text for template in list_templates().templates),
    *(path.read_text() for path in EXAMPLES),
    "a: yes\nb: No\nc: on\nd: OFF\ne: true\nf: y\ng: N\nh: 'yes'\n",
    "a: 1e-3\nb: 5e2\nc: .5\nd: 5.\ne: -0.25\nf: 012.5\ng: 7\nh: -3\n",
    "a: 2:4\nb: 2026-01-01\nc: ~\nd:\ne: null\nf: 1:30:00\n",
    "a: &one {b: 1}\nc: *one\nd: {<<: *one, e: 2}\n",
    '{"a": [1, 2.5, "x"], "b": {"c": null, "d": false}}',
    "a: >\n  two\n  lines\nb: |\n  two\n  lines\nc: 'it''s'\nd: \"\\u00e9\"\n",
]
VALID = "dataset: {kind: builtin, image_size: 32}\nmodel: {architecture: resnet18}\n"
READ = """async (text) => {
  const { src } = document.querySelector("script[type=module]");
  return (await import(new URL("spec_text.js", src))).dataOf(text);
}"""
WRITE = """async (data) => {
  const { src } = document.querySelector("script[type=module]");
  return (await import(new URL("spec_text.js", src))).textOf(data);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway, and its address."""
    with gateway_with_address(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture
def someone(browser: Browser, served: Served) -> Iterator[Visitor]:
    """A user with an empty window."""
    with visitor(browser, served[1], DESKTOP) as visiting:
        yield visiting


def open_text(page: Page, address: str) -> Locator:
    """Open the page, with the spec as text; return the editor."""
    page.goto(address)
    expect(page.locator("#form .fields").first).to_be_visible()
    page.get_by_role("button", name="YAML or JSON").click()
    editor = page.get_by_role("textbox", name="Spec, as YAML or JSON")
    expect(editor).to_be_visible()
    return editor


def check(someone: Visitor) -> None:
    """Check that the browser logged only the gateway's refusals of invalid specs."""
    expected = ("status of 400", "status of 422")
    someone.complaints = [each for each in someone.complaints if not any(status in each for status in expected)]
    someone.check()


def completed(page: Page) -> list[str]:
    """Return what the editor offers at the cursor."""
    offered = page.locator(".cm-tooltip-autocomplete li .cm-completionLabel")
    expect(offered.first).to_be_visible()
    return offered.all_inner_texts()


def test_a_template_is_shown_as_form_and_text_and_posted(someone: Visitor, served: Served) -> None:
    """Its comments are kept when the form changes a value; the address and the back button name it."""
    page = someone.page
    page.goto("/new")
    choice = page.get_by_label("Start from")
    choice.select_option("A first look, in minutes")
    expect(page.locator("#template-words")).to_contain_text("handwritten digits")
    expect(page.get_by_label("Name", exact=True).first).to_have_value("first look")
    assert page.url.endswith("/new?template=first-look")
    page.wait_for_timeout(1100)  # longer than a burst of changes, which is one entry of the history
    choice.select_option("My photos on a Pi 4")
    expect(page.get_by_label("Maximum latency, ms")).to_have_value("50")
    page.go_back()
    expect(page.get_by_label("Name", exact=True).first).to_have_value("first look")
    page.go_forward()
    expect(page.get_by_label("Maximum latency, ms")).to_have_value("50")
    page.get_by_label("Maximum latency, ms").fill("40")
    page.get_by_role("button", name="YAML or JSON").click()
    text = spec_text(page)
    assert "goals: {max_latency_ms: 40}\n" in text
    assert "image_size: 160" in text
    original = next(each.text for each in list_templates().templates if each.name == "my-photos-on-a-pi-4")
    assert text.count("#") == original.count("#")
    page.goto("/new?template=first-look")
    expect(page.get_by_label("Name", exact=True).first).to_have_value("first look")
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url("**/jobs/job-*")
    expect(page.get_by_role("heading", name="first look")).to_be_visible()
    check(someone)
    gateway = served[0]
    [job] = [each for each in gateway.client.get("/v1/jobs").json()["jobs"] if each["name"] == "first look"]
    spec = gateway.client.get(f"/v1/jobs/{job['id']}/spec").json()
    assert (spec["training"]["epochs"], spec["model"]["width"]) == (5, 0.5)


def test_a_changed_spec_is_not_replaced_without_a_question(someone: Visitor) -> None:
    """A template that is dismissed leaves the form and the choice as they were."""
    page = someone.page
    page.goto("/new")
    page.get_by_label("Name", exact=True).first.fill("mine")
    page.get_by_role("button", name="YAML or JSON").click()
    page.get_by_role("button", name="Form").click()
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.get_by_label("Start from").select_option("The study")
    expect(page.get_by_label("Start from")).to_have_value("")
    expect(page.get_by_label("Name", exact=True).first).to_have_value("mine")
    assert asked == ["Replace the spec by the template? Your changes are lost."]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Start from").select_option("The study")
    expect(page.get_by_label("Name", exact=True).first).to_have_value("the study")


def test_the_form_and_the_text_show_the_same_spec(someone: Visitor) -> None:
    """A change in the text is in the form, and the reverse; comments and fields that the form does not have stay."""
    page = someone.page
    editor = open_text(page, "/new")
    editor.fill(
        "# mine\nname: one\ndataset: {kind: builtin, image_size: 48} # small\nmodel: {architecture: resnet18}\n"
        "misspelt: 1\n"
    )
    page.get_by_role("button", name="Form").click()
    expect(page.get_by_label("Image size, pixels")).to_have_value("48")
    page.get_by_label("Name", exact=True).first.fill("two")
    page.get_by_label("Network", exact=True).select_option("mobilenet_v2")
    page.get_by_role("button", name="YAML or JSON").click()
    assert spec_text(page) == (
        "# mine\nname: two\ndataset: {kind: builtin, image_size: 48} # small\nmodel:\n  architecture: mobilenet_v2\n"
        "misspelt: 1\n"
    )
    expect(page.locator("#text-errors li")).to_contain_text("Line 6: misspelt: unknown field")
    page.get_by_role("button", name="Form").click()
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#problems")).to_contain_text("misspelt: unknown field")
    check(someone)


def test_json_stays_json(someone: Visitor) -> None:
    """A change in the form is written as JSON, and posted as such."""
    page = someone.page
    editor = open_text(page, "/new")
    editor.fill(
        '{"name": "one", "dataset": {"kind": "builtin", "image_size": 32}, "model": {"architecture": "resnet18"}}'
    )
    expect(page.locator("#text-state")).to_have_text("The gateway accepts this spec.")
    page.get_by_role("button", name="Form").click()
    page.get_by_label("Name", exact=True).first.fill("two")
    page.get_by_role("button", name="YAML or JSON").click()
    assert json.loads(spec_text(page))["name"] == "two"
    expect(page.locator("#text-state")).to_have_text("The gateway accepts this spec.")
    check(someone)


def test_a_text_that_the_form_cannot_show_stays_open(someone: Visitor) -> None:
    """Text that is not YAML, or has lists where none can be, is corrected as text."""
    page = someone.page
    editor = open_text(page, "/new")
    for text, words in (
        ("name: [one\n", "once the text is an object"),
        ("just words\n", "once the text is an object"),
        (
            "name: x\npipelines: [1, {stages: 5}]\nevaluation: {threads: 3}\n",
            "Correct the marked lines first",
        ),
    ):
        editor.fill(text)
        page.get_by_role("button", name="Form").click()
        expect(page.locator("#text-state")).to_contain_text(words)
        expect(editor).to_be_visible()
        assert spec_text(page) == text
    editor.fill("name: x\n")
    page.get_by_role("button", name="Form").click()
    expect(page.get_by_label("Name", exact=True).first).to_have_value("x")
    check(someone)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("name: x\nmodle: 1\ndataset: {kind: builtin, image_size: 32}\nmodel: {architecture: resnet18}\n",
         ["Line 2: modle: unknown field; did you mean 'model'?"]),
        ("name: x\ndataset:\n  kind: builtin\n  image_size: large\nmodel:\n  architecture: resnet19\n",
         ["Line 4: dataset.image_size: is of the wrong type; accepted: an integer",
          "Line 6: model.architecture: 'resnet19' is not a known architecture; accepted: "]),
        (f"name: x\n{VALID}training:\n  epochs: -1\n",
         ["Line 5: training.epochs: "]),
        ("dataset: {kind: upload, image_size: 32}\nname: x\nmodel: {architecture: resnet18}\n",
         ["Line 1: dataset.sha256: is required"]),
        (f"name: x\n{VALID}pipelines:\n  - name: a\n    exports: [int8]\n  - name: b\n    exports: [int8, int9]\n",
         ["Line 8: pipelines[1].exports[1]: "]),
        ("name: x\ndataset: {kind: builtin\nmodel: 1\n", ["Line 3: not YAML: "]),
        ("name: x\nname: y\n", ["Line 2: 'name' is given twice"]),
        ('{"name": "x",\n "dataset": 1,}', ["Line 2: not JSON: "]),
    ],
)  # fmt: skip
def test_errors_of_the_gateway_are_at_their_lines(someone: Visitor, text: str, errors: list[str]) -> None:
    """With the gateway's own words, in the margin of the line and in a list that leads there."""
    page = someone.page
    open_text(page, "/new").fill(text)
    shown = page.locator("#text-errors li")
    for error in errors:
        expect(shown.filter(has_text=error)).to_have_count(1)
    expect(shown).to_have_count(len(errors))
    lines = {int(error.partition(":")[0].removeprefix("Line ")) for error in errors}
    expect(page.locator(".cm-gutter-lint .cm-lint-marker-error")).to_have_count(len(lines))
    shown.last.get_by_role("button").click()
    expect(page.locator(".cm-activeLineGutter, .cm-activeLine").first).to_have_text(text.split("\n")[max(lines) - 1])
    check(someone)


@pytest.mark.parametrize(
    ("before", "typed", "offered", "missing"),
    [
        ("name: x\n", "mo", {"model"}, {"name"}),
        ("model:\n  architecture: resnet18\n  ", "w", {"width", "weights"}, {"architecture"}),
        ("model: {architecture: ", "mobilenet", {"mobilenet_v2"}, {"resnet18"}),
        ("pipelines:\n  - name: a\n    stages:\n      - kind: ", "pr", {"prune", "prune_channels"}, {"cluster"}),
        ("pipelines:\n  - name: a\n    stages:\n      - kind: cluster\n        ", "c", {"clusters"}, {"kind"}),
        ("pipelines:\n  - name: a\n    exports: [float32, ", "in", {"int8", "int4", "int16x8"}, {"name"}),
        ("pipelines: ", "p", {"paper", "patient"}, {"name"}),
        ("evaluation:\n  energy: ", "t", {"true"}, {"device"}),
        ("dataset: {kind: builtin, ", "im", {"image_size"}, {"kind", "path"}),
        ("goals:\n  weights:\n    ", "la", {"latency"}, {"max_latency_ms"}),
    ],
)  # fmt: skip
def test_names_and_values_are_completed(
    someone: Visitor, before: str, typed: str, offered: set[str], missing: set[str]
) -> None:
    """The schema of the place decides, as far as the text around it says which place it is."""
    page = someone.page
    editor = open_text(page, "/new")
    editor.fill(before)
    editor.press("Control+End")
    page.keyboard.type(typed, delay=20)
    found = set(completed(page))
    assert offered <= found
    assert not missing & found
    page.keyboard.press("Escape")


def test_a_completion_is_taken_by_keyboard(someone: Visitor) -> None:
    """Ctrl+Space opens the list, Enter takes a name with its colon; the tab key leaves the editor."""
    page = someone.page
    editor = open_text(page, "/new")
    editor.fill("model:\n  architecture: resnet18\n  wid")
    editor.press("Control+End")
    page.keyboard.press("Control+ ")
    assert completed(page) == ["width"]
    expect(page.locator(".cm-completionInfo")).to_be_visible()
    page.wait_for_timeout(100)  # the editor ignores keys that come with the list
    page.keyboard.press("Enter")
    assert spec_text(page).endswith("  width: ")
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()


@pytest.mark.parametrize("text", IN_A_SPEC)
def test_the_page_reads_yaml_as_the_gateway_does(someone: Visitor, text: str) -> None:
    """Templates, examples, and values that versions of YAML read differently; what the page writes is the same."""
    someone.page.goto("/new")
    expect(someone.page.locator("#form .fields").first).to_be_visible()
    expected: Any = parse_yaml(text)
    assert someone.page.evaluate(READ, text) == expected
    assert parse_yaml(someone.page.evaluate(WRITE, expected)) == expected


def test_the_editor_is_accessible_on_a_phone(browser: Browser, served: Served) -> None:
    """Dark, with errors and a long template; nothing is wider than the screen."""
    with visitor(browser, served[1], PHONE, color_scheme="dark") as someone:
        page = someone.page
        open_text(page, "/new?template=my-own-network")
        expect(page.locator("#text-errors li")).to_have_count(2)
        check(someone)
        page.reload()
        expect(page.locator("#text-errors li")).to_have_count(2)
        assert "as=text" in page.url
        check(someone)
