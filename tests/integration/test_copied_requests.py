"""Requests that pages offer to copy, executed with a real gateway: by curl, by Python and by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fakes.browser import DESKTOP, PHONE, Visitor, visitor
from fakes.gateway_app import GatewayApp, gateway_with_address
from fakes.jobs import with_test_split
from fakes.packed import INT8, show_images

FORMS = ("curl", "Python", "Command line")
SPEC = "# it's mine\nname: it's copied\ndataset: {kind: builtin, image_size: 32}\nmodel: {architecture: resnet18}\n"
NO_RESULT = 9  # exit code of `recommend` where no file is within the limits


@dataclass(frozen=True)
class Served:
    """A gateway that requires a token, and a user with two jobs."""

    gateway: GatewayApp
    url: str
    token: str
    jobs: tuple[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The gateway."""
    with gateway_with_address(tmp_path_factory.mktemp("gateway"), EDGEPRESS_REQUIRE_TOKENS="true") as (gateway, url):
        gateway.workforce.change = with_test_split
        data = {"kind": "builtin", "image_size": 32, "test_fraction": 0.2}
        jobs = gateway.finished_job(dataset=data, name="it's one", tags=["night"]), gateway.finished_job(name="two")
        show_images(gateway)
        yield Served(gateway, url, gateway.token("local", "submit", "read"), jobs)


@pytest.fixture
def someone(browser: Browser, served: Served) -> Iterator[Visitor]:
    """A user who has signed in."""
    with visitor(browser, served.url, DESKTOP) as visiting:
        visiting.page.goto(f"/#token={served.token}")
        expect(visiting.page.locator("#list table")).to_be_visible()
        yield visiting


def copied(page: Page, view: str = "") -> dict[str, str]:
    """Open the menu, choose a view if there are several, and return the texts."""
    page.locator("#copies > summary").click()
    if view:
        page.get_by_label("What", exact=True).select_option(view)
    blocks = page.locator("#copies-panel pre")
    expect(blocks).to_have_count(len(FORMS))
    texts = dict(zip(FORMS, blocks.all_inner_texts(), strict=True))
    page.keyboard.press("Escape")
    expect(page.locator("#copies-panel")).to_be_hidden()
    return texts


def executed(served: Served, texts: dict[str, str], folder: Path, *, empty: bool = False) -> dict[str, str]:
    """Execute what was copied, and return the output of each form."""
    environment = {
        **os.environ,
        "EDGEPRESS_TOKEN": served.token,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    programs = {"curl": ["bash", "-c", texts["curl"]], "Python": [sys.executable, "-c", texts["Python"]]}
    programs["Command line"] = ["bash", "-c", texts["Command line"]]
    outputs = {}
    for form, program in programs.items():
        assert served.token not in texts[form]
        ran = subprocess.run(program, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        accepted = {0, NO_RESULT} if empty and form == "Command line" else {0}
        assert ran.returncode in accepted, f"{texts[form]}\n{ran.stdout}{ran.stderr}"
        outputs[form] = ran.stdout
    assert '"$EDGEPRESS_TOKEN"' in texts["curl"] or "Bearer $EDGEPRESS_TOKEN" in texts["curl"]
    return outputs


def test_a_list_is_copied_with_its_filters(someone: Visitor, served: Served, tmp_path: Path) -> None:
    """The current filters, not those of the load."""
    page = someone.page
    page.get_by_label("Tag").select_option("night")
    page.get_by_label("Search", exact=True).fill("it's")
    page.get_by_label("Since").fill("2025-12-30")
    page.get_by_label("Since").press("Enter")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    texts = copied(page)
    assert "tag=night" in texts["curl"]
    for form, output in executed(served, texts, tmp_path).items():
        assert served.jobs[0] in output, form
        assert served.jobs[1] not in output, form


@pytest.mark.parametrize(
    ("path", "view", "sign"),
    [
        ("/jobs/{job}", "Recommendation", "weighted_sum"),
        ("/jobs/{job}?method=topsis&weight_accuracy=3&max_size_bytes=12500000", "Recommendation", "topsis"),
        ("/jobs/{job}", "Report", "float32"),
        ("/jobs/{job}", "Job", "evaluation"),
        ("/jobs/{job}/data?split=test&class_name=1", "", "test"),
        (f"/jobs/{{job}}/models/{INT8}", "", "int8"),
        (f"/jobs/{{job}}/models/{INT8}/errors?selection=lost", "", "int8"),
        ("/devices", "", "pi"),
        ("/compare?job={job}&job={other}", "", "base"),
        ("/compare", "", "comparisons"),
    ],
)
def test_a_view_is_copied_and_executed(
    someone: Visitor, served: Served, tmp_path: Path, path: str, view: str, sign: str
) -> None:
    """Each form asks for the same: the answer of curl has what the page shows."""
    job, other = served.jobs
    page = someone.page
    page.goto(path.format(job=job, other=other))
    expect(page.locator("main:not([aria-busy])")).to_be_attached()
    outputs = executed(served, copied(page, view), tmp_path, empty=view == "Recommendation")
    assert sign in outputs["curl"]
    assert outputs["Python"].strip() or sign == "comparisons"


def test_a_new_job_is_copied_and_posted(someone: Visitor, served: Served, tmp_path: Path) -> None:
    """The text as it is, quotes and comments included, by each form."""
    page = someone.page
    page.goto("/new?as=text")
    editor = page.get_by_role("textbox", name="Spec, as YAML or JSON")
    editor.fill(SPEC)
    texts = copied(page)
    assert "# it's mine" in texts["curl"]
    executed(served, texts, tmp_path)
    listed = served.gateway.client_with(served.token).get("/v1/jobs?q=copied").json()["jobs"]
    assert [job["name"] for job in listed] == ["it's copied"] * len(FORMS)


def test_the_menu_copies_and_is_used_by_keyboard_on_a_phone(browser: Browser, served: Served) -> None:
    """Escape closes it; without a clipboard the text is selected and copied."""
    with visitor(browser, served.url, PHONE, color_scheme="dark") as someone:
        page = someone.page
        page.goto(f"/#token={served.token}")
        expect(page.locator("#list table")).to_be_visible()
        summary = page.locator("#copies > summary")
        summary.press("Enter")
        button = page.get_by_role("button", name="Copy as curl")
        button.press("Enter")
        expect(page.locator("#copies-panel [role=status]").first).to_have_text("Copied.")
        someone.check()
        page.keyboard.press("Escape")
        expect(summary).to_be_focused()
        expect(page.locator("#copies-panel")).to_be_hidden()
