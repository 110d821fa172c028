"""The dashboard of a complete Edgepress, in a real browser: the views and actions of a user without a terminal.

With EDGEPRESS_TEST_PICTURES=FOLDER the job is the demo's, and screenshots of its pages are saved there.
"""

import io
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.stack import TINY, Edgepress, Json
from fakes.browser import DESKTOP, PHONE, PICTURES, Visitor, unfold, visitor
from fakes.image_folders import write_class_folders

DEMO: Json = yaml.safe_load(files("edgepress_api.commands").joinpath("demo.yaml").read_text())
# With a seed of its own, since it is to be seen running: no other test's job has done its steps before.
JOB: Json = DEMO if PICTURES else TINY | {"training": TINY["training"] | {"seed": 5}}
PATIENCE_SECONDS = 1200 if PICTURES else 400

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE_SECONDS + 60)]

TITLES = {
    "float32": "float32",
    "float16": "float16",
    "dynamic": "dynamic range",
    "int16x8": "int16 activations, int8 weights",
    "int8": "full int8",
}
LABELS = {"warmup_runs": "Warm-up runs", "runs": "Timed runs", "full_pass": "Time the whole validation set"}
A4 = {"width": 703, "height": 1032}  # 210 by 297 mm less margins of 12, in pixels of 1/96 inch
OF_A_PHONE = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
CHARTS = "section:has(h2:text-is('Accuracy against latency and size'))"
COLOURS = "(each) => `${getComputedStyle(each).color} on ${getComputedStyle(each).backgroundColor}`"
BEYOND_THE_PAPER = """(all) =>
  all.filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.outerHTML)"""
# Changes of the page while a job runs, recorded by the page itself: a reload would lose the record.
NOTE_WHAT_IS_SEEN = """() => {
  window.seen = [];
  setInterval(() => {
    const train = [...document.querySelectorAll(".node")].find((node) => node.textContent.includes("train"));
    const said = [document.getElementById("state").textContent, train?.classList[1] ?? "",
      Number(document.querySelector(".training-of")?.dataset.epochs ?? 0)];
    if (JSON.stringify(said) !== JSON.stringify(window.seen.at(-1))) window.seen.push(said);
  }, 50);
}"""


@dataclass(frozen=True)
class Followed:
    """A job that was posted by the form and followed to its end.

    Attributes:
        id: Which job.
        plan: What was said of its plan before it was posted.
        was_stored: Whether there was a job more once its plan had been shown.
        seen: State of the job, state of its training, epochs drawn: whenever one of them changed.
        log: What was said to have happened to the training.
    """

    id: str
    plan: str
    was_stored: bool
    seen: list[tuple[str, str, int]]
    log: str


@pytest.fixture(scope="module")
def followed(edgepress: Edgepress, browser: Browser) -> Followed:
    """A job that was filled in, planned, posted, and followed to its end, without a reload of the page."""
    with visitor(browser, edgepress.url, DESKTOP, extra_http_headers=edgepress.headers) as someone:
        page, jobs = someone.page, edgepress.job_ids()
        page.goto("/new")
        fill_in(page, JOB)
        someone.picture("new-job")
        page.get_by_role("button", name="Show plan").click()
        expect(page.locator("#plan .node").last).to_be_visible()
        plan, was_stored = page.locator("#plan-words").inner_text(), edgepress.job_ids() != jobs
        page.locator("#plan").scroll_into_view_if_needed()
        someone.picture("plan")
        page.get_by_role("button", name="Create job").click()
        page.wait_for_url("**/jobs/job-*")
        page.evaluate(NOTE_WHAT_IS_SEEN)
        follow(someone)
        page.locator(".node", has_text="train").first.click()
        log = page.locator("#step-log").inner_text()
        someone.check()
        return Followed(page.url.rpartition("/")[2], plan, was_stored, page.evaluate("window.seen"), log)


def follow(someone: Visitor) -> None:
    """Wait until the job has succeeded."""
    page = someone.page
    training = page.locator(".training-of").first
    expect(training).to_have_attribute("data-epochs", "3", timeout=1000 * PATIENCE_SECONDS)
    expect(page.locator(".node.running").first).to_be_visible()
    someone.picture("job-running", of="body")
    someone.check()
    expect(page.locator("#state")).to_have_text("succeeded", timeout=1000 * PATIENCE_SECONDS)
    expect(page.locator("#recommendation .summary").first).to_be_visible()


def test_a_job_is_posted_by_the_form_and_followed_live(edgepress: Edgepress, followed: Followed) -> None:
    """Its plan is seen before anything is stored; then states, curves and log as they come, without loading again."""
    steps = {step["key"] for step in edgepress.steps(followed.id)}
    pipelines = counted(len(edgepress.job(followed.id)["pipelines"]), "pipeline")
    assert followed.plan.startswith(f"{pipelines}, {len(steps)} steps")
    assert not followed.was_stored
    assert [state for state, *_ in followed.seen][-1] == "succeeded"
    assert {state for state, *_ in followed.seen} >= {"running", "succeeded"}
    assert any(training == "running" and epochs > 0 for _, training, epochs in followed.seen), followed.seen
    lines = followed.log.splitlines()
    assert [line.split("  ")[1].split(":")[0] for line in lines if "epoch" in line] == [
        f"epoch {number} of {JOB['training']['epochs']}" for number in range(1, JOB["training"]["epochs"] + 1)
    ]
    assert lines[-1].endswith("succeeded")
    again = edgepress.http.post("/v1/jobs?validate_only=true", json=JOB).json()
    assert set(again["done"]) == steps, "the form said something else than the spec"


def test_the_order_follows_weights_and_limits(edgepress: Edgepress, browser: Browser, followed: Followed) -> None:
    """Other files are last by time alone and by size alone; a limit that no file keeps is shown; then back."""
    with visitor(browser, edgepress.url, DESKTOP, extra_http_headers=edgepress.headers) as someone:
        page = someone.page
        page.goto(f"/jobs/{followed.id}")
        unfold(page)
        rows = page.locator(".ranking tbody tr")
        expect(rows).to_have_count(len(edgepress.report(followed.id)["rows"]))
        first, order = page.locator("#first").inner_text(), rows.all_inner_texts()
        weigh(page, "Latency")
        expect(rows.last).to_contain_text("int16x8")
        weigh(page, "Size")
        expect(rows.last).to_contain_text("float32")
        by_size = rows.all_inner_texts()
        assert [row.split("\t")[1] for row in by_size] != [row.split("\t")[1] for row in order]
        page.get_by_role("textbox", name="Zipped size, MB", exact=True).fill("0.001")
        expect(page.locator("#first")).to_have_text("No file is within the limits on host.")
        page.get_by_role("button", name="Reset to job settings").click()
        expect(page.locator("#first")).to_have_text(first)
        assert rows.all_inner_texts() == order
        someone.check()


def weigh(page: Page, what: str) -> None:
    """One thing counts, and nothing else."""
    for name in ("Accuracy", "Latency", "Size", "Zipped size"):
        page.get_by_role("slider", name=name, exact=True).press("End" if name == what else "Home")


def test_the_bundle_is_taken_home_from_a_phone(
    edgepress: Edgepress, browser: Browser, followed: Followed, tmp_path: Path
) -> None:
    """The button of the recommended file downloads it; it classifies an image that was not used in training."""
    with visitor(browser, edgepress.url, PHONE, accept_downloads=True, **OF_A_PHONE) as someone:
        someone.page.goto(f"/jobs/{followed.id}")
        someone.page.get_by_label("Token", exact=True).fill(edgepress.headers["Authorization"].removeprefix("Bearer "))
        someone.page.get_by_role("button", name="Sign in").click()
        button = someone.page.get_by_role("link", name="Download bundle").first
        with someone.page.expect_download() as download:
            button.tap()
        assert download.value.suggested_filename.endswith(".zip")
        bundle = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
        # The browser logs each request that was refused before the token was entered.
        someone.complaints[:] = [each for each in someone.complaints if "401" not in each]
        someone.check()
    names = {Path(name).name for name in bundle.namelist()}
    assert names == {"model.tflite", "labels.txt", "preprocessing.json", "MODEL_CARD.md", "predict.py"}
    bundle.extractall(tmp_path)
    pack = edgepress.step(followed.id, "pack")["outputs"]["validation_images"]["sha256"]
    save_first_image(edgepress.http.get(f"/v1/artifacts/{pack}").raise_for_status().content, tmp_path / "image.npy")
    program = next(tmp_path.rglob("predict.py"))
    ran = subprocess.run([sys.executable, program, tmp_path / "image.npy"], capture_output=True, text=True, check=True)
    label = ran.stdout.removeprefix(f"{tmp_path / 'image.npy'}: ").split()[0]
    assert label in (program.parent / "labels.txt").read_text().split()
    assert "accuracy" in (program.parent / "MODEL_CARD.md").read_text().lower()


def save_first_image(pack: bytes, path: Path) -> None:
    """Save an image as a camera would: pixels from 0 to 255."""
    import numpy as np

    np.save(path, np.load(io.BytesIO(pack))[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(edgepress: Edgepress, browser: Browser, followed: Followed, scheme: str) -> None:
    """All of it unfolded, light on a desk and dark on a phone: axe finds nothing, nothing is wider than the screen."""
    smaller = JOB | {"name": f"{JOB['name']}, int8 alone", "pipelines": [{"name": "base", "exports": ["int8"]}]}
    other = edgepress.post(smaller)
    assert edgepress.wait(other)["state"] == "succeeded"
    sparsest = max(edgepress.report(followed.id)["rows"], key=lambda row: row["sparsity"])["model_sha256"]
    pages = {
        "jobs": ("/", "#list table"),
        "form": ("/new", "#form .fields"),
        "job": (f"/jobs/{followed.id}", ".summary"),
        "data": (f"/jobs/{followed.id}/data", ".gallery img[src]"),
        "model": (f"/jobs/{followed.id}/models/{sparsest}", ".matrix"),
        "errors": (f"/jobs/{followed.id}/models/{sparsest}/errors", ".gallery img[src]"),
        "devices": ("/devices", ".card"),
        "jobs-to-compare": ("/compare", "#content form"),
        "comparison": (f"/compare?job={followed.id}&job={other}", "table.comparison"),
        "report": (f"/v1/jobs/{followed.id}/report?format=html", "h2"),
        "api": ("/docs", "details"),
    }
    on_a_phone = scheme == "dark"
    size, device = (PHONE, OF_A_PHONE) if on_a_phone else (DESKTOP, {})
    with visitor(
        browser, edgepress.url, size, extra_http_headers=edgepress.headers, color_scheme=scheme, **device
    ) as someone:
        for name, (address, sign) in pages.items():
            someone.page.goto(address)
            expect(someone.page.locator(sign).first).to_be_visible()
            someone.picture(f"{name}-phone" if on_a_phone else name)
            if name == "report":
                someone.picture(f"{name}-charts{'-phone' if on_a_phone else ''}", of=CHARTS)
            if name == "job":
                someone.picture(f"recommendation{'-phone' if on_a_phone else ''}", of="#recommendation")
                someone.page.locator(".node").last.click()
            someone.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            someone.check()


def test_a_report_fits_on_paper(edgepress: Edgepress, browser: Browser, followed: Followed) -> None:
    """Printed from a dark screen it is dark on white, nothing is wider than the paper, and all is unfolded."""
    with visitor(browser, edgepress.url, A4, extra_http_headers=edgepress.headers, color_scheme="dark") as someone:
        page = someone.page
        page.goto(f"/v1/jobs/{followed.id}/report?format=html")
        page.emulate_media(media="print")
        colours = page.locator("body").evaluate(COLOURS)
        assert colours == "rgb(28, 32, 36) on rgb(255, 255, 255)"
        assert page.locator("body *").evaluate_all(BEYOND_THE_PAPER) == []
        expect(page.locator("details table.matrix").last).to_be_visible()


def test_a_job_is_posted_by_keyboard_alone(edgepress: Edgepress, browser: Browser, followed: Followed) -> None:
    """From the list of jobs to the job's own page, through the form and its plan."""
    edgepress.wait(edgepress.post(TINY))
    with visitor(browser, edgepress.url, DESKTOP, extra_http_headers=edgepress.headers) as someone:
        page = someone.page
        page.goto("/")
        go_to(page, page.get_by_role("link", name="Skip to content"))
        go_to(page, page.get_by_role("navigation").get_by_role("link", name="New job"), "Enter")
        write(page, page.get_by_label("Name", exact=True).first, "by keyboard")
        write(page, page.get_by_label("Network", exact=True), "MobileNet")
        write(page, page.get_by_label("Width", exact=True), "0.25")
        write(page, page.get_by_label("Pipelines", exact=True), "Custom")
        go_to(page, page.get_by_label("int16 activations"), "Space")
        go_to(page, summary(page, "Training"), "Enter")
        write(page, page.get_by_label("Epochs", exact=True), "3")
        write(page, page.get_by_label("Batch size"), "64")
        go_to(page, summary(page, "Measurement"), "Enter")
        write(page, page.get_by_label("Warm-up runs"), "2")
        write(page, page.get_by_label("Timed runs"), "10")
        go_to(page, page.get_by_role("button", name="Show plan"), "Enter")
        expect(page.locator("#plan-words")).to_contain_text("8 already done. Nothing is left to run")
        expect(page.locator("#plan")).to_be_focused()
        go_to(page, page.get_by_role("button", name="Create job"), "Enter", key="Shift+Tab")
        page.wait_for_url("**/jobs/job-*")
        expect(page.locator("#state")).to_have_text("succeeded")
        go_to(page, page.get_by_role("region", name="Graph of steps"))
        go_to(page, page.locator("#all-steps summary"), "Enter")
        go_to(page, page.locator("#step-list").get_by_role("button", name="train"), "Enter")
        expect(page.locator("#step")).to_be_focused()
        someone.check()


def test_an_archive_is_sent_and_its_job_cancelled_and_taken_up_again(
    edgepress: Edgepress, browser: Browser, tmp_path: Path
) -> None:
    """The form and the buttons do it; the training continues from its last epoch."""
    archive = zipped(write_class_folders(tmp_path / "cells", {"round": 12, "long": 12}))
    with visitor(browser, edgepress.url, DESKTOP, extra_http_headers=edgepress.headers) as someone:
        page = someone.page
        page.goto("/new")
        send_archive(page, "cells.zip", archive)
        fill_in(page, TINY | {"name": "cells", "training": {"epochs": 1000, "batch_size": 8}})
        page.get_by_role("button", name="Create job").click()
        page.wait_for_url("**/jobs/job-*")
        job_id = page.url.rpartition("/")[2]
        training = page.locator(".training-of")
        expect(training).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#state")).to_have_text("cancelled")
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        epochs = int(training.get_attribute("data-epochs") or 0)
        page.get_by_role("button", name="Retry").click()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        edgepress.wait(job_id, lambda job: job["state"] == "running" and epoch_of(job) >= epochs)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#state")).to_have_text("cancelled")
        someone.check()


def epoch_of(job: Json) -> int:
    """Return the number of the training's last epoch."""
    training = next(step for step in job["pipelines"][0]["steps"] if step["title"] == "train")
    return (training["progress"] or {}).get("epoch") or 0


def test_a_step_that_failed_says_why(edgepress: Edgepress, browser: Browser, tmp_path: Path) -> None:
    """An archive with invalid images: the page names them, shows the end of the log, and offers a retry."""
    folder = tmp_path / "none"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            (folder / name / f"{number}.jpg").write_text("not an image")
    with visitor(browser, edgepress.url, PHONE, extra_http_headers=edgepress.headers, **OF_A_PHONE) as someone:
        page = someone.page
        page.goto("/new")
        send_archive(page, "none.zip", zipped(folder))
        fill_in(page, TINY | {"name": "no images"})
        page.get_by_role("button", name="Create job").click()
        expect(page.locator("#state")).to_have_text("failed")
        expect(page.locator("#error")).to_contain_text(".jpg")
        page.locator(".node", has_text="pack").tap()
        expect(page.locator("#step .note.bad")).to_contain_text("unreadable_dataset")
        expect(page.get_by_text("End of the log")).to_be_visible()
        someone.check()
        with page.expect_navigation():  # to follow it again
            page.get_by_role("button", name="Retry").tap()
        expect(page.locator("#state")).to_have_text("failed")
        page.locator(".node", has_text="pack").tap()
        expect(page.locator("#step-log")).to_contain_text("running, attempt 2")


def fill_in(page: Page, spec: Json) -> None:
    """Fill in the form from a spec, except for the data set."""
    page.get_by_label("Name", exact=True).first.fill(spec["name"])
    page.get_by_label("Network", exact=True).select_option(spec["model"]["architecture"])
    if "width" in spec["model"]:
        page.get_by_label("Width", exact=True).fill(str(spec["model"]["width"]))
    for group, title in (("training", "Training"), ("evaluation", "Measurement")):
        summary(page, title).click()
        for name, value in spec[group].items():
            if name != "devices":  # whichever is free, as it is
                say(summary(page, title).locator(".."), name, value)
    pipelines = page.get_by_label("Pipelines", exact=True)
    if isinstance(spec["pipelines"], str):
        pipelines.select_option(spec["pipelines"])
        return
    pipelines.select_option("custom")
    [pipeline] = spec["pipelines"]
    for kind, title in TITLES.items():
        page.get_by_label(title, exact=True).set_checked(kind in pipeline["exports"])


def say(group: Locator, name: str, value: object) -> None:
    """Fill in a field of the form."""
    field = group.get_by_label(LABELS.get(name, name.replace("_", " ").capitalize()), exact=True)
    if field.evaluate("(each) => each.tagName") == "SELECT":
        field.select_option(str(value))
    else:
        field.fill(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def send_archive(page: Page, name: str, content: bytes) -> None:
    """Upload an own data set."""
    page.get_by_label("Data set", exact=True).select_option("upload")
    page.get_by_label("Upload a file").set_input_files({"name": name, "mimeType": "application/zip", "buffer": content})
    expect(page.get_by_text(f"{name} is stored")).to_be_visible()


def zipped(folder: Path) -> bytes:
    """Return the folder as an archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    return content.getvalue()


def summary(page: Page, name: str) -> Locator:
    """Return the element that expands a group of the form."""
    return page.locator("details.group > summary", has_text=name)


def write(page: Page, field: Locator, text: str) -> None:
    """Move the focus to an element and type."""
    go_to(page, field)
    page.keyboard.type(text)


def go_to(page: Page, target: Locator, then: str = "", *, key: str = "Tab") -> None:
    """Press a key until an element has the focus, at most a hundred times; then another key."""
    expect(target).to_be_attached()
    for _ in range(100):
        page.keyboard.press(key)
        if target.evaluate("(each) => each === document.activeElement"):
            break
    expect(target).to_be_focused()
    if then:
        page.keyboard.press(then)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the format of the page."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
